"""Auto-Encoding Variational Bayes, Appendix F: full VB (D. P. Kingma and M. Welling, arXiv:1312.6114v11), in PyTorch.

Equation and section numbers are the paper's. The generative model's weights θ are latent, as z is: their hyperprior is
p_α(θ) = N(θ; 0, I), whose α is (0, I), and their posterior q_φ(θ). φ holds the weights of q_φ(z|x), and the μ_θ and
log σ_θ² of q_φ(θ). The bound is maximised.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def N_0(*shape: int) -> nn.Parameter:
    """§5: parameters start at N(0, 0.01): the variance, as in the paper's N(μ, σ²I); it does not say."""
    return nn.Parameter(math.sqrt(0.01) * torch.randn(shape))


class Recognition(nn.Module):
    """φ: the net of q_φ(z|x), which is C.2 with x and z swapped, and the parameters of q_φ(θ) (eq. 23).

    `shapes`: letter of a generative weight → its shape. σ_θ² starts at the variance that μ_θ starts with.
    """

    def __init__(self, D: int, hidden: int, J: int, activation: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.tanh = getattr(torch, activation)  # tanh in the paper
        self.W_3, self.b_3 = N_0(hidden, D), N_0(hidden)
        self.W_4, self.b_4 = N_0(J, hidden), N_0(J)
        self.W_5, self.b_5 = N_0(J, hidden), N_0(J)
        self.μ_θ = nn.ParameterDict({letter: N_0(*shape) for letter, shape in shapes.items()})
        start = {letter: nn.Parameter(torch.full(shape, math.log(0.01))) for letter, shape in shapes.items()}
        self.log_σ2_θ = nn.ParameterDict(start)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [batch, data] → μ_z, log σ_z² of q_φ(z|x): [batch, latent] each."""
        h = self.tanh(x @ self.W_3.T + self.b_3)
        return h @ self.W_4.T + self.b_4, h @ self.W_5.T + self.b_5  # eq. 12


def affine(a: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """a: [..., in], W: [sample, out, in] or [out, in], b: [sample, out] or [out] → Wa + b: [..., out]."""
    return a @ W.mT + b[..., None, :]


class VAE(nn.Module):
    """F.1: p_α(θ) = N(θ; 0, I), p_θ(z) = N(z; 0, I), p_θ(x|z) of C.1 (`bernoulli`) or C.2 (`gaussian`), q_φ of eq. 23.

    `N`: data in the whole set (60,000 of MNIST), which the KL over θ is shared by in `forward`.
    """

    def __init__(
        self,
        D: int = 784,
        hidden: int = 500,
        J: int = 20,
        likelihood: str = "bernoulli",
        activation: str = "tanh",
        N: int = 60000,
    ) -> None:
        super().__init__()
        self.J, self.N = J, N
        self.bernoulli = likelihood == "bernoulli"
        self.tanh = getattr(torch, activation)  # tanh in the paper
        if self.bernoulli:  # C.1
            shapes = {"W_1": (hidden, J), "b_1": (hidden,), "W_2": (D, hidden), "b_2": (D,)}
        else:  # C.2
            shapes = {"W_3": (hidden, J), "b_3": (hidden,)}
            shapes |= {"W_4": (D, hidden), "b_4": (D,), "W_5": (D, hidden), "b_5": (D,)}
        self.φ = Recognition(D, hidden, J, activation, shapes)

    def encoder(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [batch, data] → μ_z, log σ_z² of q_φ(z|x) = N(z; μ_z, σ_z²I): [batch, latent] each (eq. 23)."""
        μ_z, log_σ2_z = self.φ(x)
        return μ_z, log_σ2_z

    def g_φ(self, ε: Tensor, μ_z: Tensor, log_σ2_z: Tensor) -> Tensor:
        """ε: [sample, batch, latent]; μ_z, log_σ2_z: [batch, latent] → z̃: as ε (eq. 17)."""
        return μ_z + torch.exp(log_σ2_z / 2) * ε  # F.1: z̃ = μ_z + σ_z ⊙ ε

    def h_φ(self, ζ: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """ζ: letter → [sample, ...] → θ̃: as ζ (eq. 19)."""
        μ_θ, log_σ2_θ = self.φ.μ_θ, self.φ.log_σ2_θ
        return {w: μ_θ[w] + torch.exp(log_σ2_θ[w] / 2) * ζ[w] for w in μ_θ}  # F.1: θ̃ = μ_θ + σ_θ ⊙ ζ

    def decoder(self, z: Tensor, θ: Mapping[str, Tensor] | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """z: [sample, batch, latent], θ: letter → [sample, ...], else μ_θ → f_σ⁻¹(y) or μ, log σ²: [..., data] each."""
        θ = dict(self.φ.μ_θ.items()) if θ is None else θ
        if self.bernoulli:
            h = self.tanh(affine(z, θ["W_1"], θ["b_1"]))
            return affine(h, θ["W_2"], θ["b_2"])  # eq. 11
        h = self.tanh(affine(z, θ["W_3"], θ["b_3"]))
        return affine(h, θ["W_4"], θ["b_4"]), affine(h, θ["W_5"], θ["b_5"])  # eq. 12

    def log_p_x_given_z(self, x: Tensor, heads: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """x: [batch, data]; heads: what the decoder returns → log p_θ(x|z): [sample, batch]."""
        if isinstance(heads, Tensor):
            log_y, log_1_minus_y = F.logsigmoid(heads), F.logsigmoid(-heads)
            return (x * log_y + (1 - x) * log_1_minus_y).sum(-1)  # eq. 11
        μ, log_σ2 = heads
        return -0.5 * (math.log(2 * math.pi) + log_σ2 + (x - μ) ** 2 / torch.exp(log_σ2)).sum(-1)  # eq. 12

    def log_p_z(self, z: Tensor) -> Tensor:
        """z: [sample, batch, latent] → log p_θ(z) = log N(z; 0, I), which "lacks parameters" (F.1): [sample, batch]."""
        return -0.5 * (math.log(2 * math.pi) + z**2).sum(-1)

    def log_p_over_q_θ(self, θ_tilde: Mapping[str, Tensor], ζ: Mapping[str, Tensor]) -> Tensor:
        """θ_tilde, ζ: letter → [sample, ...] → log p_α(θ̃) - log q_φ(θ̃): [sample]."""
        squares = {w: (θ_tilde[w] ** 2 - ζ[w] ** 2 - log_σ2_θ).flatten(1) for w, log_σ2_θ in self.φ.log_σ2_θ.items()}
        return -0.5 * torch.cat(list(squares.values()), -1).sum(-1)  # (θ̃ - μ_θ)/σ_θ = ζ, and both have log 2π

    def minus_D_KL_z(self, μ_z: Tensor, log_σ2_z: Tensor) -> Tensor:
        """μ_z, log_σ2_z: [batch, latent] → -D_KL(q_φ(z|x) ‖ p_θ(z)): [batch] (eq. 24)."""
        return 0.5 * (1 + log_σ2_z - μ_z**2 - torch.exp(log_σ2_z)).sum(-1)

    def minus_D_KL_θ(self) -> Tensor:
        """→ -D_KL(q_φ(θ) ‖ p_α(θ)) over all weights: scalar (eq. 24)."""
        pairs = zip(self.φ.μ_θ.values(), self.φ.log_σ2_θ.values(), strict=True)
        parts = [0.5 * (1 + log_σ2_θ - μ_θ**2 - torch.exp(log_σ2_θ)).sum() for μ_θ, log_σ2_θ in pairs]
        return torch.stack(parts).sum()

    def quantities(self, x: Tensor, ε: Tensor, ζ: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """x: [batch, data], ε: [sample, batch, latent], ζ: letter → [sample, ...] → per datum, but for those of θ."""
        μ_z, log_σ2_z = self.encoder(x)
        z_tilde, θ_tilde = self.g_φ(ε, μ_z, log_σ2_z), self.h_φ(ζ)
        heads = self.decoder(z_tilde, θ_tilde)
        log_p_x_given_z, log_p_z = self.log_p_x_given_z(x, heads), self.log_p_z(z_tilde)
        log_q_z_given_x = -0.5 * (math.log(2 * math.pi) + log_σ2_z + ε**2).sum(-1)  # eq. 23, as (z̃ - μ_z)/σ_z = ε
        minus_D_KL_z = self.minus_D_KL_z(μ_z, log_σ2_z)
        if isinstance(heads, Tensor):
            decoded = {"logit_y": heads, "y": torch.sigmoid(heads)}
        else:
            decoded = {"θ.μ": heads[0], "θ.log_σ2": heads[1]}
        return {
            "μ_z": μ_z,
            "log_σ2_z": log_σ2_z,
            "σ_z": torch.exp(log_σ2_z / 2),
            "z_tilde": z_tilde,
            **decoded,
            "log_p_x_given_z": log_p_x_given_z.mean(0),
            "log_p_z": log_p_z.mean(0),
            "log_q_z_given_x": log_q_z_given_x.mean(0),
            "minus_D_KL_z": minus_D_KL_z,
            "L_θφ": minus_D_KL_z + log_p_x_given_z.mean(0),
            "L_θφ_sampled": (log_p_x_given_z + log_p_z - log_q_z_given_x).mean(0),
            "minus_D_KL_θ": self.minus_D_KL_θ(),
            "log_p_over_q_θ": self.log_p_over_q_θ(θ_tilde, ζ).mean(0),
        }

    def densities(self, x: Tensor, z: Tensor, ζ: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """x: [batch, data], z: [sample, batch, latent], ζ → log p_θ̃(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        μ_z, log_σ2_z = self.encoder(x)
        squares = (z - μ_z) ** 2 / torch.exp(log_σ2_z)
        return {
            "log_p_x_given_z": self.log_p_x_given_z(x, self.decoder(z, self.h_φ(ζ))),
            "log_p_z": self.log_p_z(z),
            "log_q_z_given_x": -0.5 * (math.log(2 * math.pi) + log_σ2_z + squares).sum(-1),
        }

    def L_φ(self, x: Tensor, ε: Tensor, ζ: Mapping[str, Tensor], N: float) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent], ζ, N: data in the whole set → L(φ; X), to be maximised: scalar.

        The paper prints one datum per draw, N times; here a minibatch of M stands for it, as in eq. 8.
        """
        μ_z, log_σ2_z = self.encoder(x)
        heads = self.decoder(self.g_φ(ε, μ_z, log_σ2_z), self.h_φ(ζ))
        L_θφ = self.minus_D_KL_z(μ_z, log_σ2_z) + self.log_p_x_given_z(x, heads).mean(0)
        M = x.shape[0]
        return N / M * L_θφ.sum() + self.minus_D_KL_θ()  # eq. 24

    def f_φ(self, x: Tensor, ε: Tensor, ζ: Mapping[str, Tensor], N: float) -> Tensor:
        """The same, with no term in closed form: scalar (eqs. 21 and 22)."""
        sampled = self.quantities(x, ε, ζ)
        return N * sampled["L_θφ_sampled"].mean() + sampled["log_p_over_q_θ"]

    def noise(self, x: Tensor, L: int = 1) -> tuple[Tensor, dict[str, Tensor]]:
        """x: [batch, data] → L fresh draws of ε: [sample, batch, latent], and of ζ: letter → [sample, ...]."""
        ε = torch.randn(L, x.shape[0], self.J, dtype=x.dtype, device=x.device)
        ζ = {w: torch.randn(L, *μ_θ.shape, dtype=x.dtype, device=x.device) for w, μ_θ in self.φ.μ_θ.items()}
        return ε, ζ

    def forward(self, x: Tensor, L: int = 1) -> Tensor:
        """x: [batch, data] → L(φ; X)/N under L fresh draws, of which the batch's mean is an estimate: [batch]."""
        quantities = self.quantities(x, *self.noise(x, L))
        return quantities["L_θφ"] + quantities["minus_D_KL_θ"] / self.N
