"""Tutorial - What is a variational autoencoder? (J. Altosaar, 2016), in Keras.

θ are the encoder's weights and φ the decoder's: the other way round than in most papers. λ = (μ, σ²) are the
variational parameters of each datum: what the encoder puts out, or, without one ("mean-field"), free parameters λ_i.
The loss is the sum of l_i = -ELBO_i, minimised. Networks are abstract in the tutorial, and multilayer perceptrons here.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def log_Normal(x: Any, mean: Any, log_variance: Any) -> Any:
    """Axes [..., any], broadcast → the log density of the last axis: [...]."""
    squares = (x - mean) ** 2 / ops.exp(log_variance)
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_variance + squares, axis=-1)


class MeanField(keras.layers.Layer):
    """q(z) = Π_i q(z_i; λ_i): free parameters λ_i = (μ_i, σ_i) for each datapoint, which start at the prior's."""

    def __init__(self, N: int, latent: int, name: str) -> None:
        super().__init__(name=name)
        self.μ = self.add_weight(shape=(N, latent), initializer="zeros", name="mu")
        self.log_σ2 = self.add_weight(shape=(N, latent), initializer="zeros", name="log_sigma2")
        self.built = True

    def call(self, x: Any) -> tuple[Any, Any]:
        """x: the whole data set, [datum, data], of which nothing is read → μ, log σ²: [datum, latent] each."""
        return ops.convert_to_tensor(self.μ), ops.convert_to_tensor(self.log_σ2)


class VAE(keras.Model):
    """p(x, z) = p(x|z) p(z) with p(z) = Normal(0, 1).

    `likelihood`: `bernoulli`, the tutorial's for black and white pixels, or `gaussian`. `posterior`: `diagonal`, which
    is amortised, or `free`: mean-field, with λ_i for each of `N` data, which are then always passed together and in the
    same order. The tutorial gives no sizes.
    """

    def __init__(
        self,
        data: int = 784,
        latent: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        posterior: str = "diagonal",
        N: int | None = None,
    ) -> None:
        super().__init__()
        self.latent = latent
        self.bernoulli = likelihood == "bernoulli"
        self.amortised = posterior == "diagonal"
        if self.amortised:
            self.θ = MLP(data, hidden, {"μ": latent, "log_σ2": latent}, activation, name="theta")
        else:
            assert N, "a free posterior has parameters for each of N data"
            self.λ = MeanField(N, latent, name="lambda")
        heads = ("logits",) if self.bernoulli else ("mean_x", "log_variance_x")
        self.φ = MLP(latent, hidden[::-1], dict.fromkeys(heads, data), activation, name="phi")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ, log σ² of q_θ(z|x) or q_λ(z|x): [batch, latent] each."""
        return self.θ(x) if self.amortised else self.λ(x)

    def decoder(self, z: Any) -> tuple[Any, ...]:
        """z: [batch, latent] → parameters of p_φ(x|z): logits, or mean and log variance: [batch, data] each."""
        return self.φ(z)

    def log_p_x_z(self, x: Any, parameters: tuple[Any, ...]) -> Any:
        """x: [batch, data], parameters: what the decoder returns → log p_φ(x|z), in nats: [batch]."""
        if self.bernoulli:
            logits = parameters[0]
            return ops.sum(x * ops.log_sigmoid(logits) + (1 - x) * ops.log_sigmoid(-logits), axis=-1)
        return log_Normal(x, *parameters)

    def log_p_z(self, z: Any) -> Any:
        """z: [batch, latent] → log p(z): [batch]."""
        return log_Normal(z, ops.zeros_like(z), ops.zeros_like(z))

    def KL(self, μ: Any, log_σ2: Any) -> Any:
        """μ, log_σ2: [batch, latent] → KL(q(z|x) ‖ p(z)) in closed form, which the tutorial does not print: [batch]."""
        return 0.5 * ops.sum(ops.exp(log_σ2) + μ**2 - 1 - log_σ2, axis=-1)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [batch, latent] → what the tutorial defines per datum, expectations with one draw."""
        μ, log_σ2 = self.encoder(x)
        σ = ops.exp(log_σ2 / 2)
        z = μ + σ * ε  # the reparametrization trick
        parameters = self.decoder(z)
        log_p_x_z, log_p_z, log_q_z_x = self.log_p_x_z(x, parameters), self.log_p_z(z), log_Normal(z, μ, log_σ2)
        KL = self.KL(μ, log_σ2)
        probabilities = {"probabilities": ops.sigmoid(parameters[0])} if self.bernoulli else {}
        names = ("logits",) if self.bernoulli else ("mean_x", "log_variance_x")
        return {
            "μ": μ,
            "log_σ2": log_σ2,
            "σ2": ops.exp(log_σ2),
            "σ": σ,
            "z": z,
            **dict(zip(names, parameters, strict=True)),
            **probabilities,
            "log_p_x_z": log_p_x_z,
            "log_p_z": log_p_z,
            "log_q_z_x": log_q_z_x,
            "KL": KL,
            "ELBO_λ": log_p_x_z + log_p_z - log_q_z_x,  # E_q log p(x, z) - E_q log q_λ(z|x)
            "l_i": -log_p_x_z + KL,  # -ELBO_i(θ, φ)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [batch, latent] → log p_φ(x|z), log p(z), log q(z|x): [batch]."""
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_Normal(z, *self.encoder(x)),
        }

    def total_loss(self, l_i: Any) -> Any:
        """l_i: [batch] → the total loss, Σ_i l_i: scalar."""
        return ops.sum(l_i)

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [batch, latent] → the total loss, to be minimised: scalar."""
        return self.total_loss(self.quantities(x, ε)["l_i"])

    def call(self, x: Any) -> Any:
        """x: [batch, data] → l_i with one draw of z: [batch]."""
        ε = keras.random.normal((ops.shape(x)[0], self.latent), dtype=x.dtype, seed=self.seed_generator)
        return self.quantities(x, ε)["l_i"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: l_i of the batch [batch] → the total loss, which Keras minimises: scalar."""
        return self.total_loss(y_pred)
