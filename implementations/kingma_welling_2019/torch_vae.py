"""An Introduction to Variational Autoencoders (D. P. Kingma and M. Welling, 2019, arXiv:1906.02691), in PyTorch.

Equation numbers are the paper's. Its networks are abstract: EncoderNeuralNet_φ and DecoderNeuralNet_θ are multilayer
perceptrons here. Scales are log σ: of the standard deviation, or of the diagonal of the Cholesky factor L of the
covariance. The ELBO is maximised.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._plain.torch_mlp import MLP


def log_N(x: Tensor, μ: Tensor, log_σ: Tensor) -> Tensor:
    """Axes [..., any], broadcast → log N(x; μ, diag(σ²)) of the last axis: [...]."""
    return -(0.5 * (((x - μ) * torch.exp(-log_σ)) ** 2 + math.log(2 * math.pi)) + log_σ).sum(-1)


class VAE(nn.Module):
    """p_θ(x, z) = p_θ(z) p_θ(x|z) and q_φ(z|x), with the parameters of every factor given by a network (1.7).

    The paper gives no sizes. `likelihood`: `bernoulli`, `gaussian` or `gaussian-fixed` (of constant `variance`).
    `prior`: `standard`, p_θ(z) = N(0, I), which has no parameters, or `learned`, N(μ_z, σ_z²), which are part of θ.
    `posterior`: `diagonal`, q_φ(z|x) = N(z; μ, diag(σ²)) (2.36), or `full`, N(z; μ, Σ) with Σ = LLᵀ (2.5.1).
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        prior: str = "standard",
        variance: float = 1.0,
        posterior: str = "diagonal",
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.full = posterior == "full"
        self.log_σ_x = 0.5 * math.log(variance)
        heads = {"bernoulli": ("logit_p",), "gaussian": ("μ", "log_σ"), "gaussian-fixed": ("μ",)}[likelihood]
        moments = {"μ": latent_dim, "log_σ": latent_dim, **({"L_prime": latent_dim**2} if self.full else {})}
        self.EncoderNeuralNet_φ = MLP(data_dim, hidden, moments, activation)
        self.DecoderNeuralNet_θ = MLP(latent_dim, hidden[::-1], dict.fromkeys(heads, data_dim), activation)
        self.μ_z = nn.Parameter(torch.zeros(latent_dim), requires_grad=prior == "learned")
        self.log_σ_z = nn.Parameter(torch.zeros(latent_dim), requires_grad=prior == "learned")

    def encoder(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → μ, log σ: [batch, latent] each; with a full covariance also L: [batch, row, column]."""
        if not self.full:
            return self.EncoderNeuralNet_φ(x)
        μ, log_σ, L_prime = self.EncoderNeuralNet_φ(x)  # Algorithm 2
        L_prime = L_prime.unflatten(-1, (-1, μ.shape[-1]))
        L_mask = torch.ones_like(L_prime).tril(-1)  # ones below the diagonal
        return μ, log_σ, L_mask * L_prime + torch.diag_embed(torch.exp(log_σ))

    def decoder(self, z: Tensor) -> tuple[Tensor, ...]:
        """z: [..., latent] → parameters η of p_θ(x|z): logit p; or μ, log σ; or μ: [..., data] each."""
        return self.DecoderNeuralNet_θ(z)

    def logpx(self, x: Tensor, η: tuple[Tensor, ...]) -> Tensor:
        """x: [batch, data], η: what the decoder returns → log p_θ(x|z): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logit_p = η[0]
            log_p, log_1_minus_p = F.logsigmoid(logit_p), F.logsigmoid(-logit_p)
            return (x * log_p + (1 - x) * log_1_minus_p).sum(-1)  # Algorithm 2
        μ, log_σ = η if self.likelihood == "gaussian" else (η[0], torch.full_like(η[0], self.log_σ_x))
        return log_N(x, μ, log_σ)

    def quantities(self, x: Tensor, ε: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], ε: [sample, batch, latent] → the ELBO, its parts and its estimators per datum."""
        μ, log_σ, *L = self.encoder(x)
        σ = torch.exp(log_σ)
        z = μ + ((L[0] @ ε[..., None])[..., 0] if self.full else σ * ε)
        η = self.decoder(z)
        logpx = self.logpx(x, η)
        logpz = log_N(z, self.μ_z, self.log_σ_z)
        logqz = -(0.5 * (ε**2 + math.log(2 * math.pi)) + log_σ).sum(-1)  # (2.44): log det L is Σ log σ as well
        L_draws = ε.shape[0]
        log_w = logpx + logpz - logqz  # log p_θ(x, z) - log q_φ(z|x): Algorithm 2's estimate of the ELBO
        D_KL = self.D_KL(μ, log_σ, *L)
        decoder_names = {"bernoulli": ("logit_p",)}.get(self.likelihood, ("θ.μ", "θ.log_σ"))
        p = {"p": torch.sigmoid(η[0])} if self.likelihood == "bernoulli" else {}
        covariance = {"L": L[0], "Σ": L[0] @ L[0].mT} if self.full else {}
        return {
            "φ.μ": μ,
            "φ.log_σ": log_σ,
            "σ": σ,
            **covariance,
            "μ_z": self.μ_z,
            "log_σ_z": self.log_σ_z,
            "z": z,
            **dict(zip(decoder_names, η, strict=False)),
            **p,
            "logpx": logpx.mean(0),
            "logpz": logpz.mean(0),
            "logqz": logqz.mean(0),
            "D_KL": D_KL,
            "L_θφ": logpx.mean(0) - D_KL,
            "L_tilde": log_w.mean(0),
            "log_p_θ_x": torch.logsumexp(log_w, 0) - math.log(L_draws),  # (2.57)
        }

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        μ, log_σ, *L = self.encoder(x)
        if self.full:
            ε = torch.linalg.solve_triangular(L[0], (z - μ)[..., None], upper=False)[..., 0]  # L⁻¹(z - μ)
            logqz = -(0.5 * (ε**2 + math.log(2 * math.pi)) + log_σ).sum(-1)
        else:
            logqz = log_N(z, μ, log_σ)
        return {
            "logpx": self.logpx(x, self.decoder(z)),
            "logpz": log_N(z, self.μ_z, self.log_σ_z),
            "logqz": logqz,
        }

    def D_KL(self, μ: Tensor, log_σ: Tensor, L: Tensor | None = None) -> Tensor:
        """μ, log_σ: [batch, latent], L: [batch, row, column] → D_KL(q_φ(z|x) ‖ p_θ(z)) in closed form: [batch]."""
        log_ratio = log_σ - self.log_σ_z
        # The diagonal of Σ is σ², or Σ_k L_jk²; log det Σ is 2 Σ log σ either way.
        variances = torch.exp(2 * log_σ) if L is None else (L**2).sum(-1)
        distance = (μ - self.μ_z) * torch.exp(-self.log_σ_z)
        return 0.5 * (variances * torch.exp(-2 * self.log_σ_z) + distance**2 - 1 - 2 * log_ratio).sum(-1)

    def objective(self, x: Tensor, ε: Tensor) -> Tensor:
        """x: [batch, data], ε: [sample, batch, latent] → Σ_x L_θφ(x), KL in closed form, to be maximised: scalar."""
        L_D = self.quantities(x, ε)["L_θφ"].sum()  # (2.13)
        return L_D

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, data] → Algorithm 2's one-sample estimate of the ELBO: [batch]."""
        ε = torch.randn(1, x.shape[0], self.μ_z.shape[0], dtype=x.dtype, device=x.device)
        return self.quantities(x, ε)["L_tilde"]
