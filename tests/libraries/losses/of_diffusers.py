"""diffusers as installed: the posterior of AutoencoderKL, in the loss of its training example (without LPIPS, GAN)."""

import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution


def loss(reconstructions, targets, moments, kl_scale=1e-6):
    """reconstructions, targets: [N, C, H, W]; moments: [N, 2c, h, w]"""
    posterior = DiagonalGaussianDistribution(moments)
    return F.mse_loss(reconstructions, targets, reduction="mean") + kl_scale * posterior.kl().mean()
