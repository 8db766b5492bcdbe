"""Stochastic Backpropagation (D. J. Rezende, S. Mohamed and D. Wierstra, ICML 2014, arXiv:1401.4082), in PyTorch.

A deep latent Gaussian model θᵍ and its recognition model θʳ (`θ_g`, `θ_r`: Python folds ᵍ and ʳ). The latent is ξ, the
noise of all L layers one after the other, and the free energy is minimised. Networks are multilayer perceptrons here.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pad

from .._plain.torch_mlp import MLP


class Generative(nn.Module):
    """θᵍ: h_L = G_L ξ_L, h_l = T_l(h_{l+1}) + G_l ξ_l; T_0(h_1) are the parameters of π. `G[0]` is G_1, `T[0]` T_1."""

    def __init__(
        self, latents: Sequence[int], hidden: Sequence[int], outputs: Sequence[str], data_dim: int, activation: str
    ) -> None:
        super().__init__()
        self.places = tuple(pairwise(accumulate(latents, initial=0)))  # where each ξ_l starts and stops
        self.G = nn.ModuleList(nn.Linear(size, size, bias=False) for size in latents)
        self.T = nn.ModuleList(MLP(above, hidden, {"h": below}, activation) for below, above in pairwise(latents))
        self.T_0 = MLP(latents[0], hidden, dict.fromkeys(outputs, data_dim), activation)

    def h_1(self, ξ: Tensor) -> Tensor:
        """ξ: [..., latent] → h_1, the layer next to the data: [..., latent of it]."""
        parts = [ξ[..., start:stop] for start, stop in self.places]
        h = self.G[-1](parts[-1])  # h_L = G_L ξ_L
        for T, G, part in reversed(list(zip(self.T, self.G[:-1], parts[:-1], strict=True))):
            h = T(h)[0] + G(part)  # h_l = T_l(h_{l+1}) + G_l ξ_l
        return h

    def forward(self, ξ: Tensor) -> tuple[Tensor, ...]:
        """ξ: [..., latent] → T_0(h_1), the parameters of π: [..., data] each."""
        return self.T_0(self.h_1(ξ))


class DLGM(nn.Module):
    """p(ξ) = N(0, I), v ∼ π(v|T_0(h_1)), q(ξ|v) = N(μ, C) with a `diagonal` C, or `rank-one`: C⁻¹ = D + uuᵀ.

    The recognition net puts out log D, the logarithm of precisions, in both cases. The paper leaves π open:
    `likelihood` is `bernoulli`, `gaussian` or `gaussian-fixed` (of constant `variance`).
    """

    def __init__(
        self,
        data_dim: int = 784,
        latents: Sequence[int] = (200,),
        hidden: Sequence[int] = (200, 200),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        posterior: str = "rank-one",
        variance: float = 1.0,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.log_variance = math.log(variance)
        self.L = len(latents)
        self.sizes = tuple(latents)
        q = ("μ", "log_D", "u") if posterior == "rank-one" else ("μ", "log_D")
        outputs = {"bernoulli": ("logits",), "gaussian": ("mean", "log_variance"), "gaussian-fixed": ("mean",)}[
            likelihood
        ]
        self.θ_r = MLP(data_dim, hidden, dict.fromkeys(q, sum(latents)), activation)
        self.θ_g = Generative(latents, hidden[::-1], outputs, data_dim, activation)

    def recognition(self, v: Tensor) -> tuple[Tensor, ...]:
        """v: [batch, data] → μ, log D, and u where C⁻¹ = D + uuᵀ: [batch, latent] each."""
        return self.θ_r(v)

    def generation(self, ξ: Tensor) -> tuple[Tensor, ...]:
        """ξ: [..., latent] → T_0(h_1): logits; or mean, log_variance; or mean: [..., data] each."""
        return self.θ_g(ξ)

    def by_layer(self, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
        """Tensors [..., latent] → for each layer l its parts of them: q(ξ|v) = Π_l N(ξ_l; μ_l(v), C_l(v))."""
        return list(zip(*(torch.split(tensor, list(self.sizes), dim=-1) for tensor in tensors), strict=True))

    def eta(self, log_D: Tensor, u: Tensor) -> Tensor:
        """log_D, u: [batch, latent] → η = 1/(1 + uᵀD⁻¹u): [batch, 1]."""
        return 1 / (1 + (u * u * torch.exp(-log_D)).sum(-1, keepdim=True))

    def share(self, eta: Tensor) -> Tensor:
        """η/(1 + √η), which is (1 - √η)/(uᵀD⁻¹u) and, where u = 0, is ½ instead of 0/0: as η."""
        return eta / (1 + torch.sqrt(eta))

    def ξ(self, ε: Tensor, *heads: Tensor) -> Tensor:
        """ε: [sample, batch, latent], heads: what `recognition` returns → the ξ of all layers: as ε."""
        return torch.cat([self.ξ_l(*layer) for layer in self.by_layer(ε, *heads)], dim=-1)

    def ξ_l(self, ε: Tensor, μ: Tensor, log_D: Tensor, u: Tensor | None = None) -> Tensor:
        """ε: [sample, batch, latent], the rest: [batch, latent] → ξ_l = μ + Rε, in linear time: as ε."""
        scaled = torch.exp(-0.5 * log_D) * ε
        if u is None:
            return μ + scaled
        # R = D^(-1/2) - (1 - √η)/(uᵀD⁻¹u) D⁻¹uuᵀD^(-1/2)
        along = (u * scaled).sum(-1, keepdim=True)
        return μ + scaled - self.share(self.eta(log_D, u)) * along * torch.exp(-log_D) * u

    def log_p_v_ξ(self, v: Tensor, parameters: tuple[Tensor, ...]) -> Tensor:
        """v: [batch, data], parameters: what `generation` returns → log π(v|T_0(h_1)): [sample, batch]."""
        if self.likelihood == "bernoulli":
            return (v * logsigmoid(parameters[0]) + (1 - v) * logsigmoid(-parameters[0])).sum(-1)
        mean = parameters[0]
        log_variance = parameters[1] if self.likelihood == "gaussian" else torch.full_like(mean, self.log_variance)
        return -0.5 * (math.log(2 * math.pi) + log_variance + (v - mean) ** 2 * torch.exp(-log_variance)).sum(-1)

    def log_p(self, ξ: Tensor) -> Tensor:
        """ξ: [sample, batch, latent] → log p(ξ) = log N(ξ; 0, I): [sample, batch]."""
        return -0.5 * (math.log(2 * math.pi) + ξ**2).sum(-1)

    def log_q(self, ξ: Tensor, *heads: Tensor) -> Tensor:
        """ξ: [sample, batch, latent], heads: what `recognition` returns → log q(ξ|v): [sample, batch]."""
        return torch.stack([self.log_q_l(*layer) for layer in self.by_layer(ξ, *heads)]).sum(0)

    def log_q_l(self, ξ: Tensor, μ: Tensor, log_D: Tensor, u: Tensor | None = None) -> Tensor:
        """ξ: [sample, batch, latent], the rest: [batch, latent] → log N(ξ_l; μ, C): [sample, batch]."""
        log_q = -0.5 * (math.log(2 * math.pi) - log_D + (ξ - μ) ** 2 * torch.exp(log_D)).sum(-1)
        if u is None:
            return log_q
        log_eta = torch.log(self.eta(log_D, u)).squeeze(-1)  # log |C| = log η - log |D|
        return log_q - 0.5 * log_eta - 0.5 * ((u * (ξ - μ)).sum(-1)) ** 2

    def D_KL(self, *heads: Tensor) -> Tensor:
        """heads: what `recognition` returns → KL[q(ξ|v) ‖ p(ξ)], of all layers: [batch]."""
        return torch.stack([self.D_KL_l(*layer) for layer in self.by_layer(*heads)]).sum(0)

    def D_KL_l(self, μ: Tensor, log_D: Tensor, u: Tensor | None = None) -> Tensor:
        """μ, log_D, u: [batch, latent] → ½ (Tr C + μᵀμ - log |C| - the size of ξ_l): [batch]."""
        inverse = torch.exp(-log_D)
        if u is None:
            return 0.5 * (inverse + μ**2 + log_D - 1).sum(-1)
        eta = self.eta(log_D, u)
        diagonal = inverse - eta * (inverse * u) ** 2
        return 0.5 * ((diagonal + μ**2 + log_D - 1).sum(-1) - torch.log(eta).squeeze(-1))

    def F(self, v: Tensor, ε: Tensor) -> Tensor:
        """v: [batch, data], ε: [sample, batch, latent] → the free energy of each v: [batch]."""
        heads = self.recognition(v)
        log_p_v_ξ = self.log_p_v_ξ(v, self.generation(self.ξ(ε, *heads)))
        return self.D_KL(*heads) - log_p_v_ξ.mean(0)

    def matrices(self, log_D: Tensor, u: Tensor | None = None) -> dict[str, Tensor]:
        """log_D, u: [batch, latent] → C and R, their diagonals where they have nothing else; or all of the matrices."""
        D = torch.exp(log_D)
        if u is None:
            return {"D": D, "C": torch.exp(-log_D), "R": torch.exp(-0.5 * log_D)}
        blocks = zip(*(self.matrices_l(*layer) for layer in self.by_layer(log_D, u)), strict=True)
        C_inv, C, R = (block_diagonal(block) for block in blocks)
        return {"D": D, "u": u, "C_inv": C_inv, "C": C, "R": R}

    def matrices_l(self, log_D: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log_D, u: [batch, latent] → C⁻¹, C, R of one layer: [batch, row, column] each."""
        D, inverse, root = torch.exp(log_D), torch.exp(-log_D), torch.exp(-0.5 * log_D)
        eta = self.eta(log_D, u).unsqueeze(-1)
        column, row = (inverse * u).unsqueeze(-1), (inverse * u).unsqueeze(-2)
        C_inv = torch.diag_embed(D) + u.unsqueeze(-1) * u.unsqueeze(-2)
        C = torch.diag_embed(inverse) - eta * column * row
        R = torch.diag_embed(root) - self.share(eta) * column * (u * root).unsqueeze(-2)
        return C_inv, C, R

    def quantities(self, v: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """v: [batch, data], ε: [sample, batch, latent] → the free energy, its parts and an estimate of log p(v)."""
        S = ε.shape[0]
        μ, log_D, *u = self.recognition(v)
        ξ = self.ξ(ε, μ, log_D, *u)
        parameters = self.generation(ξ)
        log_p_v_ξ, log_p_ξ, log_q_ξ = self.log_p_v_ξ(v, parameters), self.log_p(ξ), self.log_q(ξ, μ, log_D, *u)
        D_KL = self.D_KL(μ, log_D, *u)
        names = {"bernoulli": ("logits",)}.get(self.likelihood, ("mean", "log_variance"))
        probability = {"probability": torch.sigmoid(parameters[0])} if self.likelihood == "bernoulli" else {}
        return {
            "μ": μ,
            "log_D": log_D,
            **self.matrices(log_D, *u),
            "ξ": ξ,
            **dict(zip(names, parameters, strict=False)),
            **probability,
            "log_p_v_ξ": log_p_v_ξ.mean(0),
            "log_p_ξ": log_p_ξ.mean(0),
            "log_q_ξ": log_q_ξ.mean(0),
            "D_KL": D_KL,
            "F": D_KL - log_p_v_ξ.mean(0),
            "log_p_v": torch.logsumexp(log_p_v_ξ + log_p_ξ - log_q_ξ, 0) - math.log(S),
        }

    def densities(self, v: Tensor, ξ: Tensor) -> dict[str, Tensor]:
        """v: [batch, data], ξ: [sample, batch, latent] → log p(v|ξ, θᵍ), log p(ξ), log q(ξ|v): [sample, batch]."""
        return {
            "log_p_v_ξ": self.log_p_v_ξ(v, self.generation(ξ)),
            "log_p_ξ": self.log_p(ξ),
            "log_q_ξ": self.log_q(ξ, *self.recognition(v)),
        }

    def F_V(self, v: Tensor, ε: Tensor) -> Tensor:
        """v: [batch, data], ε: [sample, batch, latent] → F(V) = Σ_n F(v_n), to be minimised: scalar."""
        return self.F(v, ε).sum()

    def forward(self, v: Tensor) -> Tensor:
        """v: [batch, data] → the free energy of each v at one draw of ξ: [batch]."""
        ε = torch.randn(1, v.shape[0], sum(self.sizes), dtype=v.dtype, device=v.device)
        return self.F(v, ε)


def block_diagonal(blocks: Sequence[Tensor]) -> Tensor:
    """Matrices [batch, row, column], one per layer → one with these along its diagonal: [batch, row, column]."""
    size = sum(block.shape[-1] for block in blocks)
    rows: list[Tensor] = []
    before = 0
    for block in blocks:
        rows.append(pad(block, (before, size - before - block.shape[-1])))
        before += block.shape[-1]
    return torch.cat(rows, dim=-2)
