"""A notation of another distribution, in PyTorch: θ recognises, φ generates, log s is half a log-variance."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Example(nn.Module):
    """θ = {A, B, C}, φ = {D, E}."""

    def __init__(self, V: int = 784, J: int = 400, K: int = 20, activation: str = "tanh") -> None:
        super().__init__()
        self.A, self.B, self.C = nn.Linear(V, J), nn.Linear(J, K), nn.Linear(J, K)
        self.D, self.E = nn.Linear(K, J), nn.Linear(J, V)
        self.f = getattr(torch, activation)

    def recognise(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """v: [batch, data] → m, log_s: [batch, latent] each (eq. 1)."""
        j = self.f(self.A(v))
        return self.B(j), self.C(j)

    def generate(self, h: Tensor) -> Tensor:
        """h: [..., latent] → a: [..., data] (eq. 3)."""
        return self.E(self.f(self.D(h)))

    def terms(self, v: Tensor, n: Tensor) -> dict[str, Tensor]:
        """v: [batch, data], n: [sample, batch, latent] → what the notation defines, per datum."""
        m, log_s = self.recognise(v)
        h = m + torch.exp(log_s) * n  # eq. 2
        a = self.generate(h)
        log_p = -F.binary_cross_entropy_with_logits(a, v.expand_as(a), reduction="none").sum(-1).mean(0)  # eq. 4
        K = -0.5 * torch.sum(1 + 2 * log_s - m**2 - torch.exp(2 * log_s), dim=-1)  # eq. 5
        return {"m": m, "log_s": log_s, "h": h, "a": a, "log_p": log_p, "K": K, "B": log_p - K}  # eq. 6

    def bound(self, v: Tensor, n: Tensor) -> Tensor:
        """v: [batch, data], n: [sample, batch, latent] → the mean bound, to be maximised: scalar (eq. 7)."""
        return self.terms(v, n)["B"].mean()

    def forward(self, v: Tensor) -> Tensor:
        """v: [batch, data] → the mean bound at one draw: scalar."""
        return self.bound(v, torch.randn(1, len(v), self.B.out_features, dtype=v.dtype, device=v.device))
