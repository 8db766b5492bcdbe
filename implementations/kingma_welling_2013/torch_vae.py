"""Auto-Encoding Variational Bayes (D. P. Kingma and M. Welling, ICLR 2014, arXiv:1312.6114v11), in PyTorch.

Equation and section numbers are the paper's. φ holds the recognition model's weights, θ the generative model's;
both nets have a W_3. The bound is maximised.
"""

import math
from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def N_0(*shape: int) -> nn.Parameter:
    """§5: parameters start at N(0, 0.01): the variance, as in the paper's N(μ, σ²I); it does not say."""
    return nn.Parameter(math.sqrt(0.01) * torch.randn(shape))


class BernoulliMLP(nn.Module):
    """C.1, the Bernoulli decoder: y = f_σ(W_2 tanh(W_1 z + b_1) + b_2), θ = {W_1, W_2, b_1, b_2}."""

    def __init__(self, J: int, hidden: int, D: int, activation: str) -> None:
        super().__init__()
        self.tanh = getattr(torch, activation)  # tanh in the paper
        self.W_1, self.b_1 = N_0(hidden, J), N_0(hidden)
        self.W_2, self.b_2 = N_0(D, hidden), N_0(D)

    def forward(self, z: Tensor) -> Tensor:
        """z: [..., latent] → f_σ⁻¹(y), the argument of the sigmoid f_σ: [..., data]."""
        h = self.tanh(z @ self.W_1.T + self.b_1)
        return h @ self.W_2.T + self.b_2  # eq. 11


