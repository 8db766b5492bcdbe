"""Losses of libraries that are not installed here, their formulas written anew."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch.distributions import NegativeBinomial, Normal, kl_divergence


def antixk(recons, input, mu, log_var, kld_weight=0.00025):
    """AntixK/PyTorch-VAE, models/vanilla_vae.py; its configuration has this weight."""
    kld = torch.mean(-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1), dim=0)
    return F.mse_loss(recons, input) + kld_weight * kld


def scvi(px_rate, x, px_r, qz_m, qz_v, kl_weight=1.0):
    """scvi-tools 1.4, VAE.loss, with a negative binomial likelihood of mean `px_rate` and dispersion `px_r`."""
    px = NegativeBinomial(total_count=px_r, logits=px_rate.log() - px_r.log())
    kl = kl_divergence(Normal(qz_m, qz_v.sqrt()), Normal(0.0, 1.0)).sum(dim=-1)
    return torch.mean(-px.log_prob(x).sum(-1) + kl_weight * kl)
