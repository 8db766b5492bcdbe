"""Tutorial - What is a variational autoencoder? (J. Altosaar, 2016), in PyTorch.

θ are the encoder's weights and φ the decoder's: the other way round than in most papers. λ = (μ, σ²) are the
variational parameters of each datum: what the encoder puts out, or, without one ("mean-field"), free parameters λ_i.
The loss is the sum of l_i = -ELBO_i, minimised. Networks are abstract in the tutorial, and multilayer perceptrons here.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._plain.torch_mlp import MLP


def log_Normal(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Axes [..., any], broadcast → the log density of the last axis: [...]."""
    return -0.5 * (math.log(2 * math.pi) + log_variance + (x - mean) ** 2 / torch.exp(log_variance)).sum(-1)


class MeanField(nn.Module):
    """q(z) = Π_i q(z_i; λ_i): free parameters λ_i = (μ_i, σ_i) for each datapoint, which start at the prior's."""

    def __init__(self, N: int, latent: int) -> None:
        super().__init__()
        self.μ = nn.Parameter(torch.zeros(N, latent))
        self.log_σ2 = nn.Parameter(torch.zeros(N, latent))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: the whole data set, [datum, data], of which nothing is read → μ, log σ²: [datum, latent] each."""
        return self.μ, self.log_σ2


class VAE(nn.Module):
    """p(x, z) = p(x|z) p(z) with p(z) = Normal(0, 1).

    `likelihood`: `bernoulli`, the tutorial's for black and white pixels, or `gaussian`. `posterior`: `diagonal`, which
    is amortised, or `free`: mean-field, with λ_i for each of `N` data, which are then always passed together and in the
    same order. The tutorial gives no sizes.
    """

    def __init__(
        self,
        data: int = 784,
        latent: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        posterior: str = "diagonal",
        N: int | None = None,
    ) -> None:
        super().__init__()
        self.latent = latent
        self.bernoulli = likelihood == "bernoulli"
        self.amortised = posterior == "diagonal"
        if self.amortised:
            self.θ = MLP(data, hidden, {"μ": latent, "log_σ2": latent}, activation)
        else:
            assert N, "a free posterior has parameters for each of N data"
            self.λ = MeanField(N, latent)
        heads = ("logits",) if self.bernoulli else ("mean_x", "log_variance_x")
        self.φ = MLP(latent, hidden[::-1], dict.fromkeys(heads, data), activation)

    def encoder(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → μ, log σ² of q_θ(z|x) or q_λ(z|x): [batch, latent] each."""
        return self.θ(x) if self.amortised else self.λ(x)

    def decoder(self, z: Tensor) -> tuple[Tensor, ...]:
        """z: [batch, latent] → parameters of p_φ(x|z): logits, or mean and log variance: [batch, data] each."""
        return self.φ(z)

    def log_p_x_z(self, x: Tensor, parameters: tuple[Tensor, ...]) -> Tensor:
        """x: [batch, data], parameters: what the decoder returns → log p_φ(x|z), in nats: [batch]."""
        if self.bernoulli:
            logits = parameters[0]
            return (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).sum(-1)
        return log_Normal(x, *parameters)

    def log_p_z(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → log p(z): [batch]."""
        return log_Normal(z, torch.zeros_like(z), torch.zeros_like(z))

    def KL(self, μ: Tensor, log_σ2: Tensor) -> Tensor:
        """μ, log_σ2: [batch, latent] → KL(q(z|x) ‖ p(z)) in closed form, which the tutorial does not print: [batch]."""
        return 0.5 * (torch.exp(log_σ2) + μ**2 - 1 - log_σ2).sum(-1)

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [batch, latent] → what the tutorial defines per datum, expectations with one draw."""
        μ, log_σ2 = self.encoder(x)
        σ = torch.exp(log_σ2 / 2)
        z = μ + σ * ε  # the reparametrization trick
        parameters = self.decoder(z)
        log_p_x_z, log_p_z, log_q_z_x = self.log_p_x_z(x, parameters), self.log_p_z(z), log_Normal(z, μ, log_σ2)
        KL = self.KL(μ, log_σ2)
        probabilities = {"probabilities": torch.sigmoid(parameters[0])} if self.bernoulli else {}
        names = ("logits",) if self.bernoulli else ("mean_x", "log_variance_x")
        return {
            "μ": μ,
            "log_σ2": log_σ2,
            "σ2": torch.exp(log_σ2),
            "σ": σ,
            "z": z,
            **dict(zip(names, parameters, strict=True)),
            **probabilities,
            "log_p_x_z": log_p_x_z,
            "log_p_z": log_p_z,
            "log_q_z_x": log_q_z_x,
            "KL": KL,
            "ELBO_λ": log_p_x_z + log_p_z - log_q_z_x,  # E_q log p(x, z) - E_q log q_λ(z|x)
            "l_i": -log_p_x_z + KL,  # -ELBO_i(θ, φ)
        }

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [batch, latent] → log p_φ(x|z), log p(z), log q(z|x): [batch]."""
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_Normal(z, *self.encoder(x)),
        }

    def total_loss(self, l_i: Tensor) -> Tensor:
        """l_i: [batch] → the total loss, Σ_i l_i: scalar."""
        return l_i.sum()

    def objective(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [batch, latent] → the total loss, to be minimised: scalar."""
        return self.total_loss(self.quantities(x, ε)["l_i"])

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, data] → l_i with one draw of z: [batch]."""
        ε = torch.randn(x.shape[0], self.latent, dtype=x.dtype, device=x.device)
        return self.quantities(x, ε)["l_i"]
