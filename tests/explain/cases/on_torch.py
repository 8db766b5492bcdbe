"""Losses as people write them in torch, some wrong. `facts.py` has what each computes."""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence


def digits(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def weighted_means(reconstruction, inputs, z_mean, z_logvar, kld_weight=0.00025):
    recons = F.mse_loss(reconstruction, inputs)
    kld = torch.mean(-0.5 * torch.sum(1 + z_logvar - z_mean**2 - z_logvar.exp(), dim=1), dim=0)
    return {"loss": recons + kld_weight * kld, "Reconstruction": recons.detach(), "KLD": -kld.detach()}


def free_bits(logits, x, mu, log_std, free=0.25):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1).mean()
    kl = (0.5 * (mu**2 + torch.exp(2 * log_std) - 1) - log_std).mean(0)
    return rec + torch.clamp(kl, min=free).sum()


def capacity(x_hat, x, mu, logvar, gamma=30.0, c=5.0):
    rec = 0.5 * (x_hat - x).pow(2).sum(1).mean()
    kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1).mean()
    return rec + gamma * (kl - c).abs()


def warmed_up(logits, x, mu, var, step, warmup=2000, beta_max=0.8):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = 0.5 * (mu**2 + var - 1 - var.log()).sum() / len(x)
    return rec + beta_max * min(1.0, step / warmup) * kl


def ramp_without_end(logits, x, mu, logvar, epoch, rate=0.02):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return rec + rate * epoch * 0.5 * torch.sum(mu**2 + logvar.exp() - 1 - logvar)


def sign_of_the_log(p, x, mu, logvar):
    return F.binary_cross_entropy(p, x, reduction="sum") + 0.5 * torch.sum(mu**2 + logvar.exp() - 1 + logvar)


def sd_squared_twice(x_hat, x, mu, std):
    return ((x - x_hat) ** 2).sum() + 0.5 * (mu**2 + std**4 - 1 - 2 * std.log()).sum()


def batch_divided_once(x_hat, x, mu, logvar):
    rec = F.l1_loss(x_hat, x, reduction="sum")
    return rec - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()


def masked_rightly(pred, target, mu, logvar, mask):
    """pred, target: [N, S, A]; mask: [N, S], 1 where observed."""
    keep = mask.unsqueeze(-1).to(target.dtype).expand_as(target)
    rec = (F.mse_loss(pred, target, reduction="none") * keep).sum() / keep.sum()
    return rec + 1e-3 * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1).mean()


def masked_mean(pred, target, mu, logvar, mask):
    """pred, target: [N, S, A]; mask: [N, S], 1 where observed."""
    rec = ((pred - target) ** 2 * mask.unsqueeze(-1)).mean()
    return rec + 1e-3 * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1).mean()


def learned_scale(x_mean, x_logvar, x, mu, logvar):
    log_px = Normal(x_mean, torch.exp(0.5 * x_logvar)).log_prob(x).sum(1)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    return (kl - log_px).mean()


def sampled_elbo(logits, x, z, mu, sigma):
    log_px = Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1)
    log_pz = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(-1)
    return (log_px + log_pz - Normal(mu, sigma).log_prob(z).sum(-1)).mean()


def prior_that_learns(logits, x, mu, std, prior_mu, prior_std):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return rec + kl_divergence(Normal(mu, std), Normal(prior_mu, prior_std)).sum()


def detached_mean(logits, x, mu, logvar):
    mu = mu.detach()
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return rec + 0.5 * torch.sum(mu**2 + logvar.exp() - 1 - logvar)


