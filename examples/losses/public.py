"""Losses of public reports, each written anew for torch from its description: what it is about, and no more.

`elbostone explain examples/losses/public.py:world_models_8` explains one; the page of a run shows all of them.
"""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn
from torch.distributions import Normal, kl_divergence


def keras_4538(reconstruction, x, z_mean, z_log_var, original_dim=784):
    """The entropy's mean over the pixels is multiplied by their number; is the loss wrong?"""
    entropy = original_dim * F.binary_cross_entropy(reconstruction, x, reduction="none").mean(dim=-1)
    kl = -0.5 * torch.sum(1 + z_log_var - z_mean.square() - z_log_var.exp(), dim=-1)
    return torch.mean(entropy + kl)


def keras_io_270(reconstruction, x, z_mean, z_log_var):
    """The KL is averaged over the latents, the entropy is summed over the pixels."""
    entropy = F.binary_cross_entropy(reconstruction, x, reduction="none").sum(dim=-1).mean()
    kl = -0.5 * torch.mean(1 + z_log_var - z_mean.square() - z_log_var.exp())
    return entropy + kl


def pytorch_examples_234(recon_x, x, mu, logvar, batch_size=128):
    """The KL is divided by the batch size of the command line, but the last batch has fewer images."""
    entropy = F.binary_cross_entropy(recon_x, x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return entropy + kl / (batch_size * 784)


def pytorch_vae_40(recons, images, mu, log_var, kld_weight=0.00025):
    """What does a weight of 0.00025 mean beside a mean over the pixels?"""
    kl = -0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1)
    return F.mse_loss(recons, images) + kld_weight * kl.mean()


def deepchem_4888(reconstruction, x, mu, logvar):
    """An argument that is called a log variance, and is read as a standard deviation."""
    entropy = F.binary_cross_entropy(reconstruction, x, reduction="none").sum(dim=-1)
    kl = 0.5 * torch.sum(mu.square() + logvar.square() - torch.log(1e-20 + logvar.square()) - 1, dim=-1)
    return torch.mean(entropy + kl)


def benchmark_vae_104(recon_x, x, mu, log_var):
    """A squared error without the ½ of a Gaussian's logarithm."""
    error = F.mse_loss(recon_x, x, reduction="none").sum(dim=-1)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=-1)
    return (error + kl).mean()


def world_models_8(recon, x, mu, logvar, kl_tolerance=0.5, z_size=32):
    """Why does the KL not go below 16? It has a floor."""
    error = torch.sum((x - recon).square(), dim=-1).mean()
    kl = -0.5 * torch.sum(1 + logvar - mu.square() - logvar.exp(), dim=-1)
    return error + torch.clamp(kl, min=kl_tolerance * z_size).mean()


class Pyro1852(nn.Module):
    """Two libraries are compared, and one of them draws z without a gradient."""

    def __init__(self, n_pixels=12, n_latent=3, n_hidden=8):
        super().__init__()
        self.encoder = nn.Linear(n_pixels, n_hidden)
        self.loc, self.log_scale = nn.Linear(n_hidden, n_latent), nn.Linear(n_hidden, n_latent)
        self.decoder = nn.Sequential(nn.Linear(n_latent, n_hidden), nn.Softplus(), nn.Linear(n_hidden, n_pixels))

    def loss(self, x):
        h = F.softplus(self.encoder(x))
        q = Normal(self.loc(h), self.log_scale(h).exp())
        z = q.sample()
        entropy = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        prior = Normal(torch.zeros_like(q.loc), torch.ones_like(q.scale))
        return entropy + kl_divergence(q, prior).sum()
