"""Whole models of sequences in torch, whose lengths and widths are easily confused."""

import torch
from torch import nn


class Recurrent(nn.Module):
    """Right: a mean over steps and features, of any length, or of `length` alone."""

    def __init__(self, features=1, hidden=6, latent=3, length=0):
        super().__init__()
        self.encoder, self.decoder = (
            nn.LSTM(features, hidden, batch_first=True),
            nn.LSTM(latent, hidden, batch_first=True),
        )
        self.heads, self.out, self.length = nn.Linear(hidden, 2 * latent), nn.Linear(hidden, features), length

    def decode(self, z, steps):
        return self.out(self.decoder(z.unsqueeze(1).repeat(1, self.length or steps, 1))[0])

    def loss(self, x):
        mu, logvar = self.heads(self.encoder(x)[1][0][-1]).chunk(2, dim=-1)
        recon = self.decode(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar), x.shape[1])
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(-1)
        return ((recon - x) ** 2).mean() + self.reduced(kl)

    def reduced(self, kl):
        return kl.mean()


class OverBatch(Recurrent):
    """Wrong: the KL is a sum over the batch, and the rest a mean."""

    def reduced(self, kl):
        return kl.sum()
