"""Variational autoencoder (Wikipedia, the English article), in PyTorch.

φ is the encoder and θ the decoder. The article has two posteriors. N(E_φ(x), σ_φ(x)²I) has one scale per datum; with it
the bound is printed as squared errors, up to a constant. N(μ_φ(x), Σ_φ(x)), where Σ_φ = L_φ L_φᵀ, is the one of the
section on reparameterization. The bound is maximised.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .._plain.torch_mlp import MLP


class VAE(nn.Module):
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
        self.φ = MLP(data_dim, hidden, heads, activation)
        self.θ = MLP(N, hidden[::-1], {"D_θ": data_dim}, activation)

    def encoder(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → E_φ(x): [batch, latent], ln σ_φ(x): [batch]; or μ_φ(x), ln diag L_φ(x), L_φ(x).

        Those are [batch, latent], the same, and [batch, row, column].
        """
        if not self.full:
            E_φ, ln_σ_φ = self.φ(x)
            return E_φ, ln_σ_φ[:, 0]
        μ_φ, ln_diag_L_φ, below = self.φ(x)
        L_φ = below.reshape(-1, self.N, self.N).tril(-1) + torch.diag_embed(torch.exp(ln_diag_L_φ))
        return μ_φ, ln_diag_L_φ, L_φ

    def D_θ(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → D_θ(z): [batch, data]."""
        return self.θ(z)[0]

    def half_squared_error(self, x: Tensor, D_θ: Tensor) -> Tensor:
        """x, D_θ: [batch, data] → ½‖x - D_θ(z)‖², which is -ln p_θ(x|z) but for (D/2) ln 2π: [batch]."""
        return 0.5 * ((x - D_θ) ** 2).sum(-1)

    def ln_p_θ_z(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → ln p_θ(z) = ln N(z; 0, I): [batch]."""
        return -0.5 * (z**2).sum(-1) - self.N / 2 * math.log(2 * math.pi)

    def ln_q_φ(self, ε: Tensor, ln_det: Tensor) -> Tensor:
        """ε: [batch, latent], ln_det: ln |det ∂z/∂ε|: [batch] → ln q_φ(z|x): [batch]."""
        return -0.5 * (ε**2).sum(-1) - ln_det - self.N / 2 * math.log(2 * math.pi)

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [batch, latent] → what the article defines per x, for one draw of z."""
        if self.full:
            μ_φ, ln_diag_L_φ, L_φ = self.encoder(x)
            z = μ_φ + (L_φ @ ε[..., None])[..., 0]
            Σ_φ = L_φ @ L_φ.mT
            ln_det = ln_diag_L_φ.sum(-1)
            # Not in the article: the same for any Σ_φ, whose trace is Nσ² and whose ln det is 2N ln σ where it is σ²I.
            KL = 0.5 * ((L_φ**2).sum((-2, -1)) + (μ_φ**2).sum(-1) - 2 * ln_det)
            scales = {"μ_φ": μ_φ, "ln_diag_L_φ": ln_diag_L_φ, "L_φ": L_φ, "Σ_φ": Σ_φ}
        else:
            E_φ, ln_σ_φ = self.encoder(x)
            σ_φ = torch.exp(ln_σ_φ)
            z = E_φ + σ_φ[:, None] * ε
            ln_det = self.N * ln_σ_φ
            KL = 0.5 * (self.N * σ_φ**2 + (E_φ**2).sum(-1) - 2 * self.N * ln_σ_φ)
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

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [batch, latent] → ½‖x - D_θ(z)‖² for ln p_θ(x|z), ln p_θ(z), ln q_φ(z|x): [batch]."""
        if self.full:
            μ_φ, ln_diag_L_φ, L_φ = self.encoder(x)
            ε = torch.linalg.solve_triangular(L_φ, (z - μ_φ)[..., None], upper=False)[..., 0]  # L_φ⁻¹(z - μ_φ)
            ln_det = ln_diag_L_φ.sum(-1)
        else:
            E_φ, ln_σ_φ = self.encoder(x)
            ε = (z - E_φ) * torch.exp(-ln_σ_φ)[:, None]
            ln_det = self.N * ln_σ_φ
        return {
            "half_squared_error": self.half_squared_error(x, self.D_θ(z)),
            "ln_p_θ_z": self.ln_p_θ_z(z),
            "ln_q_φ": self.ln_q_φ(ε, ln_det),
        }

    def objective(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [batch, latent] → L_θφ of all x, without its constant, to be maximised: scalar."""
        return self.quantities(x, ε)["L_θφ"].sum()

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, data] → L_θφ(x) at one draw of z, without its constant: [batch]."""
        ε = torch.randn(x.shape[0], self.N, dtype=x.dtype, device=x.device)
        return self.quantities(x, ε)["L_θφ"]
