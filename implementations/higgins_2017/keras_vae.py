"""β-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework (I. Higgins et al., 2017), in Keras.

Equation numbers are the paper's. The bound is maximised, its KL weighed by β, a Lagrange multiplier: 1 is the original
VAE. Of two numbers that the paper calls ε one is the noise here; the other bounds the KL, moves no gradient, and is 0.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def log_N(x: Any, mean: Any, log_variance: Any) -> Any:
    """Axes [..., any], broadcast → log N(x; mean, variance · I) of the last axis: [...]."""
    squares = (x - mean) ** 2 * ops.exp(-log_variance)
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_variance + squares, axis=-1)


class VAE(keras.Model):
    """q_φ(z|x), p_θ(x|z) and p(z) = N(0, I), which has no parameters.

    The paper varies networks and β with the data set; here they are plain. `likelihood`: `bernoulli`, or
    `gaussian-fixed`, of constant `variance`.
    """

    def __init__(
        self,
        data: int = 4096,
        latent: int = 10,
        hidden: Sequence[int] = (1200, 1200),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        variance: float = 1.0,
        β: float = 4.0,
    ) -> None:
        super().__init__()
        self.latent = latent
        self.bernoulli = likelihood == "bernoulli"
        self.log_variance = math.log(variance)
        self.β = β
        self.φ = MLP(data, hidden, {"μ": latent, "log_σ": latent}, activation, name="phi")
        head = "logits" if self.bernoulli else "mean"
        self.θ = MLP(latent, hidden[::-1], {head: data}, activation, name="theta")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ, log σ of q_φ(z|x): [batch, latent] each."""
        return self.φ(x)

    def decoder(self, z: Any) -> Any:
        """z: [batch, latent] → logits or mean of p_θ(x|z): [batch, data]."""
        return self.θ(z)[0]

    def log_p_x_z(self, x: Any, decoded: Any) -> Any:
        """x, decoded: [batch, data] → log p_θ(x|z): [batch]."""
        if self.bernoulli:
            return ops.sum(x * ops.log_sigmoid(decoded) + (1 - x) * ops.log_sigmoid(-decoded), axis=-1)
        return log_N(x, decoded, ops.full_like(decoded, self.log_variance))

    def log_p_z(self, z: Any) -> Any:
        """z: [batch, latent] → log p(z): [batch]."""
        return log_N(z, ops.zeros_like(z), ops.zeros_like(z))

    def D_KL(self, μ: Any, log_σ: Any) -> Any:
        """μ, log_σ: [batch, latent] → D_KL(q_φ(z|x) ‖ p(z)), here in closed form: [batch]."""
        return ops.sum(0.5 * (ops.exp(2 * log_σ) + μ**2 - 1) - log_σ, axis=-1)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [batch, latent] → what the paper defines per datum, the expectation with one draw."""
        μ, log_σ = self.encoder(x)
        σ = ops.exp(log_σ)
        z = μ + σ * ε
        decoded = self.decoder(z)
        log_p_x_z = self.log_p_x_z(x, decoded)
        D_KL = self.D_KL(μ, log_σ)
        outputs = {"logits": decoded, "probabilities": ops.sigmoid(decoded)} if self.bernoulli else {"mean": decoded}
        return {
            "μ": μ,
            "log_σ": log_σ,
            "σ": σ,
            "z": z,
            **outputs,
            "log_p_x_z": log_p_x_z,
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_N(z, μ, 2 * log_σ),
            "D_KL": D_KL,
            "L_1": log_p_x_z - D_KL,  # (4) with β = 1: the original VAE
            "L": log_p_x_z - self.β * D_KL,  # (4)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [batch, latent] → log p_θ(x|z), log p(z), log q_φ(z|x): [batch]."""
        μ, log_σ = self.encoder(x)
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_N(z, μ, 2 * log_σ),
        }

    def F(self, L: Any) -> Any:
        """L: [batch] → the Lagrangian F = L + β ε (3) with ε = 0, averaged over the data (2): scalar."""
        return ops.mean(L)

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [batch, latent] → F, to be maximised: scalar."""
        return self.F(self.quantities(x, ε)["L"])

    def call(self, x: Any) -> Any:
        """x: [batch, data] → L with one draw of z: [batch]."""
        ε = keras.random.normal((ops.shape(x)[0], self.latent), dtype=x.dtype, seed=self.seed_generator)
        return self.quantities(x, ε)["L"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: L of the batch [batch] → -F, which Keras minimises: scalar."""
        return -self.F(y_pred)
