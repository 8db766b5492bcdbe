"""An Introduction to Variational Autoencoders (D. P. Kingma and M. Welling, 2019, arXiv:1906.02691), in Keras.

Equation numbers are the paper's. Its networks are abstract: EncoderNeuralNet_φ and DecoderNeuralNet_θ are multilayer
perceptrons here. Scales are log σ, of the standard deviation. The ELBO is maximised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def log_N(x: Any, μ: Any, log_σ: Any) -> Any:
    """Axes [..., any], broadcast → log N(x; μ, diag(σ²)) of the last axis: [...]."""
    return -ops.sum(0.5 * (((x - μ) * ops.exp(-log_σ)) ** 2 + math.log(2 * math.pi)) + log_σ, axis=-1)


class VAE(keras.Model):
    """p_θ(x, z) = p_θ(z) p_θ(x|z) and q_φ(z|x), with the parameters of every factor given by a network (1.7).

    The paper gives no sizes. `likelihood`: `bernoulli`, `gaussian` or `gaussian-fixed` (of constant `variance`).
    `prior`: `standard`, p_θ(z) = N(0, I), which has no parameters, or `learned`, N(μ_z, σ_z²), which are part of θ.
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        prior: str = "standard",
        variance: float | None = None,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.log_σ_x = 0.5 * math.log(variance or 1.0)
        heads = {"bernoulli": ("logit_p",), "gaussian": ("μ", "log_σ"), "gaussian-fixed": ("μ",)}[likelihood]
        moments = {"μ": latent_dim, "log_σ": latent_dim}
        self.EncoderNeuralNet_φ = MLP(data_dim, hidden, moments, activation, name="encoder_phi")
        parameters = dict.fromkeys(heads, data_dim)
        self.DecoderNeuralNet_θ = MLP(latent_dim, hidden[::-1], parameters, activation, name="decoder_theta")
        free = prior == "learned"
        self.μ_z = self.add_weight(shape=(latent_dim,), initializer="zeros", trainable=free, name="mu_z")
        self.log_σ_z = self.add_weight(shape=(latent_dim,), initializer="zeros", trainable=free, name="log_sigma_z")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ, log σ of q_φ(z|x) = N(z; μ, diag(σ²)) (2.36): [batch, latent] each."""
        return self.EncoderNeuralNet_φ(x)

    def decoder(self, z: Any) -> tuple[Any, ...]:
        """z: [..., latent] → parameters η of p_θ(x|z): logit p; or μ, log σ; or μ: [..., data] each."""
        return self.DecoderNeuralNet_θ(z)

    def logpx(self, x: Any, η: tuple[Any, ...]) -> Any:
        """x: [batch, data], η: what the decoder returns → log p_θ(x|z): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logit_p = η[0]
            log_p, log_1_minus_p = ops.log_sigmoid(logit_p), ops.log_sigmoid(-logit_p)
            return ops.sum(x * log_p + (1 - x) * log_1_minus_p, axis=-1)  # Algorithm 2
        μ, log_σ = η if self.likelihood == "gaussian" else (η[0], ops.full_like(η[0], self.log_σ_x))
        return log_N(x, μ, log_σ)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent] → the ELBO, its parts and its estimators per datum."""
        μ, log_σ = self.encoder(x)
        σ = ops.exp(log_σ)
        z = μ + σ * ε
        η = self.decoder(z)
        logpx = self.logpx(x, η)
        logpz = log_N(z, self.μ_z, self.log_σ_z)
        logqz = -ops.sum(0.5 * (ε**2 + math.log(2 * math.pi)) + log_σ, axis=-1)  # (2.44)
        L = ε.shape[0]
        log_w = logpx + logpz - logqz  # log p_θ(x, z) - log q_φ(z|x): Algorithm 2's estimate of the ELBO
        D_KL = self.D_KL(μ, log_σ)
        decoder_names = {"bernoulli": ("logit_p",)}.get(self.likelihood, ("θ.μ", "θ.log_σ"))
        p = {"p": ops.sigmoid(η[0])} if self.likelihood == "bernoulli" else {}
        return {
            "φ.μ": μ,
            "φ.log_σ": log_σ,
            "σ": σ,
            "μ_z": ops.convert_to_tensor(self.μ_z),
            "log_σ_z": ops.convert_to_tensor(self.log_σ_z),
            "z": z,
            **dict(zip(decoder_names, η, strict=False)),
            **p,
            "logpx": ops.mean(logpx, axis=0),
            "logpz": ops.mean(logpz, axis=0),
            "logqz": ops.mean(logqz, axis=0),
            "D_KL": D_KL,
            "L_θφ": ops.mean(logpx, axis=0) - D_KL,
            "L_tilde": ops.mean(log_w, axis=0),
            "log_p_θ_x": ops.logsumexp(log_w, axis=0) - math.log(L),  # (2.57)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        return {
            "logpx": self.logpx(x, self.decoder(z)),
            "logpz": log_N(z, self.μ_z, self.log_σ_z),
            "logqz": log_N(z, *self.encoder(x)),
        }

    def D_KL(self, μ: Any, log_σ: Any) -> Any:
        """μ, log_σ: [batch, latent] → D_KL(q_φ(z|x) ‖ p_θ(z)) in closed form: [batch]."""
        log_ratio = log_σ - self.log_σ_z
        distance = (μ - self.μ_z) * ops.exp(-self.log_σ_z)
        return 0.5 * ops.sum(ops.exp(2 * log_ratio) + distance**2 - 1 - 2 * log_ratio, axis=-1)

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → Σ_x L_θφ(x), KL in closed form, to be maximised: scalar."""
        L_D = ops.sum(self.quantities(x, ε)["L_θφ"])  # (2.13)
        return L_D

    def call(self, x: Any) -> Any:
        """x: [batch, data] → Algorithm 2's one-sample estimate of the ELBO: [batch]."""
        shape = (1, ops.shape(x)[0], self.μ_z.shape[0])
        return self.quantities(x, keras.random.normal(shape, dtype=x.dtype, seed=self.seed_generator))["L_tilde"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: the estimate [batch] → its negative mean, which Keras minimises: scalar."""
        return -ops.mean(y_pred)
