"""VAE with a VampPrior (J. M. Tomczak and M. Welling, AISTATS 2018, arXiv:1705.07120), in PyTorch.

Names are the paper's where it has them (θ, φ, λ, u, K) and else those of the published code, jmtomczak/vae_vampprior,
models/VAE.py. The loss, -RE + beta KL with a sampled KL, is minimised. Added: sizes are arguments, ε can be one, and
logits and log-variances can stay as they are, which the code clamps (the methods `..._as_published` clamp them too).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedDense(nn.Module):
    """A linear layer times the sigmoid of another one."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.h = linear(fan_in, fan_out)
        self.g = linear(fan_in, fan_out)

    def forward(self, x: Tensor) -> Tensor:
        """x: [..., in] → [..., out]."""
        return self.h(x) * torch.sigmoid(self.g(x))


class NonLinear(nn.Module):
    """A linear layer, then a function of torch: `tanh`, `relu`."""

    def __init__(self, fan_in: int, fan_out: int, activation: str) -> None:
        super().__init__()
        self.linear = linear(fan_in, fan_out)
        self.activation = getattr(torch, activation)

    def forward(self, x: Tensor) -> Tensor:
        """x: [..., in] → [..., out]."""
        return self.activation(self.linear(x))


class Encoder(nn.Module):
    """φ: the net of q_φ(z|x)."""

    def __init__(self, sizes: Sequence[int], z1_size: int, activation: str) -> None:
        super().__init__()
        self.q_z_layers = hidden_layers(sizes, activation)
        self.q_z_mean = linear(sizes[-1], z1_size)
        self.q_z_logvar = linear(sizes[-1], z1_size)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [any, data] → mean, logvar: [any, latent] each."""
        x = self.q_z_layers(x)
        return self.q_z_mean(x), self.q_z_logvar(x)


class Decoder(nn.Module):
    """θ: the net of p_θ(x|z)."""

    def __init__(self, sizes: Sequence[int], data_dim: int, activation: str) -> None:
        super().__init__()
        self.p_x_layers = hidden_layers(sizes, activation)
        self.p_x_mean = linear(sizes[-1], data_dim)

    def forward(self, z: Tensor) -> Tensor:
        """z: [..., latent] → the logit of the mean: [..., data]."""
        return self.p_x_mean(self.p_x_layers(z))


class VAE(nn.Module):
    """p_λ(z) = 1/K Σ_k q_φ(z|u_k) (`vamp`), or N(0, I) (`standard`); p_θ(x|z) is Bernoulli.

    `beta` weighs the KL: in the code it rises from 0 to 1 over 100 epochs, the warm-up.
    """

    def __init__(
        self,
        data_dim: int = 784,
        z1_size: int = 40,
        hidden: Sequence[int] = (300, 300),
        activation: str = "gated",
        prior: str = "vamp",
        K: int = 500,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        self.z1_size = z1_size
        self.K = K
        self.beta = beta
        self.φ = Encoder((data_dim, *hidden), z1_size, activation)
        self.θ = Decoder((z1_size, *hidden[::-1]), data_dim, activation)
        self.u: nn.Parameter | None = None
        if prior == "vamp":
            self.u = nn.Parameter(0.05 + 0.01 * torch.randn(K, data_dim))

    def q_z(self, x: Tensor, published: bool = False) -> tuple[Tensor, Tensor]:
        """x: [any, data] → mean, logvar of q_φ(z|x): [any, latent] each; as published, logvar is kept in [-6, 2]."""
        mean, logvar = self.φ(x)
        return mean, F.hardtanh(logvar, -6.0, 2.0) if published else logvar

    def p_x(self, z: Tensor) -> Tensor:
        """z: [..., latent] → x_logit, of the mean of p_θ(x|z): [..., data]."""
        return self.θ(z)

    def λ(self, published: bool = False) -> tuple[Tensor, Tensor]:
        """λ = {u_1, …, u_K, φ} → mean, logvar of each q_φ(z|u_k): [component, latent] each.

        As published, pseudo-inputs are kept in [0, 1].
        """
        assert self.u is not None
        return self.q_z(F.hardtanh(self.u, 0.0, 1.0) if published else self.u, published)

    def log_p_z(self, z: Tensor, published: bool = False) -> Tensor:
        """z: [sample, batch, latent] → log p_λ(z) without its log 2π: [sample, batch]."""
        if self.u is None:
            return log_Normal_standard(z)
        means, logvars = self.λ(published)
        a = log_Normal_diag(z.unsqueeze(-2), means, logvars) - math.log(means.shape[0])  # [sample, batch, component]
        return torch.logsumexp(a, -1)

    def quantities(self, x: Tensor, ε: Tensor, published: bool = False) -> dict[str, Tensor]:
        """x: [batch, data], ε: [sample, batch, latent] → what the loss is made of, per datum, averaged over draws."""
        S = ε.shape[0]
        z_q_mean, z_q_logvar = self.q_z(x, published)
        std = torch.exp(0.5 * z_q_logvar)
        z = ε * std + z_q_mean
        x_logit = self.p_x(z)
        RE = log_Bernoulli(x, x_logit, published)
        log_p_z = self.log_p_z(z, published)
        log_q_z = log_Normal_diag(z, z_q_mean, z_q_logvar)
        KL = -(log_p_z - log_q_z)
        return {
            "z_q_mean": z_q_mean,
            "z_q_logvar": z_q_logvar,
            "std": std,
            "z": z,
            "x_logit": x_logit,
            "x_mean": torch.sigmoid(x_logit),
            "RE": RE.mean(0),
            "log_p_z": log_p_z.mean(0),
            "log_q_z": log_q_z.mean(0),
            "KL": KL.mean(0),
            "L": (RE - KL).mean(0),
            "likelihood_x": torch.logsumexp(RE - KL, 0) - math.log(S),  # calculate_likelihood, with S = 5000
        }

    def quantities_as_published(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """`quantities` with the code's clamps: of log-variances, pseudo-inputs and probabilities."""
        return self.quantities(x, ε, published=True)

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_λ(z), log q_φ(z|x): [sample, batch]."""
        return {
            "RE": log_Bernoulli(x, self.p_x(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z": log_Normal_diag(z, *self.q_z(x)),
        }

    def average_loss(self, RE: Tensor, KL: Tensor) -> Tensor:
        """RE, KL: [batch] → the loss, -RE + beta KL, averaged: scalar."""
        loss = -RE + self.beta * KL
        return loss.mean()

    def calculate_loss(self, x: Tensor, ε: Tensor, published: bool = False) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent] → the loss, to be minimised: scalar."""
        quantities = self.quantities(x, ε, published)
        return self.average_loss(quantities["RE"], quantities["KL"])

    def calculate_loss_as_published(self, x: Tensor, ε: Tensor) -> Tensor:
        """`calculate_loss` with the code's clamps."""
        return self.calculate_loss(x, ε, published=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [batch, data] → RE, KL at one draw of z, for `average_loss`: [batch] each."""
        ε = torch.randn(1, x.shape[0], self.z1_size, dtype=x.dtype, device=x.device)
        quantities = self.quantities(x, ε, published=True)
        return quantities["RE"], quantities["KL"]


def log_Normal_diag(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Axes [..., any], broadcast → log N(x; mean, diag(exp log_var)) of the last axis, without its log 2π: [...]."""
    return -0.5 * (log_var + (x - mean) ** 2 / torch.exp(log_var)).sum(-1)


def log_Normal_standard(x: Tensor) -> Tensor:
    """x: [..., any] → log N(x; 0, I) of the last axis, without its log 2π: [...]."""
    return -0.5 * (x**2).sum(-1)


def log_Bernoulli(x: Tensor, logit: Tensor, published: bool = False) -> Tensor:
    """x: [batch, data], logit: [sample, batch, data] → log p: [sample, batch]; as published, of clipped means."""
    if not published:
        return (x * F.logsigmoid(logit) + (1 - x) * F.logsigmoid(-logit)).sum(-1)
    probs = torch.clamp(torch.sigmoid(logit), 1e-5, 1 - 1e-5)
    return (x * torch.log(probs) + (1 - x) * torch.log(1 - probs)).sum(-1)


def hidden_layers(sizes: Sequence[int], activation: str) -> nn.Sequential:
    """Layers between these sizes, `gated` or with an activation."""
    pairs = pairwise(sizes)
    if activation == "gated":
        return nn.Sequential(*(GatedDense(*pair) for pair in pairs))
    return nn.Sequential(*(NonLinear(*pair, activation) for pair in pairs))


def linear(fan_in: int, fan_out: int) -> nn.Linear:
    """A linear layer [..., in] → [..., out] with the code's he_init."""
    layer = nn.Linear(fan_in, fan_out)
    nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_in))
    return layer
