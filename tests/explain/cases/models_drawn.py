"""Models of torch with right and wrong draws of z. `test_drawn.py` has the fault of each."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn
from torch.distributions import Normal, kl_divergence


class Model(nn.Module):
    """An encoder of two heads and a decoder of logits."""

    def __init__(self):
        super().__init__()
        self.enc, self.dec = nn.Linear(11, 8), nn.Linear(4, 11)

    def heads(self, x):
        return self.enc(x).chunk(2, 1)

    def bce(self, logits, x):
        return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)

    def kl(self, mu, logvar):
        return 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)


class OfScale(Model):
    """z = μ + scale(logvar)·ε beside a KL of the log variance; right with this scale."""

    def scale(self, logvar):
        return torch.exp(0.5 * logvar)

    def loss(self, x):
        mu, logvar = self.heads(x)
        std = self.scale(logvar)
        z = mu + std * torch.randn_like(std)
        return (self.bce(self.dec(z), x) + self.kl(mu, logvar)).mean()


class AlmostScale(OfScale):
    """Right: with an ε of 1e-8."""

    def scale(self, logvar):
        return torch.exp(0.5 * logvar) + 1e-8


class SignedScale(OfScale):
    """Right: ε is symmetric."""

    def scale(self, logvar):
        return -torch.exp(0.5 * logvar)


class Clamped(OfScale):
    """Right: where it is clamped, no one is."""

    def scale(self, logvar):
        return torch.exp(0.5 * logvar.clamp(-20, 20))


class WholeExponent(OfScale):
    """Wrong: the square of the standard deviation."""

    def scale(self, logvar):
        return torch.exp(logvar)


class Softplus(OfScale):
    """Wrong: softplus for a log variance."""

    def scale(self, logvar):
        return F.softplus(logvar)


class NoExponent(OfScale):
    """Wrong: the log variance itself."""

    def scale(self, logvar):
        return logvar


class Small(OfScale):
    """Wrong: a hundredth of the noise."""

    def scale(self, logvar):
        return 0.01 * torch.exp(0.5 * logvar)


class Constant(OfScale):
    """Wrong: the scale is in the KL alone, and z has a standard deviation of 1."""

    def scale(self, logvar):
        return torch.ones_like(logvar)


class DetachedScale(OfScale):
    """Wrong: the reconstruction gives the scale no gradient."""

    def scale(self, logvar):
        return torch.exp(0.5 * logvar).detach()


class OtherKl(Model):
    """Wrong: a log variance is given to the KL as if it were that of a standard deviation."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        kl = kl_divergence(Normal(mu, logvar.exp()), Normal(0.0, 1.0)).sum(1)
        return (self.bce(self.dec(z), x) + kl).mean()


class OtherSampledKl(Model):
    """Wrong: log q(z) is of another scale."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        kl = (Normal(mu, logvar.exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(1)
        return (self.bce(self.dec(z), x) + kl).mean()


class VarianceAsDeviation(Model):
    """Wrong: a variance is z's standard deviation."""

    def loss(self, x):
        mu, raw = self.heads(x)
        var = F.softplus(raw)
        z = mu + var * torch.randn_like(mu)
        return (self.bce(self.dec(z), x) + 0.5 * (mu**2 + var - var.log() - 1).sum(1)).mean()


class Variance(Model):
    """Right: its root is."""

    def loss(self, x):
        mu, raw = self.heads(x)
        var = F.softplus(raw)
        z = mu + var.sqrt() * torch.randn_like(mu)
        return (self.bce(self.dec(z), x) + 0.5 * (mu**2 + var - var.log() - 1).sum(1)).mean()


class ZeroAtFirst(Model):
    """Right: the head of a log standard deviation, zero before training, when no kind can be told from another."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(11, 4)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def loss(self, x):
        mu, _ = self.heads(x)
        log_sd = self.head(x)
        z = mu + log_sd.exp() * torch.randn_like(mu)
        return (self.bce(self.dec(z), x) + (0.5 * (mu**2 + (2 * log_sd).exp() - 1) - log_sd).sum(1)).mean()


class StickingTheLanding(Model):
    """Right: log q(z) gives the posterior no gradient of its own, and z does."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        std = (0.5 * logvar).exp()
        z = Normal(mu, std).rsample()
        kl = (Normal(mu.detach(), std.detach()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(1)
        return (self.bce(self.dec(z), x) + kl).mean()


class Exchanged(Model):
    """Wrong: the KL has the heads the other way round."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return (self.bce(self.dec(z), x) + self.kl(logvar, mu)).mean()


class ExchangedData(Model):
    """Wrong: input and target are the other way round."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return (self.bce(x, self.dec(z)) + self.kl(mu, logvar)).mean()


class OfNoise(Model):
    """z = μ + σ·noise; right with this noise."""

    def noise(self, mu):
        return torch.randn_like(mu)

    def loss(self, x):
        mu, logvar = self.heads(x)
        z = mu + torch.exp(0.5 * logvar) * self.noise(mu)
        return (self.bce(self.dec(z), x) + self.kl(mu, logvar)).mean()


class NoisyInput(OfNoise):
    """Right: what is encoded has noise too."""

    def heads(self, x):
        return super().heads(x + 0.1 * torch.randn_like(x))


class Uniform(OfNoise):
    """Wrong: uniform noise."""

    def noise(self, mu):
        return torch.rand_like(mu)


class CentredUniform(OfNoise):
    """Wrong: uniform noise around 0."""

    def noise(self, mu):
        return torch.rand_like(mu) - 0.5


class ForAllExamples(OfNoise):
    """Right, if noisier: one draw for the batch."""

    def noise(self, mu):
        return torch.randn(mu.shape[1])


class ForAllLatents(OfNoise):
    """Wrong: one draw for all latents."""

    def noise(self, mu):
        return torch.randn(len(mu), 1)


class NoNoise(Model):
    """Wrong: it forgot to draw."""

    def loss(self, x):
        mu, logvar = self.heads(x)
        return (self.bce(self.dec(mu), x) + self.kl(mu, logvar)).mean()


class Regularised(Model):
    """No VAE: an autoencoder with a penalty on its code."""

    def loss(self, x):
        code, _ = self.heads(x)
        return (self.bce(self.dec(code), x) + 0.5 * (code**2).sum(1)).mean()
