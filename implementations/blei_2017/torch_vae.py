"""Variational Inference: A Review for Statisticians (D. M. Blei, A. Kucukelbir, J. D. McAuliffe, 2017), in PyTorch.

There is no encoder: every datum x_i has variational parameters of its own, φ_i = (m_i, s_i²) of q(z_i|φ_i). What stands
behind the bar are here the parameters of the distribution itself. z is local; β, the weights of p(x|z), is global: a
point, or with q(β|λ), λ = (m, s²) of every weight. The paper (arXiv:1601.00670) leaves the model open; here p(z) and
p(β) are standard normal. ELBO(q) is maximised.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._plain.torch_mlp import ACTIVATIONS

HEADS = {"bernoulli": ("logits",), "gaussian": ("mean", "log_variance"), "gaussian-fixed": ("mean",)}


def log_normal(x: Tensor, m: Tensor, log_s2: Tensor) -> Tensor:
    """Axes [..., any], broadcast → log N(x; m, s²) of the last axis: [...]."""
    return -0.5 * (math.log(2 * math.pi) + log_s2 + (x - m) ** 2 / torch.exp(log_s2)).sum(-1)


def KL_normal(m: Tensor, log_s2: Tensor) -> Tensor:
    """Any axes → KL(N(m, s²) ‖ N(0, 1)), element by element."""
    return 0.5 * (torch.exp(log_s2) + m**2 - 1 - log_s2)


def affine(a: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """a: [..., in], weight: [out, in] or [sample, out, in], bias: [out] or [sample, out] → [..., out]."""
    return a @ weight.mT + bias[..., None, :]


class Global(nn.Module):
    """λ = (m, s²) of q(β|λ) = N(β; m, s²): by name of β's parts."""

    def __init__(self, m: nn.ParameterDict, log_s2: nn.ParameterDict) -> None:
        super().__init__()
        self.m, self.log_s2 = m, log_s2


