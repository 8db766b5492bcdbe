"""β-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework (I. Higgins et al., 2017), in PyTorch.

Equation numbers are the paper's. The bound is maximised, its KL weighed by β, a Lagrange multiplier: 1 is the original
VAE. Of two numbers that the paper calls ε one is the noise here; the other bounds the KL, moves no gradient, and is 0.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from .._plain.torch_mlp import MLP


def log_N(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Axes [..., any], broadcast → log N(x; mean, variance · I) of the last axis: [...]."""
    return -0.5 * (math.log(2 * math.pi) + log_variance + (x - mean) ** 2 * torch.exp(-log_variance)).sum(-1)


class VAE(nn.Module):
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
        self.φ = MLP(data, hidden, {"μ": latent, "log_σ": latent}, activation)
        self.θ = MLP(latent, hidden[::-1], {"logits" if self.bernoulli else "mean": data}, activation)

    def encoder(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → μ, log σ of q_φ(z|x): [batch, latent] each."""
        return self.φ(x)

    def decoder(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → logits or mean of p_θ(x|z): [batch, data]."""
        return self.θ(z)[0]

    def log_p_x_z(self, x: Tensor, decoded: Tensor) -> Tensor:
        """x, decoded: [batch, data] → log p_θ(x|z): [batch]."""
        if self.bernoulli:
            return (x * logsigmoid(decoded) + (1 - x) * logsigmoid(-decoded)).sum(-1)
        return log_N(x, decoded, torch.full_like(decoded, self.log_variance))

    def log_p_z(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → log p(z): [batch]."""
        return log_N(z, torch.zeros_like(z), torch.zeros_like(z))

    def D_KL(self, μ: Tensor, log_σ: Tensor) -> Tensor:
        """μ, log_σ: [batch, latent] → D_KL(q_φ(z|x) ‖ p(z)), here in closed form: [batch]."""
        return (0.5 * (torch.exp(2 * log_σ) + μ**2 - 1) - log_σ).sum(-1)

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [batch, latent] → what the paper defines per datum, the expectation with one draw."""
        μ, log_σ = self.encoder(x)
        σ = torch.exp(log_σ)
        z = μ + σ * ε
        decoded = self.decoder(z)
        log_p_x_z = self.log_p_x_z(x, decoded)
        D_KL = self.D_KL(μ, log_σ)
        outputs = {"logits": decoded, "probabilities": torch.sigmoid(decoded)} if self.bernoulli else {"mean": decoded}
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

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [batch, latent] → log p_θ(x|z), log p(z), log q_φ(z|x): [batch]."""
        μ, log_σ = self.encoder(x)
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_N(z, μ, 2 * log_σ),
        }

    def F(self, L: Tensor) -> Tensor:
        """L: [batch] → the Lagrangian F = L + β ε (3) with ε = 0, averaged over the data (2): scalar."""
        return L.mean()

    def objective(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [batch, latent] → F, to be maximised: scalar."""
        return self.F(self.quantities(x, ε)["L"])

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, data] → L with one draw of z: [batch]."""
        ε = torch.randn(x.shape[0], self.latent, dtype=x.dtype, device=x.device)
        return self.quantities(x, ε)["L"]
