"""Right models of torch, which make the posterior's scale of its head each in another way."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence


class VAE(nn.Module):
    def __init__(self, deviation, width=11, latent=3):
        super().__init__()
        self.enc, self.dec = nn.Linear(width, 2 * latent), nn.Linear(latent, width)
        self.deviation = deviation

    def forward(self, x):
        mu, head = self.enc(x).chunk(2, -1)
        q = Normal(mu, self.deviation(head))
        log_px = Bernoulli(logits=self.dec(q.rsample())).log_prob(x).sum(-1)
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(-1) - log_px).mean()


def of_softplus():
    return VAE(lambda head: F.softplus(head) + 1e-6)


def of_log_deviation():
    return VAE(lambda head: head.exp() + 1e-4)


def of_log_variance():
    return VAE(lambda head: (head.exp() + 1e-5).sqrt())


def of_log_variance_with_a_ceiling():
    return VAE(lambda head: torch.exp(3 * torch.tanh(head) / 2))


def of_a_sum_by_hand():
    return VAE(lambda head: torch.maximum(torch.log(1 + torch.exp(head - 2)), torch.full_like(head, 1e-4)))


def of_deviation():
    """The head is the deviation, and starts where it is positive."""
    model = VAE(lambda head: head * 1.0)
    nn.init.zeros_(model.enc.weight[3:])
    nn.init.uniform_(model.enc.bias[3:], 0.5, 1.5)
    return model


def of_rectified():
    return VAE(lambda head: F.relu(head) + 1e-3)


def of_rectified_below_zero():
    """The head starts so far below 0 that a small move of it changes nothing."""
    model = of_rectified()
    nn.init.constant_(model.enc.bias[3:], -2.0)
    return model


def of_square():
    return VAE(lambda head: head**2 + 1e-3)


def of_softplus_in_part():
    return VAE(lambda head: 0.1 + 0.9 * F.softplus(head))


def of_variance_that_is_a_softplus():
    return VAE(lambda head: F.softplus(head).sqrt())
