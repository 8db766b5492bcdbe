"""An Introduction to Variational Autoencoders (D. P. Kingma and M. Welling, 2019, arXiv:1906.02691), in Keras.

Equation numbers are the paper's. Its networks are abstract: EncoderNeuralNet_φ and DecoderNeuralNet_θ are multilayer
perceptrons here. Scales are log σ: of the standard deviation, or of the diagonal of the Cholesky factor L of the
covariance. The ELBO is maximised.
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
    `posterior`: `diagonal`, q_φ(z|x) = N(z; μ, diag(σ²)) (2.36), or `full`, N(z; μ, Σ) with Σ = LLᵀ (2.5.1).
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        prior: str = "standard",
        variance: float = 1.0,
        posterior: str = "diagonal",
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.full = posterior == "full"
        self.log_σ_x = 0.5 * math.log(variance)
        heads = {"bernoulli": ("logit_p",), "gaussian": ("μ", "log_σ"), "gaussian-fixed": ("μ",)}[likelihood]
        moments = {"μ": latent_dim, "log_σ": latent_dim, **({"L_prime": latent_dim**2} if self.full else {})}
        self.EncoderNeuralNet_φ = MLP(data_dim, hidden, moments, activation, name="encoder_phi")
        parameters = dict.fromkeys(heads, data_dim)
        self.DecoderNeuralNet_θ = MLP(latent_dim, hidden[::-1], parameters, activation, name="decoder_theta")
        free = prior == "learned"
        self.μ_z = self.add_weight(shape=(latent_dim,), initializer="zeros", trainable=free, name="mu_z")
        self.log_σ_z = self.add_weight(shape=(latent_dim,), initializer="zeros", trainable=free, name="log_sigma_z")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ, log σ: [batch, latent] each; with a full covariance also L: [batch, row, column]."""
        if not self.full:
            return self.EncoderNeuralNet_φ(x)
        μ, log_σ, L_prime = self.EncoderNeuralNet_φ(x)  # Algorithm 2
        size = μ.shape[-1]
        L_prime = ops.reshape(L_prime, (-1, size, size))
        L_mask = ops.tri(size, k=-1, dtype=L_prime.dtype)  # ones below the diagonal
        return μ, log_σ, L_mask * L_prime + ops.eye(size, dtype=L_prime.dtype) * ops.exp(log_σ)[:, None, :]  # diag(σ)

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
        μ, log_σ, *L = self.encoder(x)
        σ = ops.exp(log_σ)
        z = μ + (ops.squeeze(L[0] @ ε[..., None], -1) if self.full else σ * ε)
        η = self.decoder(z)
        logpx = self.logpx(x, η)
        logpz = log_N(z, self.μ_z, self.log_σ_z)
        logqz = -ops.sum(0.5 * (ε**2 + math.log(2 * math.pi)) + log_σ, axis=-1)  # (2.44): log det L is Σ log σ as well
        L_draws = ε.shape[0]
        log_w = logpx + logpz - logqz  # log p_θ(x, z) - log q_φ(z|x): Algorithm 2's estimate of the ELBO
        D_KL = self.D_KL(μ, log_σ, *L)
        decoder_names = {"bernoulli": ("logit_p",)}.get(self.likelihood, ("θ.μ", "θ.log_σ"))
        p = {"p": ops.sigmoid(η[0])} if self.likelihood == "bernoulli" else {}
        covariance = {"L": L[0], "Σ": L[0] @ ops.swapaxes(L[0], -1, -2)} if self.full else {}
        return {
            "φ.μ": μ,
            "φ.log_σ": log_σ,
            "σ": σ,
            **covariance,
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
            "log_p_θ_x": ops.logsumexp(log_w, axis=0) - math.log(L_draws),  # (2.57)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        μ, log_σ, *L = self.encoder(x)
        if self.full:
            differences = ops.transpose(z - μ, (1, 2, 0))  # [batch, latent, sample]
            ε = ops.transpose(ops.solve_triangular(L[0], differences, lower=True), (2, 0, 1))  # L⁻¹(z - μ)
            logqz = -ops.sum(0.5 * (ε**2 + math.log(2 * math.pi)) + log_σ, axis=-1)
        else:
            logqz = log_N(z, μ, log_σ)
        return {
            "logpx": self.logpx(x, self.decoder(z)),
            "logpz": log_N(z, self.μ_z, self.log_σ_z),
            "logqz": logqz,
        }

    def D_KL(self, μ: Any, log_σ: Any, L: Any = None) -> Any:
        """μ, log_σ: [batch, latent], L: [batch, row, column] → D_KL(q_φ(z|x) ‖ p_θ(z)) in closed form: [batch]."""
        log_ratio = log_σ - self.log_σ_z
        # The diagonal of Σ is σ², or Σ_k L_jk²; log det Σ is 2 Σ log σ either way.
        variances = ops.exp(2 * log_σ) if L is None else ops.sum(L**2, axis=-1)
        distance = (μ - self.μ_z) * ops.exp(-self.log_σ_z)
        return 0.5 * ops.sum(variances * ops.exp(-2 * self.log_σ_z) + distance**2 - 1 - 2 * log_ratio, axis=-1)

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → Σ_x L_θφ(x), KL in closed form, to be maximised: scalar."""
        L_D = ops.sum(self.quantities(x, ε)["L_θφ"])  # (2.13)
        return L_D

    def call(self, x: Any) -> Any:
        """x: [batch, data] → Algorithm 2's one-sample estimate of the ELBO: [batch]."""
        shape = (1, ops.shape(x)[0], self.μ_z.shape[0])
        return self.quantities(x, keras.random.normal(shape, dtype=x.dtype, seed=self.seed_generator))["L_tilde"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: the estimate [batch] → its negative sum, which Keras minimises: scalar."""
        return -ops.sum(y_pred)
