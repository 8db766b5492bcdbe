"""Deep Learning (I. Goodfellow, Y. Bengio and A. Courville, 2016), section 20.10.3, in PyTorch.

Equation numbers are the book's. q(z|x) = q(z; f(x; θ)), so that θ are the encoder's weights; p_model(x|z) = p_model(x;
g(z)), and the weights of g have no letter. The bound is maximised. f and g are abstract in the book and multilayer
perceptrons here; q is a Gaussian, "noise added to a predicted mean", and that noise has no letter either.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._plain.torch_mlp import MLP


def log_normal(x: Tensor, mean: Tensor, log_sd: Tensor) -> Tensor:
    """Axes [..., any], broadcast → the log density of the last axis: [...]."""
    return -(0.5 * (math.log(2 * math.pi) + ((x - mean) * torch.exp(-log_sd)) ** 2) + log_sd).sum(-1)


class VAE(nn.Module):
    """p_model(z), here standard normal, p_model(x; g(z)) and q(z; f(x; θ)).

    The book gives no sizes. `likelihood`: `bernoulli`, of means g(z); `gaussian-fixed`, of means g(z) and the constant
    `variance`; or `gaussian`, for which g gives standard deviations too.
    """

    def __init__(
        self,
        data: int = 784,
        latent: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "gaussian-fixed",
        variance: float = 1.0,
    ) -> None:
        super().__init__()
        self.latent = latent
        self.likelihood = likelihood
        self.log_constant = 0.5 * math.log(variance)
        heads = {"bernoulli": ("logit",), "gaussian": ("mean", "log_sd")}.get(likelihood, ("mean",))
        self.θ = MLP(data, hidden, {"mean": latent, "log_sd": latent}, activation)
        self.g = MLP(latent, hidden[::-1], dict.fromkeys(heads, data), activation)

    def f(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [batch, data] → f(x; θ), the mean and the log standard deviation of q: [batch, latent] each."""
        return self.θ(x)

    def decoder(self, z: Tensor) -> tuple[Tensor, ...]:
        """z: [sample, batch, latent] → g(z), or its logit, and any log standard deviation: [sample, batch, data]."""
        return self.g(z)

    def log_p_x_z(self, x: Tensor, parameters: tuple[Tensor, ...]) -> Tensor:
        """x: [batch, data], parameters: what the decoder returns → log p_model(x|z): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logit = parameters[0]
            return (x * F.logsigmoid(logit) + (1 - x) * F.logsigmoid(-logit)).sum(-1)
        if self.likelihood == "gaussian":
            return log_normal(x, *parameters)
        return log_normal(x, parameters[0], torch.full_like(parameters[0], self.log_constant))

    def log_p_z(self, z: Tensor) -> Tensor:
        """z: [sample, batch, latent] → log p_model(z): [sample, batch]."""
        return log_normal(z, torch.zeros_like(z), torch.zeros_like(z))

    def D_KL(self, mean: Tensor, log_sd: Tensor) -> Tensor:
        """mean, log_sd: [batch, latent] → D_KL(q(z|x) ‖ p_model(z)), of which the book has no closed form: [batch]."""
        return (0.5 * (torch.exp(2 * log_sd) + mean**2 - 1) - log_sd).sum(-1)

    def quantities(self, x: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], noise: [sample, batch, latent] → what the section defines for a data point x."""
        k = noise.shape[0]
        mean, log_sd = self.f(x)
        sd = torch.exp(log_sd)
        z = mean + sd * noise
        parameters = self.decoder(z)
        log_p_x_z, log_p_z, log_q_z_x = self.log_p_x_z(x, parameters), self.log_p_z(z), log_normal(z, mean, log_sd)
        log_ratio = log_p_x_z + log_p_z - log_q_z_x  # log p_model(x, z) - log q(z|x)
        D_KL = self.D_KL(mean, log_sd)
        names = ("logit_g_z",) if self.likelihood == "bernoulli" else ("g_z", "log_sd_x")
        probability = {"g_z": torch.sigmoid(parameters[0])} if self.likelihood == "bernoulli" else {}
        return {
            "mean": mean,
            "log_sd": log_sd,
            "sd": sd,
            "z": z,
            **dict(zip(names, parameters, strict=False)),
            **probability,
            "log_p_x_z": log_p_x_z.mean(0),
            "log_p_z": log_p_z.mean(0),
            "log_q_z_x": log_q_z_x.mean(0),
            "D_KL": D_KL,
            "L_q_MC": log_ratio.mean(0),  # (20.76), both expectations sampled
            "L_q": log_p_x_z.mean(0) - D_KL,  # (20.77)
            "L_k": torch.logsumexp(log_ratio, 0) - math.log(k),  # (20.79)
        }

    def densities(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """x: [batch, data], z: [sample, batch, latent] → log p_model(x|z), p_model(z) and q(z|x): [sample, batch]."""
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_normal(z, *self.f(x)),
        }

    def bound(self, L_q: Tensor) -> Tensor:
        """L_q: [batch] → its sum over the data points, of which the book has one: scalar."""
        return L_q.sum()

    def objective(self, x: Tensor, noise: Tensor) -> Tensor:
        """x: [batch, data], noise: [sample, batch, latent] → the bound, to be maximised: scalar."""
        return self.bound(self.quantities(x, noise)["L_q"])

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, data] → L(q) with one draw of z: [batch]."""
        noise = torch.randn(1, x.shape[0], self.latent, dtype=x.dtype, device=x.device)
        return self.quantities(x, noise)["L_q"]
