"""A notation of another distribution, in PyTorch: θ recognises, φ generates, log s is half a log-variance."""

import math

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
        log_p = self.log_p(v, a).mean(0)
        log_q = -(0.5 * (n**2 + math.log(2 * math.pi)) + log_s).sum(-1).mean(0)
        K = -0.5 * torch.sum(1 + 2 * log_s - m**2 - torch.exp(2 * log_s), dim=-1)  # eq. 5
        B = log_p - K  # eq. 6
        return {"m": m, "log_s": log_s, "h": h, "a": a, "log_p": log_p, "log_q": log_q, "K": K, "B": B}

    def log_p(self, v: Tensor, a: Tensor) -> Tensor:
        """v: [batch, data], a: [sample, batch, data] → log p_φ(v|h): [sample, batch] (eq. 4)."""
        return -F.binary_cross_entropy_with_logits(a, v.expand_as(a), reduction="none").sum(-1)

    def densities(self, v: Tensor, h: Tensor) -> dict[str, Tensor]:
        """v: [batch, data], h: [sample, batch, latent] → log p_φ(v|h), log q_θ(h|v): [sample, batch] each."""
        m, log_s = self.recognise(v)
        log_q = -(0.5 * (((h - m) * torch.exp(-log_s)) ** 2 + math.log(2 * math.pi)) + log_s).sum(-1)
        return {"log_p": self.log_p(v, self.generate(h)), "log_q": log_q}

    def bound(self, v: Tensor, n: Tensor) -> Tensor:
        """v: [batch, data], n: [sample, batch, latent] → the mean bound, to be maximised: scalar (eq. 7)."""
        return self.terms(v, n)["B"].mean()

    def forward(self, v: Tensor) -> Tensor:
        """v: [batch, data] → the mean bound at one draw: scalar."""
        return self.bound(v, torch.randn(1, len(v), self.B.out_features, dtype=v.dtype, device=v.device))
