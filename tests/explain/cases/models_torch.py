"""Whole models as people write them in torch, some wrong. `facts_of_models.py` has what each computes."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn
from torch.distributions import Bernoulli, Normal, Poisson


class Plain(nn.Module):
    """Right: β is an attribute, and noise is drawn in evaluation too."""

    def __init__(self, n_in=11, hidden=9, n_latent=4, beta=0.5):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = (
            nn.Linear(n_in, hidden),
            nn.Linear(hidden, n_latent),
            nn.Linear(hidden, n_latent),
        )
        self.fc3, self.fc4 = nn.Linear(n_latent, hidden), nn.Linear(hidden, n_in)
        self.beta = beta

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def loss(self, x):
        mu, logvar = self.encode(x)
        recon = self.decode(self.reparameterize(mu, logvar))
        bce = F.binary_cross_entropy(recon, x, reduction="sum")
        return bce - self.beta * 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


class Images(nn.Module):
    """Right: convolutions, batch normalisation, dropout, a sampled KL; the loss is what forward returns."""

    def __init__(self, channels=2, z_dim=3):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 4, 4, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(),
            nn.Linear(4 * 16, 2 * z_dim),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(z_dim, 4 * 16), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)),
            nn.ConvTranspose2d(4, channels, 4, stride=2, padding=1),
        )  # fmt: skip

    def forward(self, images):
        mean, raw = self.encoder(images).chunk(2, dim=-1)
        q = Normal(mean, F.softplus(raw))
        z = q.rsample()
        logits = self.decoder(z)
        log_px = -F.binary_cross_entropy_with_logits(logits, images, reduction="none").sum((1, 2, 3))
        log_pz = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(-1)
        elbo = log_px + log_pz - q.log_prob(z).sum(-1)
        return {"loss": -elbo.mean(), "elbo": elbo}


class Averaged(Plain):
    """Right: the data term is a mean over pixels."""

    def loss(self, x):
        mu, logvar = self.encode(x)
        recon = self.decode(self.reparameterize(mu, logvar))
        return F.mse_loss(recon, x) - 0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()


class OfKnownDeviation(Plain):
    """Right: log p(x|z) of a normal distribution with σ = 0.3, its constant included."""

    def loss(self, x):
        mu, logvar = self.encode(x)
        recon = self.decode(self.reparameterize(mu, logvar))
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return kl - Normal(recon, 0.3).log_prob(x).sum()


class TwoSigmoids(Plain):
    """Wrong: the decoder ends in a sigmoid, and the loss takes it for a logit."""

    def loss(self, x):
        mu, logvar = self.encode(x)
        out = self.decode(self.reparameterize(mu, logvar))
        rec = F.binary_cross_entropy_with_logits(out, x, reduction="sum")
        return rec - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


class Stopped(Plain):
    """Wrong: z is cut off from the encoder."""

    def loss(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar).data
        rec = ((self.fc4(F.relu(self.fc3(z))) - x) ** 2).sum(1).mean()
        return rec - 0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()


class PositiveMean(Plain):
    """Wrong: the posterior's mean passes a ReLU."""

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return F.relu(self.fc21(h1)) + 0.0, self.fc22(h1)


class OnlyInTraining(Plain):
    """Wrong: in evaluation z is the mean, and the loss there is no estimate of the ELBO."""

    def reparameterize(self, mu, logvar):
        return super().reparameterize(mu, logvar) if self.training else mu


class OfBinary(Plain):
    """Right where the terms are joined as they should: the density takes no data but 0 and 1."""

    def density(self, out):
        return Bernoulli(logits=out)

    def loss(self, x, sign=1.0):
        mu, logvar = self.encode(x)
        out = self.fc4(F.relu(self.fc3(self.reparameterize(mu, logvar))))
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return sign * kl - self.density(out).log_prob(x).sum()


class OfCounts(OfBinary):
    """The same of counts."""

    def density(self, out):
        return Poisson(F.softplus(out))


class Rectified(Plain):
    """Wrong: a probability that is rectified."""

    def decode(self, z):
        return F.relu(self.fc4(F.relu(self.fc3(z))))

    def loss(self, x):
        mu, logvar = self.encode(x)
        recon = self.decode(self.reparameterize(mu, logvar))
        bce = -(x * torch.log(recon + 1e-8) + (1 - x) * torch.log(1 - recon + 1e-8)).sum()
        return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
