"""Modules as people write them for Lightning, which is not needed: their training step takes a batch and its place."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn


class Module(nn.Module):
    """What the steps use of Lightning's own."""

    def __init__(self):
        super().__init__()
        self.logged = {}

    def save_hyperparameters(self):
        self.hparams = {"saved": True}

    def log(self, name, value, prog_bar=False):
        self.logged[name] = value

    def log_dict(self, values):
        self.logged.update(values)


class VAE(Module):
    """Right: its batch is the data."""

    def __init__(self, width=11, latent=3, kl_weight=0.5):
        super().__init__()
        self.save_hyperparameters()
        self.encoder, self.decoder = nn.Linear(width, 2 * latent), nn.Linear(latent, width)
        self.kl_weight = kl_weight

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        return torch.sigmoid(self.decoder(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar))), mu, logvar

    def terms(self, x):
        recon, mu, logvar = self(x)
        bce = F.binary_cross_entropy(recon, x, reduction="none").sum(1).mean()
        return bce, -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()

    def training_step(self, batch, batch_idx):
        bce, kl = self.terms(batch)
        loss = bce + self.kl_weight * kl
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())


class Labelled(VAE):
    """Right: its batch is a pair, and it returns a dict."""

    def training_step(self, batch, batch_idx, optimizer_idx=0):
        x, y = batch
        bce, kl = self.terms(x.view(x.size(0), -1))
        self.log_dict({"bce": bce, "kl": kl, "ones": y.eq(1).float().mean()})
        return {"loss": bce + self.kl_weight * kl, "kl": kl.detach()}


class OfOne(VAE):
    """Right: its batch is a list of one."""

    def training_step(self, batch):
        (x,) = batch
        bce, kl = self.terms(x)
        return bce + self.kl_weight * kl


class Keyed(VAE):
    """Right: its batch has a name."""

    def training_step(self, batch, batch_idx):
        return super().training_step(batch["image"], batch_idx)


class Rewarded(Labelled):
    """Wrong: the KL is subtracted."""

    def training_step(self, batch, batch_idx):
        bce, kl = self.terms(batch[0])
        return bce - self.kl_weight * kl


class Halved(Labelled):
    """Wrong: the KL lacks its half."""

    def terms(self, x):
        recon, mu, logvar = self(x)
        bce = F.binary_cross_entropy(recon, x, reduction="none").sum(1).mean()
        return bce, (0.5 * (mu**2 + logvar.exp() - 1) - logvar).sum(1).mean()