class GaussianMLP(nn.Module):
    """C.2: the Gaussian decoder as printed, and the encoder when z and x are swapped."""

    def __init__(self, J: int, hidden: int, D: int, activation: str) -> None:
        super().__init__()
        self.tanh = getattr(torch, activation)  # tanh in the paper
        self.W_3, self.b_3 = N_0(hidden, J), N_0(hidden)
        self.W_4, self.b_4 = N_0(D, hidden), N_0(D)
        self.W_5, self.b_5 = N_0(D, hidden), N_0(D)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z: [..., latent] → μ, log σ²: [..., data] each."""
        h = self.tanh(z @ self.W_3.T + self.b_3)
        μ = h @ self.W_4.T + self.b_4
        log_σ2 = h @ self.W_5.T + self.b_5
        return μ, log_σ2  # eq. 12


class VAE(nn.Module):
    """§3: p_θ(z) = N(0, I), q_φ(z|x) of eq. 9, p_θ(x|z) of C.1 (`bernoulli`) or C.2 (`gaussian`)."""

    def __init__(
        self, D: int = 784, hidden: int = 500, J: int = 20, likelihood: str = "bernoulli", activation: str = "tanh"
    ) -> None:
        super().__init__()
        self.J = J
        self.bernoulli = likelihood == "bernoulli"
        self.φ = GaussianMLP(D, hidden, J, activation)  # C.2, x and z swapped
        self.θ = (BernoulliMLP if self.bernoulli else GaussianMLP)(J, hidden, D, activation)

    def encoder(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [batch, data] → μ, log σ² of q_φ(z|x) = N(z; μ, σ²I): [batch, latent] each (eq. 9)."""
        return self.φ(x)

    def decoder(self, z: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """z: [..., latent] → f_σ⁻¹(y) (eq. 11), or μ, log σ² (eq. 12): [..., data] each."""
        return self.θ(z)

    def g_φ(self, ε: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ε: [sample, batch, latent], x: [batch, data] → z: as ε (eq. 4), and the μ, log σ² it came from."""
        μ, log_σ2 = self.φ(x)
        return μ + torch.exp(log_σ2 / 2) * ε, μ, log_σ2  # §2.4: z = μ + σ ⊙ ε

    def log_p_x_given_z(self, x: Tensor, η: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """x: [batch, data]; η: what the decoder returns → log p_θ(x|z): [sample, batch]."""
        if isinstance(η, Tensor):
            log_y, log_1_minus_y = F.logsigmoid(η), F.logsigmoid(-η)
            return (x * log_y + (1 - x) * log_1_minus_y).sum(-1)  # eq. 11
        μ, log_σ2 = η
        return -0.5 * (math.log(2 * math.pi) + log_σ2 + (x - μ) ** 2 / torch.exp(log_σ2)).sum(-1)  # eq. 12

    def log_p_z(self, z: Tensor) -> Tensor:
        """z: [sample, batch, latent] → log p_θ(z) = log N(z; 0, I), which "lacks parameters" (§3): [sample, batch]."""
        return -0.5 * (math.log(2 * math.pi) + z**2).sum(-1)

    def D_KL(self, μ: Tensor, log_σ2: Tensor) -> Tensor:
        """μ, log_σ2: [batch, latent] → D_KL(q_φ(z|x) ‖ p_θ(z)): [batch] (App. B, which prints its negative)."""
        return -0.5 * (1 + log_σ2 - μ**2 - torch.exp(log_σ2)).sum(-1)

    def L_B(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent] → the second estimator of the bound: [batch]."""
        z, μ, log_σ2 = self.g_φ(ε, x)
        return -self.D_KL(μ, log_σ2) + self.log_p_x_given_z(x, self.θ(z)).mean(0)  # eq. 7; in full, eq. 10

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [sample, batch, latent] → what the paper defines per datum, both estimators included."""
        z, μ, log_σ2 = self.g_φ(ε, x)
        σ = torch.exp(log_σ2 / 2)
        η = self.θ(z)
        log_p_x_given_z, log_p_z = self.log_p_x_given_z(x, η), self.log_p_z(z)
        log_q_z_given_x = -0.5 * (math.log(2 * math.pi) + log_σ2 + ε**2).sum(-1)  # eq. 9, as (z - μ)/σ = ε
        D_KL = self.D_KL(μ, log_σ2)
        decoded = {"logit_y": η, "y": torch.sigmoid(η)} if isinstance(η, Tensor) else {"θ.μ": η[0], "θ.log_σ2": η[1]}
        return {
            "φ.μ": μ,
            "φ.log_σ2": log_σ2,
            "σ": σ,
            "z": z,
            **decoded,
            "log_p_x_given_z": log_p_x_given_z.mean(0),
            "log_p_z": log_p_z.mean(0),
            "log_q_z_given_x": log_q_z_given_x.mean(0),
            "D_KL": D_KL,
            "L_A": (log_p_x_given_z + log_p_z - log_q_z_given_x).mean(0),  # eq. 6
            "L_B": -D_KL + log_p_x_given_z.mean(0),  # eq. 7
        }

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        μ, log_σ2 = self.φ(x)
        return {
            "log_p_x_given_z": self.log_p_x_given_z(x, self.θ(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_given_x": -0.5 * (math.log(2 * math.pi) + log_σ2 + (z - μ) ** 2 / torch.exp(log_σ2)).sum(-1),
        }

    def objective(self, x: Tensor, ε: Tensor, N: float) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent], N: data in the whole set → L^M, to be maximised: scalar."""
        M = x.shape[0]
        L_M = N / M * self.L_B(x, ε).sum()  # eq. 8
        return L_M

    def forward(self, x: Tensor, L: int = 1) -> Tensor:
        """x: [batch, data] → L^B under L fresh draws of ε: [batch]."""
        return self.L_B(x, torch.randn(L, x.shape[0], self.J, dtype=x.dtype, device=x.device))


def minibatches(X: Tensor, J: int, steps: int, M: int = 100, L: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Algorithm 1's draws. X: [data count, data] → `steps` pairs X^M: [batch, data], ε: [sample, batch, latent]."""
    for _ in range(steps):
        X_M = X[torch.randint(X.shape[0], (M,), device=X.device)]
        yield X_M, torch.randn(L, M, J, dtype=X.dtype, device=X.device)


def algorithm_1(model: VAE, draws: Iterable[tuple[Tensor, Tensor]], N: float, α: float = 0.02) -> None:
    """Algorithm 1 with Adagrad, of whose step sizes {0.01, 0.02, 0.1} (§5) α is one; θ, φ change in place.

    Adagrad divides by √(c + Σg²). The paper gives no c; 2⁻¹⁰ is small beside gradients of L^M, of the order of N, and
    the same number in every precision.
    """
    optimizer = torch.optim.Adagrad(model.parameters(), lr=α, initial_accumulator_value=2**-10, eps=0, maximize=True)
    for X_M, ε in draws:
        optimizer.zero_grad()
        model.objective(X_M, ε, N).backward()  # g ← ∇_{θ,φ} L^M(θ, φ; X^M, ε)
        optimizer.step()
