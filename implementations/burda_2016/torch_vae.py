"""Importance Weighted Autoencoders (Y. Burda, R. Grosse and R. Salakhutdinov, ICLR 2016, arXiv:1509.00519), in PyTorch.

Equation numbers are the paper's. One letter, θ, has the weights of both nets. The latent is h, here of one stochastic
layer, x = h⁰, and the bound L_k on k samples is maximised.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from .._plain.torch_mlp import MLP


class Nets(nn.Module):
    """θ: the recognition net q and the generative net p, started as Glorot and Bengio (2010) do, with biases of 0."""

    def __init__(self, q: MLP, p: MLP) -> None:
        super().__init__()
        self.q = q
        self.p = p
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


class IWAE(nn.Module):
    """p(h|θ) = N(0, I), q(h|x, θ) = N(μ, Σ) with Σ = diag(σ), and a p(x|h, θ) that is `bernoulli` or `gaussian`.

    784-200-200-50 and back, with tanh: the paper's network of one stochastic layer.
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 50,
        hidden: Sequence[int] = (200, 200),
        activation: str = "tanh",
        likelihood: str = "bernoulli",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.bernoulli = likelihood == "bernoulli"
        heads = ("logits",) if self.bernoulli else ("μ", "log_σ")
        self.θ = Nets(
            q=MLP(data_dim, hidden, {"μ": latent_dim, "log_σ": latent_dim}, activation),
            p=MLP(latent_dim, hidden[::-1], dict.fromkeys(heads, data_dim), activation),
        )

    def q(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → μ(x, θ), log σ(x, θ) of q(h|x, θ): [batch, latent] each; σ is a variance."""
        return self.θ.q(x)

    def p(self, h: Tensor) -> tuple[Tensor, ...]:
        """h: [..., latent] → the logits of p(x|h, θ), or its μ(h, θ), log σ(h, θ): [..., data] each."""
        return self.θ.p(h)

    def log_N(self, h: Tensor, μ: Tensor, log_σ: Tensor) -> Tensor:
        """Axes [..., any], broadcast → log N(h; μ, diag(σ)) of the last axis: [...]."""
        return -0.5 * (math.log(2 * math.pi) + log_σ + (h - μ) ** 2 / torch.exp(log_σ)).sum(-1)

    def log_p_x_h(self, x: Tensor, heads: tuple[Tensor, ...]) -> Tensor:
        """x: [batch, data], heads: what `p` returns → log p(x|h, θ): [sample, batch]."""
        if self.bernoulli:
            (logits,) = heads
            return (x * logsigmoid(logits) + (1 - x) * logsigmoid(-logits)).sum(-1)
        return self.log_N(x, *heads)

    def log_p_h(self, h: Tensor) -> Tensor:
        """h: [sample, batch, latent] → log p(h|θ) = log N(h; 0, I), which has no weights: [sample, batch]."""
        return -0.5 * (math.log(2 * math.pi) + h**2).sum(-1)

    def log_mean_exp(self, log_w: Tensor) -> Tensor:
        """log_w: [sample, batch] → log 1/k Σ_i w_i: [batch]."""
        k = log_w.shape[0]
        return torch.logsumexp(log_w, 0) - math.log(k)

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [sample, batch, latent], its k samples → the bounds L_1 and L_k, and their parts."""
        μ, log_σ = self.q(x)
        Σ = torch.exp(log_σ)  # the diagonal
        sqrt_Σ = torch.exp(log_σ / 2)
        h = sqrt_Σ * ε + μ  # section 2: h(ε, x, θ) = Σ(x, θ)^(1/2) ε + μ(x, θ)
        heads = self.p(h)
        log_p_x_h, log_p_h, log_q_h = self.log_p_x_h(x, heads), self.log_p_h(h), self.log_N(h, μ, log_σ)
        log_w = log_p_x_h + log_p_h - log_q_h  # w_i = p(x, h_i|θ)/q(h_i|x, θ)
        decoded = {"logits": heads[0], "mean": torch.sigmoid(heads[0])}
        return {
            "q.μ": μ,
            "q.log_σ": log_σ,
            "Σ": Σ,
            "sqrt_Σ": sqrt_Σ,
            "h": h,
            **(decoded if self.bernoulli else dict(zip(("p.μ", "p.log_σ"), heads, strict=True))),
            "log_p_x_h": log_p_x_h.mean(0),
            "log_p_h": log_p_h.mean(0),
            "log_q_h": log_q_h.mean(0),
            "L_1": log_w.mean(0),  # (3), averaged over the samples
            "L_k": self.log_mean_exp(log_w),  # (8)
        }

    def densities(self, x: Tensor, h: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], h: [sample, batch, latent] → log p(x|h, θ), log p(h|θ), log q(h|x, θ): [sample, batch]."""
        return {
            "log_p_x_h": self.log_p_x_h(x, self.p(h)),
            "log_p_h": self.log_p_h(h),
            "log_q_h": self.log_N(h, *self.q(x)),
        }

    def objective(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent] → the mean of L_k(x), to be maximised: scalar."""
        return self.quantities(x, ε)["L_k"].mean()

    def forward(self, x: Tensor, k: int = 5) -> Tensor:
        """x: [batch, data] → L_k(x) on k fresh samples: [batch]."""
        ε = torch.randn(k, x.shape[0], self.latent_dim, dtype=x.dtype, device=x.device)
        return self.quantities(x, ε)["L_k"]
