"""Understanding Deep Learning (S. J. D. Prince, 2023), chapter 17, in Keras.

Equation numbers are the book's. φ is the decoder's network f and θ the encoder's g: the other way round than in most
papers. Both are abstract in the book and multilayer perceptrons here. Σ is a covariance, with a diagonal alone; a star
marks what was drawn. The loss is the negative ELBO, minimised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def log_Norm(x: Any, μ: Any, log_Σ: Any) -> Any:
    """Axes [..., any], broadcast → log Norm_x[μ, Σ] of the last axis: [...]."""
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_Σ + (x - μ) ** 2 / ops.exp(log_Σ), axis=-1)


class VAE(keras.Model):
    """Pr(z) = Norm_z[0, I] (17.5), Pr(x|z, φ) = Norm_x[f[z, φ], σ²I] (17.6) and q(z|x, θ) (17.20).

    The book gives no sizes. `variance` is σ², which is known; `β` upweights the second term of the ELBO (17.30).
    """

    def __init__(
        self,
        data_dim: int = 784,
        D_z: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        variance: float = 1.0,
        β: float = 1.0,
    ) -> None:
        super().__init__()
        self.D_z = D_z
        self.σ2 = variance
        self.β = β
        self.θ = MLP(data_dim, hidden, {"μ": D_z, "log_Σ": D_z}, activation, name="theta")
        self.φ = MLP(D_z, hidden[::-1], {"f": data_dim}, activation, name="phi")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def g(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → g_μ[x, θ], and the diagonal of log g_Σ[x, θ]: [batch, latent] each (17.20)."""
        return self.θ(x)

    def f(self, z: Any) -> Any:
        """z: [sample, batch, latent] → f[z, φ]: [sample, batch, data] (17.6)."""
        return self.φ(z)[0]

    def log_Pr_x_z(self, x: Any, f: Any) -> Any:
        """x: [batch, data], f: [sample, batch, data] → log Pr(x|z, φ): [sample, batch] (17.6)."""
        return log_Norm(x, f, ops.full_like(f, math.log(self.σ2)))

    def log_Pr_z(self, z: Any) -> Any:
        """z: [sample, batch, latent] → log Pr(z): [sample, batch] (17.5)."""
        return log_Norm(z, ops.zeros_like(z), ops.zeros_like(z))

    def D_KL(self, μ: Any, log_Σ: Any) -> Any:
        """μ, log_Σ: [batch, latent] → D_KL[q(z|x, θ) ‖ Pr(z)]: [batch] (17.24)."""
        Tr, log_det = ops.sum(ops.exp(log_Σ), axis=-1), ops.sum(log_Σ, axis=-1)
        return 0.5 * (Tr + ops.sum(μ * μ, axis=-1) - self.D_z - log_det)

    def quantities(self, x: Any, ε_star: Any) -> dict[str, Any]:
        """x: [batch, data], ε_star: [sample, batch, latent] → what the chapter computes per datum."""
        μ, log_Σ = self.g(x)
        sqrt_Σ = ops.exp(log_Σ / 2)
        z_star = μ + sqrt_Σ * ε_star  # (17.25)
        f = self.f(z_star)
        log_Pr_x_z, log_Pr_z, log_q_z_x = self.log_Pr_x_z(x, f), self.log_Pr_z(z_star), log_Norm(z_star, μ, log_Σ)
        N = ε_star.shape[0]
        reconstruction = ops.mean(log_Pr_x_z, axis=0)  # (17.22); one sample in (17.23)
        D_KL = self.D_KL(μ, log_Σ)
        return {
            "μ": μ,
            "log_Σ": log_Σ,
            "Σ": ops.exp(log_Σ),
            "sqrt_Σ": sqrt_Σ,
            "z_star": z_star,
            "f": f,
            "log_Pr_x_z": reconstruction,
            "log_Pr_z": ops.mean(log_Pr_z, axis=0),
            "log_q_z_x": ops.mean(log_q_z_x, axis=0),
            "D_KL": D_KL,
            "ELBO": reconstruction - D_KL,  # (17.21), (17.23)
            "ELBO_weighted": reconstruction - self.β * D_KL,  # (17.30)
            "log_Pr_x": ops.logsumexp(log_Pr_x_z + log_Pr_z - log_q_z_x, axis=0) - math.log(N),  # (17.28)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → log Pr(x|z, φ), log Pr(z), log q(z|x, θ): [sample, batch]."""
        return {
            "log_Pr_x_z": self.log_Pr_x_z(x, self.f(z)),
            "log_Pr_z": self.log_Pr_z(z),
            "log_q_z_x": log_Norm(z, *self.g(x)),
        }

    def L(self, ELBO: Any) -> Any:
        """ELBO: [batch] → its negative, summed over the data: scalar (17.8; 17.29 without its regularisers)."""
        return -ops.sum(ELBO)

    def objective(self, x: Any, ε_star: Any) -> Any:
        """x: [batch, data], ε_star: [sample, batch, latent] → the loss L, to be minimised: scalar."""
        return self.L(self.quantities(x, ε_star)["ELBO_weighted"])

    def call(self, x: Any) -> Any:
        """x: [batch, data] → the ELBO's estimate with one z*, its second term upweighted by β: [batch]."""
        ε_star = keras.random.normal((1, ops.shape(x)[0], self.D_z), dtype=x.dtype, seed=self.seed_generator)
        return self.quantities(x, ε_star)["ELBO_weighted"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: what `call` returned: [batch] → the loss L, which Keras minimises: scalar."""
        return self.L(y_pred)