class VAE(nn.Module):
    """p(β, z, x) = p(β) Π_i p(z_i) p(x_i|z_i, β) and q(β, z) = q(β|λ) Π_i q(z_i|φ_i), for `n` data.

    `likelihood` of x given a network of z whose weights are β: `bernoulli`, `gaussian` or `gaussian-fixed` (of constant
    `variance`). `decoder_weights`: β is a `point`, with neither p(β) nor q(β|λ), or has a `posterior`.
    """

    def __init__(
        self,
        n: int = 64,
        data_dim: int = 64,
        latent_dim: int = 8,
        hidden: Sequence[int] = (32,),
        activation: str = "tanh",
        likelihood: str = "bernoulli",
        variance: float = 1.0,
        decoder_weights: str = "point",
    ) -> None:
        super().__init__()
        self.likelihood, self.layers = likelihood, len(hidden)
        self.activation = ACTIVATIONS[activation]
        self.log_variance = math.log(variance)
        self.is_global = decoder_weights == "posterior"
        widths = (latent_dim, *hidden[::-1])
        layers = {f"hidden_{i}": sizes for i, sizes in enumerate(pairwise(widths))}
        layers |= dict.fromkeys(HEADS[likelihood], (widths[-1], data_dim))
        start: dict[str, Tensor] = {}
        for name, (fan_in, fan_out) in layers.items():
            start[f"{name}_weight"] = torch.randn(fan_out, fan_in) / math.sqrt(fan_in)
            start[f"{name}_bias"] = torch.zeros(fan_out)
        β = nn.ParameterDict({name: nn.Parameter(value) for name, value in start.items()})
        self.φ = nn.ParameterDict(
            {"m": nn.Parameter(0.1 * torch.randn(n, latent_dim)), "log_s2": nn.Parameter(torch.zeros(n, latent_dim))}
        )
        if self.is_global:
            log_s2 = {name: nn.Parameter(torch.full_like(value, -6.0)) for name, value in start.items()}
            self.λ = Global(β, nn.ParameterDict(log_s2))
        else:
            self.β = β

    def decoder(self, z: Tensor, β: Mapping[str, Tensor] | None = None) -> tuple[Tensor, ...]:
        """z: [..., latent], β: name → [...] or [sample, ...], else the point or mean → parameters of p(x|z, β).

        Returns logits; or mean, log variance; or mean: [..., data] each.
        """
        h, β = z, dict(self.means().items()) if β is None else β
        for i in range(self.layers):
            h = self.activation(affine(h, β[f"hidden_{i}_weight"], β[f"hidden_{i}_bias"]))
        return tuple(affine(h, β[f"{head}_weight"], β[f"{head}_bias"]) for head in HEADS[self.likelihood])

    def means(self) -> nn.ParameterDict:
        """The means in λ, or the point β: by name."""
        return self.λ.m if self.is_global else self.β

    def drawn(self, ζ: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
        """ζ: name → [sample, ...], standard normal → a draw of q(β|λ): as ζ; without one the point: name → [...]."""
        means = self.means()
        if ζ is None:
            return dict(means.items())
        return {name: means[name] + torch.exp(log_s2 / 2) * ζ[name] for name, log_s2 in self.λ.log_s2.items()}

    def log_p_x_z(self, x: Tensor, heads: tuple[Tensor, ...]) -> Tensor:
        """x: [data count, data], heads: what the decoder returns → log p(x_i|z_i, β): [sample, data count]."""
        if self.likelihood == "bernoulli":
            return (x * F.logsigmoid(heads[0]) + (1 - x) * F.logsigmoid(-heads[0])).sum(-1)
        if self.likelihood == "gaussian":
            return log_normal(x, *heads)
        return log_normal(x, heads[0], torch.full_like(heads[0], self.log_variance))

    def log_p_z(self, z: Tensor) -> Tensor:
        """z: [sample, data count, latent] → log p(z_i): [sample, data count]."""
        return -0.5 * (math.log(2 * math.pi) + z**2).sum(-1)

    def KL_β(self) -> Tensor:
        """→ KL(q(β|λ) ‖ p(β)) over all weights: scalar."""
        pairs = zip(self.λ.m.values(), self.λ.log_s2.values(), strict=True)
        return torch.stack([KL_normal(m, log_s2).sum() for m, log_s2 in pairs]).sum()

    def log_q_over_p_β(self, β: Mapping[str, Tensor], ζ: Mapping[str, Tensor]) -> Tensor:
        """β, ζ: name → [sample, ...] → log q(β|λ) - log p(β): [sample]."""
        ratios = {name: β[name] ** 2 - ζ[name] ** 2 - log_s2 for name, log_s2 in self.λ.log_s2.items()}
        return 0.5 * torch.cat([ratio.flatten(1) for ratio in ratios.values()], -1).sum(-1)  # (β - m)/s = ζ

    def quantities(self, x: Tensor, ε: Tensor, ζ: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The ELBO and its parts, by datum, but for those of β; expectations are means over draws where not closed.

        x: [data count, data], all data in their order; ε: [sample, data count, latent]; ζ: name → [sample, ...], of β.
        """
        m, log_s2 = self.φ["m"], self.φ["log_s2"]
        z, β = m + torch.exp(log_s2 / 2) * ε, self.drawn(ζ)
        heads = self.decoder(z, β)
        log_p_x_z = self.log_p_x_z(x, heads)
        log_p_z = self.log_p_z(z)
        log_q_z = -0.5 * (math.log(2 * math.pi) + log_s2 + ε**2).sum(-1)  # (z - m)/s = ε
        KL = KL_normal(m, log_s2).sum(-1)
        probability = {"probability": torch.sigmoid(heads[0])} if self.likelihood == "bernoulli" else {}
        globals_ = {}
        if ζ is not None:
            globals_ = {"KL_β": self.KL_β(), "log_q_over_p_β": self.log_q_over_p_β(β, ζ).mean(0)}
        return {
            "φ.m": m,
            "φ.log_s2": log_s2,
            "φ.s2": torch.exp(log_s2),
            "z": z,
            **dict(zip(HEADS[self.likelihood], heads, strict=True)),
            **probability,
            "log_p_x_z": log_p_x_z.mean(0),
            "log_p_z": log_p_z.mean(0),
            "log_q_z": log_q_z.mean(0),
            "KL": KL,
            "ELBO_i": log_p_x_z.mean(0) - KL,  # unnumbered after (13)
            "ELBO_sampled": (log_p_x_z + log_p_z - log_q_z).mean(0),  # (13)
            **globals_,
        }

    def densities(self, x: Tensor, z: Tensor, ζ: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """log p(x_i|z_i, β), log p(z_i) and log q(z_i|φ_i): [sample, data count] each.

        x: [data count, data], all data in their order; z: [sample, data count, latent]; ζ: name → [sample, ...], of β.
        """
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z, self.drawn(ζ))),
            "log_p_z": self.log_p_z(z),
            "log_q_z": log_normal(z, self.φ["m"], self.φ["log_s2"]),
        }

    def ELBO(self, x: Tensor, ε: Tensor, ζ: Mapping[str, Tensor] | None = None) -> Tensor:
        """x, ε, ζ: as in `quantities` → ELBO(q) of all data, to be maximised: scalar."""
        found = self.quantities(x, ε, ζ)
        return found["ELBO_i"].sum() - found["KL_β"] if self.is_global else found["ELBO_i"].sum()

    def noise(self, samples: int = 1) -> tuple[Tensor, dict[str, Tensor] | None]:
        """→ fresh draws of ε: [sample, data count, latent] and ζ: name → [sample, ...], None where β is a point."""
        ε = torch.randn_like(self.φ["m"].expand(samples, -1, -1))
        if not self.is_global:
            return ε, None
        return ε, {name: torch.randn_like(m.expand(samples, *m.shape)) for name, m in self.means().items()}

    def forward(self, x: Tensor, samples: int = 1) -> Tensor:
        """x: [data count, data], all data in their order → by datum, what adds up to ELBO(q): [data count]."""
        found = self.quantities(x, *self.noise(samples))
        return found["ELBO_i"] - found["KL_β"] / x.shape[0] if self.is_global else found["ELBO_i"]


def gradient_ascent(model: VAE, x: Tensor, steps: int, learning_rate: float = 0.05) -> None:
    """Ascend noisy gradients of ELBO(q) in φ and λ (or β), in place. x: [data count, data], all data in their order.

    The paper's own example is coordinate ascent, which needs conditionals that a network does not have; of the rule by
    which noisy gradients are followed it leaves the choice, here Adam's.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, maximize=True)
    for _ in range(steps):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
