"""Deep Learning: Foundations and Concepts (C. M. Bishop and H. Bishop, 2024), section 19.2, in Keras.

Equation numbers are the book's. w are the decoder's weights and φ the encoder's; M is the size of the latent space, L
the number of samples and σ_j² a variance. The networks are abstract in the book and multilayer perceptrons here. The
bound, a sum over the data, is maximised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def ln_N(x: Any, mean: Any, ln_variance: Any) -> Any:
    """Axes [..., any], broadcast → Σ ln N(x|mean, variance) over the last axis: [...]."""
    return -0.5 * ops.sum(math.log(2 * math.pi) + ln_variance + (x - mean) ** 2 * ops.exp(-ln_variance), axis=-1)


class VAE(keras.Model):
    """p(z) = N(z|0, I) (19.5), p(x|z, w) governed by the network g(z, w), q(z|x, φ) (19.13).

    The book gives no sizes. `likelihood`: `bernoulli`, of means g; `gaussian-fixed`, of means g and the constant
    `variance`; or `gaussian`, whose variances come out of the network too.
    """

    def __init__(
        self,
        data: int = 784,
        M: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "gaussian-fixed",
        variance: float = 1.0,
    ) -> None:
        super().__init__()
        self.M = M
        self.likelihood = likelihood
        self.ln_variance = math.log(variance)
        heads = {"bernoulli": ("logit_g",), "gaussian": ("g", "ln_variance_x")}.get(likelihood, ("g",))
        self.φ = MLP(data, hidden, {"μ": M, "ln_σ2": M}, activation, name="phi")
        self.w = MLP(M, hidden[::-1], dict.fromkeys(heads, data), activation, name="w")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ_j(x, φ), ln σ_j²(x, φ): [batch, latent] each (19.13)."""
        return self.φ(x)

    def decoder(self, z: Any) -> tuple[Any, ...]:
        """z: [sample, batch, latent] → g(z, w), or its logit, and the logarithm of variances: [sample, batch, data]."""
        return self.w(z)

    def ln_p_x_z(self, x: Any, g: tuple[Any, ...]) -> Any:
        """x: [batch, data], g: what the decoder returns → ln p(x|z, w): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logit_g = g[0]
            return ops.sum(x * ops.log_sigmoid(logit_g) + (1 - x) * ops.log_sigmoid(-logit_g), axis=-1)
        mean, ln_variance = g if self.likelihood == "gaussian" else (g[0], ops.full_like(g[0], self.ln_variance))
        return ln_N(x, mean, ln_variance)

    def ln_p_z(self, z: Any) -> Any:
        """z: [sample, batch, latent] → ln p(z): [sample, batch] (19.5)."""
        return ln_N(z, ops.zeros_like(z), ops.zeros_like(z))

    def KL(self, μ: Any, ln_σ2: Any) -> Any:
        """μ, ln_σ2: [batch, latent] → KL(q(z|x, φ) ‖ p(z)): [batch] (19.15), positive."""
        return -0.5 * ops.sum(1 + ln_σ2 - μ**2 - ops.exp(ln_σ2), axis=-1)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent] → what the section computes for each x_n."""
        L = ε.shape[0]
        μ, ln_σ2 = self.encoder(x)
        σ = ops.exp(ln_σ2 / 2)
        z = σ * ε + μ  # (19.17)
        g = self.decoder(z)
        ln_p_x_z = ops.sum(self.ln_p_x_z(x, g), axis=0) / L  # (19.16)
        KL = self.KL(μ, ln_σ2)
        names = ("logit_g",) if self.likelihood == "bernoulli" else ("g", "ln_variance_x")
        mean = {"g": ops.sigmoid(g[0])} if self.likelihood == "bernoulli" else {}
        return {
            "μ": μ,
            "ln_σ2": ln_σ2,
            "σ2": ops.exp(ln_σ2),
            "σ": σ,
            "z": z,
            **dict(zip(names, g, strict=False)),
            **mean,
            "ln_p_x_z": ln_p_x_z,
            "ln_p_z": ops.sum(self.ln_p_z(z), axis=0) / L,
            "ln_q_z_x": ops.sum(ln_N(z, μ, ln_σ2), axis=0) / L,
            "KL": KL,
            "L_n": ln_p_x_z - KL,  # (19.14); the summand of (19.19)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → ln p(x|z, w), ln p(z), ln q(z|x, φ): [sample, batch]."""
        return {
            "ln_p_x_z": self.ln_p_x_z(x, self.decoder(z)),
            "ln_p_z": self.ln_p_z(z),
            "ln_q_z_x": ln_N(z, *self.encoder(x)),
        }

    def bound(self, L_n: Any) -> Any:
        """L_n: [batch] → Σ_n L_n: scalar (19.10)."""
        return ops.sum(L_n)

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → the bound, to be maximised: scalar."""
        return self.bound(self.quantities(x, ε)["L_n"])

    def call(self, x: Any) -> Any:
        """x: [batch, data] → L_n with L = 1, as in (19.19): [batch]."""
        ε = keras.random.normal((1, ops.shape(x)[0], self.M), dtype=x.dtype, seed=self.seed_generator)
        return self.quantities(x, ε)["L_n"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: L_n of the batch [batch] → the negative bound, which Keras minimises: scalar."""
        return -self.bound(y_pred)
