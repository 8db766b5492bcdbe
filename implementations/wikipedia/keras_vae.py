"""Variational autoencoder (Wikipedia, the English article), in Keras.

φ is the encoder and θ the decoder. The article has two posteriors. N(E_φ(x), σ_φ(x)²I) has one scale per datum; with it
the bound is printed as squared errors, up to a constant. N(μ_φ(x), Σ_φ(x)), where Σ_φ = L_φ L_φᵀ, is the one of the
section on reparameterization. The bound is maximised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def diagonal(a: Any) -> Any:
    """a: [batch, latent] → the matrices that have it on their diagonal: [batch, row, column]."""
    return a[..., None] * ops.eye(a.shape[-1], dtype=a.dtype)


class VAE(keras.Model):
    """p_θ(z) = N(0, I), p_θ(x|z) = N(D_θ(z), I) and q_φ(z|x).

    The article gives no networks. `posterior`: that of q_φ(z|x), `isotropic`, N(E_φ(x), σ_φ(x)²I), or `full`,
    N(μ_φ(x), Σ_φ(x)).
    """

    def __init__(
        self,
        data_dim: int = 784,
        N: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        posterior: str = "isotropic",
    ) -> None:
        super().__init__()
        self.N = N
        self.full = posterior == "full"
        heads = {"μ_φ": N, "ln_diag_L_φ": N, "below": N**2} if self.full else {"E_φ": N, "ln_σ_φ": 1}
        self.φ = MLP(data_dim, hidden, heads, activation, name="phi")
        self.θ = MLP(N, hidden[::-1], {"D_θ": data_dim}, activation, name="theta")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → E_φ(x): [batch, latent], ln σ_φ(x): [batch]; or μ_φ(x), ln diag L_φ(x), L_φ(x).

        Those are [batch, latent], the same, and [batch, row, column].
        """
        if not self.full:
            E_φ, ln_σ_φ = self.φ(x)
            return E_φ, ln_σ_φ[:, 0]
        μ_φ, ln_diag_L_φ, below = self.φ(x)
        L_φ = ops.tril(ops.reshape(below, (-1, self.N, self.N)), -1) + diagonal(ops.exp(ln_diag_L_φ))
        return μ_φ, ln_diag_L_φ, L_φ

    def D_θ(self, z: Any) -> Any:
        """z: [batch, latent] → D_θ(z): [batch, data]."""
        return self.θ(z)[0]

    def half_squared_error(self, x: Any, D_θ: Any) -> Any:
        """x, D_θ: [batch, data] → ½‖x - D_θ(z)‖², which is -ln p_θ(x|z) but for (D/2) ln 2π: [batch]."""
        return 0.5 * ops.sum((x - D_θ) ** 2, axis=-1)

    def ln_p_θ_z(self, z: Any) -> Any:
        """z: [batch, latent] → ln p_θ(z) = ln N(z; 0, I): [batch]."""
        return -0.5 * ops.sum(z**2, axis=-1) - self.N / 2 * math.log(2 * math.pi)

    def ln_q_φ(self, ε: Any, ln_det: Any) -> Any:
        """ε: [batch, latent], ln_det: ln |det ∂z/∂ε|: [batch] → ln q_φ(z|x): [batch]."""
        return -0.5 * ops.sum(ε**2, axis=-1) - ln_det - self.N / 2 * math.log(2 * math.pi)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [batch, latent] → what the article defines per x, for one draw of z."""
        if self.full:
            μ_φ, ln_diag_L_φ, L_φ = self.encoder(x)
            z = μ_φ + (L_φ @ ε[..., None])[..., 0]
            Σ_φ = L_φ @ ops.swapaxes(L_φ, -2, -1)
            ln_det = ops.sum(ln_diag_L_φ, axis=-1)
            # Not in the article: the same for any Σ_φ, whose trace is Nσ² and whose ln det is 2N ln σ where it is σ²I.
            KL = 0.5 * (ops.sum(L_φ**2, axis=(-2, -1)) + ops.sum(μ_φ**2, axis=-1) - 2 * ln_det)
            scales = {"μ_φ": μ_φ, "ln_diag_L_φ": ln_diag_L_φ, "L_φ": L_φ, "Σ_φ": Σ_φ}
        else:
            E_φ, ln_σ_φ = self.encoder(x)
            σ_φ = ops.exp(ln_σ_φ)
            z = E_φ + σ_φ[:, None] * ε
            ln_det = self.N * ln_σ_φ
            KL = 0.5 * (self.N * σ_φ**2 + ops.sum(E_φ**2, axis=-1) - 2 * self.N * ln_σ_φ)
            scales = {"E_φ": E_φ, "ln_σ_φ": ln_σ_φ, "σ_φ": σ_φ}
        D_θ = self.D_θ(z)
        half_squared_error = self.half_squared_error(x, D_θ)
        ln_p_θ_z, ln_q_φ = self.ln_p_θ_z(z), self.ln_q_φ(ε, ln_det)
        ln_likelihood = -half_squared_error - x.shape[-1] / 2 * math.log(2 * math.pi)  # ln N(x; D_θ(z), I)
        return {
            **scales,
            "z": z,
            "D_θ": D_θ,
            "half_squared_error": half_squared_error,
            "ln_p_θ_z": ln_p_θ_z,
            "ln_q_φ": ln_q_φ,
            "KL": KL,
            "L_θφ": -half_squared_error - KL,  # + Const = N/2 - (D/2) ln 2π
            "ln_p_over_q": ln_likelihood + ln_p_θ_z - ln_q_φ,
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [batch, latent] → ½‖x - D_θ(z)‖² for ln p_θ(x|z), ln p_θ(z), ln q_φ(z|x): [batch]."""
        if self.full:
            μ_φ, ln_diag_L_φ, L_φ = self.encoder(x)
            ε = ops.solve_triangular(L_φ, (z - μ_φ)[..., None], lower=True)[..., 0]  # L_φ⁻¹(z - μ_φ)
            ln_det = ops.sum(ln_diag_L_φ, axis=-1)
        else:
            E_φ, ln_σ_φ = self.encoder(x)
            ε = (z - E_φ) * ops.exp(-ln_σ_φ)[:, None]
            ln_det = self.N * ln_σ_φ
        return {
            "half_squared_error": self.half_squared_error(x, self.D_θ(z)),
            "ln_p_θ_z": self.ln_p_θ_z(z),
            "ln_q_φ": self.ln_q_φ(ε, ln_det),
        }

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [batch, latent] → L_θφ of all x, without its constant, to be maximised: scalar."""
        return ops.sum(self.quantities(x, ε)["L_θφ"])

    def call(self, x: Any) -> Any:
        """x: [batch, data] → L_θφ(x) at one draw of z, without its constant: [batch]."""
        ε = keras.random.normal((ops.shape(x)[0], self.N), dtype=x.dtype, seed=self.seed_generator)
        return self.quantities(x, ε)["L_θφ"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: what `call` returned: [batch] → its negative sum, which Keras minimises: scalar."""
        return -ops.sum(y_pred)
