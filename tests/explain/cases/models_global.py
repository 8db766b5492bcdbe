"""Functions in torch that read a global model, or take a model as an argument."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn


class VAE(nn.Module):
    """Noise is drawn in training only, unless `always`."""

    def __init__(self, always):
        super().__init__()
        self.fc1, self.fc2, self.always = nn.Linear(21, 8), nn.Linear(4, 21), always

    def forward(self, x):
        mu, logvar = self.fc1(x.view(-1, 21)).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training or self.always else mu
        return torch.sigmoid(self.fc2(z)), mu, logvar


def loss_function(recon, x, mu, logvar, sign=1.0):
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - sign * logvar.exp())
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl


DROPS_NOISE, DRAWS, ENCODER, DECODER = VAE(always=False), VAE(always=True), nn.Linear(12, 8), nn.Linear(4, 12)


def reads(x):
    """Wrong: in evaluation z is the mean."""
    return loss_function(*_with_data(DROPS_NOISE, x))


def draws(x):
    """Right."""
    return loss_function(*_with_data(DRAWS, x))


def wrong_sign(x):
    return loss_function(*_with_data(DRAWS, x), sign=-1.0)


def _with_data(model, x):
    recon, mu, logvar = model(x)
    return recon, x, mu, logvar


def given(model, x):
    """As wrong or right as the model."""
    return loss_function(*_with_data(model, x))


def two_parts(x):
    """Right: encoder and decoder are modules of the file."""
    mu, logvar = ENCODER(x).chunk(2, dim=1)
    z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
    return loss_function(torch.sigmoid(DECODER(z)), x, mu, logvar)


INTO, OUT = torch.randn(14, 8, dtype=torch.float64), torch.randn(4, 14, dtype=torch.float64)


def no_layers(x):
    """Right: only an integer of the file says the width."""
    mu, logvar = (0.3 * x @ INTO).chunk(2, dim=1)
    z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
    return loss_function(torch.sigmoid(z @ OUT), x, mu, logvar)