def log_variance_detached(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return rec + 0.5 * torch.sum(mu**2 + logvar.exp() - 1 - logvar.detach())


def half_of_moments_detached(logits, x, h):
    mu, logvar = h.chunk(2, dim=1)
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return rec + 0.5 * torch.sum(mu**2 + logvar.detach().exp() - 1 - logvar)


def balanced_kl(logits, x, mu, logvar, prior_mu, prior_logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")

    def kl(m, lv, pm, plv):
        return 0.5 * torch.sum(plv - lv + (lv.exp() + (m - pm) ** 2) / plv.exp() - 1)

    to_prior = kl(mu.detach(), logvar.detach(), prior_mu, prior_logvar)
    return rec + 0.8 * to_prior + 0.2 * kl(mu, logvar, prior_mu.detach(), prior_logvar.detach())


def prior_mean_detached(logits, x, mu, logvar, prior_mu, prior_logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    spread = (logvar.exp() + (mu - prior_mu.detach()) ** 2) / prior_logvar.exp()
    return rec + 0.5 * torch.sum(prior_logvar - logvar + spread - 1)


def weight_adapts(recon, x, mu, logvar):
    rec = ((x - recon) ** 2).sum(1).mean()
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
    return rec + kl * (rec / kl).detach()


def counts(rate, x, mu, logvar):
    rec = F.poisson_nll_loss(rate, x, log_input=False, full=False, eps=1e-8, reduction="sum")
    return rec + 0.5 * torch.sum(mu**2 + logvar.exp() - 1 - logvar)


class HuberVAELoss(nn.Module):
    def __init__(self, beta=1.0, delta=0.5):
        super().__init__()
        self.beta, self.delta = beta, delta

    def forward(self, output, target, mean, log_var):
        rec = F.huber_loss(output, target, delta=self.delta, reduction="none").flatten(1).sum(1)
        kl = -0.5 * torch.sum(1 + log_var - mean**2 - log_var.exp(), dim=1)
        return torch.mean(rec + self.beta * kl)


def importance_weighted(logits, x, z, mu, logvar):
    """logits: [k, N, D]; x: [N, D]; z: [k, N, J]; mu, logvar: [N, J]."""
    log_px = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
    log_ratio = -0.5 * (z**2 - logvar - (z - mu) ** 2 / logvar.exp()).sum(-1)
    return -(torch.logsumexp(log_px + log_ratio, 0) - torch.log(torch.tensor(float(len(z))))).mean()


def rare_pixels(logits, x, mu, logvar):
    weight = torch.full_like(x, 2.0)
    rec = F.binary_cross_entropy_with_logits(logits, x, pos_weight=weight, reduction="none").sum(1).mean()
    return rec + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()


def wider_prior(logits, x, mu, std):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    prior = Normal(torch.zeros_like(mu), torch.full_like(std, 2.0**0.5))
    return rec + kl_divergence(Normal(mu, std), prior).sum()


def sticks_the_landing(logits, x, z, mu, logvar):
    log_px = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    mu, logvar = mu.detach(), logvar.detach()
    log_q = -0.5 * (logvar + (z - mu) ** 2 / logvar.exp()).sum(1)
    return -(log_px - 0.5 * (z**2).sum(1) - log_q).mean()


def drawn_inside(logits, x, mu, logvar):
    noise = torch.randn_like(mu)
    return F.binary_cross_entropy_with_logits(logits, x) + (mu + noise).pow(2).mean() + logvar.mean()


def _kernels(one, other):
    return torch.exp(-(one.unsqueeze(1) - other.unsqueeze(0)).pow(2).mean(2)).mean()


def prior_drawn_inside(recon, x, z, weight=10.0):
    """The maximum mean discrepancy of z from the prior, of which as many values are drawn."""
    prior = torch.randn_like(z)
    return F.mse_loss(recon, x) + weight * (_kernels(prior, prior) + _kernels(z, z) - 2 * _kernels(prior, z))


def weight_drawn_inside(logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce - 0.5 * torch.rand(()) * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def noise_beside_a_sum(logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x) + torch.randn(())


def kl_alone(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1).mean()


def capacity_that_rises(recon, x, mu, logvar, num_iter=2000, c_max=18.0, stop_iter=40000, gamma=10.0):
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    target = min(c_max * num_iter / stop_iter, c_max)
    return F.mse_loss(recon, x, reduction="sum") / len(x) + gamma * (kl - target).abs()


def log_sigma_of_the_decoder(x_hat, x, mu, logvar, log_sigma):
    log_px = -0.5 * ((x - x_hat) / log_sigma.exp()) ** 2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return -log_px.sum() - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())


def beside_a_term_of_the_caller(recon, x, vq_loss):
    return F.mse_loss(recon, x) + vq_loss


def of_series(recon, x, mu, logvar, beta=2.0):
    rec = ((recon - x) ** 2).sum(dim=(1, 2)).mean()
    return rec - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(-1).mean()


def of_one_width(recon_x, x, mu, logvar):
    """Right: a mean over 36 pixels, and no other number of them goes through."""
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 36))
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / (len(mu) * 36)


def weight_balances(recon, x, mu, logvar):
    """The KL has a tenth of the data term's value, whatever its own is; only its gradient trains the posterior."""
    rec = F.mse_loss(recon, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return rec + 0.1 * rec.detach() / kl.detach() * kl


class OfSeries:
    def __call__(self, recon, x, mu, logvar):
        rec = F.mse_loss(recon, x, reduction="none").sum(dim=(1, 2)).mean()
        return rec - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
