"""Models whose loss combines several draws of z, or several calls of a decoder."""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from models_drawn import Model
from torch import nn
from torch.distributions import Normal


class DecodedTwice(Model):
    """Right: the decoder is called in each part of the log likelihood."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return ((F.softplus(self.dec(z)) - x * self.dec(z)).sum(1) + self.kl(mu, logvar)).mean()


class LearnedVariance(Model):
    """Right: a Gaussian decoder of mean and log standard deviation, written by hand."""

    def __init__(self):
        super().__init__()
        self.log_sd = nn.Linear(4, 11)

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        log_px = -0.5 * ((x - self.dec(z)) / self.log_sd(z).exp()) ** 2 - self.log_sd(z) - 0.5 * math.log(2 * math.pi)
        return (self.kl(mu, logvar) - log_px.sum(1)).mean()


class DroppedTwice(Model):
    """Not determined: two calls of a decoder with dropout are two tensors."""

    def decode(self, z):
        return F.dropout(self.dec(z), 0.3, training=self.training)

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return ((F.softplus(self.decode(z)) - x * self.decode(z)).sum(1) + self.kl(mu, logvar)).mean()


class ThreeCalls(Model):
    """Right: three draws, one after the other."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        data = 0
        for _ in range(3):
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            data = data + self.bce(self.dec(z), x) / 3
        return (data + self.kl(mu, logvar)).mean()


class Stacked(Model):
    """Right: three draws in front, and the mean of their terms."""

    def log_px(self, z, x):
        x = x.expand(3, *x.shape)
        return -F.binary_cross_entropy_with_logits(self.dec(z), x, reduction="none").sum(-1)

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = Normal(mu, (0.5 * logvar).exp()).rsample((3,))
        return (-self.log_px(z, x).mean(0) + self.kl(mu, logvar)).mean()


class Weighted(Stacked):
    """Right: the importance-weighted bound."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        q = Normal(mu, (0.5 * logvar).exp())
        z = q.rsample((3,))
        weights = self.log_px(z, x) + (Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)).sum(-1)
        return -(torch.logsumexp(weights, 0) - math.log(3)).mean()


class MeanLikelihood(Stacked):
    """Not determined: the mean is of likelihoods, and no weights."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = Normal(mu, (0.5 * logvar).exp()).rsample((3,))
        mean = torch.logsumexp(self.log_px(z, x), 0) - math.log(3)
        return (self.kl(mu, logvar) - mean).mean()


class Repeated(Model):
    """Not explained: the batch is repeated before it is encoded."""

    def loss(self, x):
        rows = x.repeat_interleave(3, 0)
        mu, logvar = self.heads(rows)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return (self.bce(self.dec(z), rows) + self.kl(mu, logvar)).mean()
