"""Deep Learning: Foundations and Concepts (C. M. Bishop and H. Bishop, 2024), section 19.2, in PyTorch.

Equation numbers are the book's. w are the decoder's weights and φ the encoder's; M is the size of the latent space, L
the number of samples and σ_j² a variance. The networks are abstract in the book and multilayer perceptrons here. The
bound, a sum over the data, is maximised.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._plain.torch_mlp import MLP


def ln_N(x: Tensor, mean: Tensor, ln_variance: Tensor) -> Tensor:
    """Axes [..., any], broadcast → Σ ln N(x|mean, variance) over the last axis: [...]."""
    return -0.5 * (math.log(2 * math.pi) + ln_variance + (x - mean) ** 2 * torch.exp(-ln_variance)).sum(-1)


class VAE(nn.Module):
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
        self.φ = MLP(data, hidden, {"μ": M, "ln_σ2": M}, activation)
        self.w = MLP(M, hidden[::-1], dict.fromkeys(heads, data), activation)

    def encoder(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → μ_j(x, φ), ln σ_j²(x, φ): [batch, latent] each (19.13)."""
        return self.φ(x)

    def decoder(self, z: Tensor) -> tuple[Tensor, ...]:
        """z: [sample, batch, latent] → g(z, w), or its logit, and the logarithm of variances: [sample, batch, data]."""
        return self.w(z)

    def ln_p_x_z(self, x: Tensor, g: tuple[Tensor, ...]) -> Tensor:
        """x: [batch, data], g: what the decoder returns → ln p(x|z, w): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logit_g = g[0]
            return (x * F.logsigmoid(logit_g) + (1 - x) * F.logsigmoid(-logit_g)).sum(-1)
        mean, ln_variance = g if self.likelihood == "gaussian" else (g[0], torch.full_like(g[0], self.ln_variance))
        return ln_N(x, mean, ln_variance)

    def ln_p_z(self, z: Tensor) -> Tensor:
        """z: [sample, batch, latent] → ln p(z): [sample, batch] (19.5)."""
        return ln_N(z, torch.zeros_like(z), torch.zeros_like(z))

    def KL(self, μ: Tensor, ln_σ2: Tensor) -> Tensor:
        """μ, ln_σ2: [batch, latent] → KL(q(z|x, φ) ‖ p(z)): [batch] (19.15), positive."""
        return -0.5 * (1 + ln_σ2 - μ**2 - torch.exp(ln_σ2)).sum(-1)

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [sample, batch, latent] → what the section computes for each x_n."""
        L = ε.shape[0]
        μ, ln_σ2 = self.encoder(x)
        σ = torch.exp(ln_σ2 / 2)
        z = σ * ε + μ  # (19.17)
        g = self.decoder(z)
        ln_p_x_z = self.ln_p_x_z(x, g).sum(0) / L  # (19.16)
        KL = self.KL(μ, ln_σ2)
        names = ("logit_g",) if self.likelihood == "bernoulli" else ("g", "ln_variance_x")
        mean = {"g": torch.sigmoid(g[0])} if self.likelihood == "bernoulli" else {}
        return {
            "μ": μ,
            "ln_σ2": ln_σ2,
            "σ2": torch.exp(ln_σ2),
            "σ": σ,
            "z": z,
            **dict(zip(names, g, strict=False)),
            **mean,
            "ln_p_x_z": ln_p_x_z,
            "ln_p_z": self.ln_p_z(z).sum(0) / L,
            "ln_q_z_x": ln_N(z, μ, ln_σ2).sum(0) / L,
            "KL": KL,
            "L_n": ln_p_x_z - KL,  # (19.14); the summand of (19.19)
        }

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [sample, batch, latent] → ln p(x|z, w), ln p(z), ln q(z|x, φ): [sample, batch]."""
        return {
            "ln_p_x_z": self.ln_p_x_z(x, self.decoder(z)),
            "ln_p_z": self.ln_p_z(z),
            "ln_q_z_x": ln_N(z, *self.encoder(x)),
        }

    def bound(self, L_n: Tensor) -> Tensor:
        """L_n: [batch] → Σ_n L_n: scalar (19.10)."""
        return L_n.sum()

    def objective(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent] → the bound, to be maximised: scalar."""
        return self.bound(self.quantities(x, ε)["L_n"])

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, data] → L_n with L = 1, as in (19.19): [batch]."""
        ε = torch.randn(1, x.shape[0], self.M, dtype=x.dtype, device=x.device)
        return self.quantities(x, ε)["L_n"]
