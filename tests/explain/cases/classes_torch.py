"""Losses in torch: of class data, and with arguments that are numbers but must be tensors."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch.distributions import MultivariateNormal, kl_divergence


def _kl(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1)


def pixels_of_many_values(logits, x, mu, logvar):
    """logits: [N, K, H, W]; x: [N, H, W], integers."""
    rec = F.cross_entropy(logits, x, reduction="none").sum((1, 2))
    return (rec + _kl(mu, logvar)).mean()


def words(logp, target, mean, logv):
    nll = F.nll_loss(logp.reshape(-1, logp.size(2)), target.reshape(-1).long(), ignore_index=0, reduction="sum")
    return (nll + _kl(mean, logv).sum()) / len(target)


def words_averaged(logits, target, mean, logv):
    nll = F.cross_entropy(logits.transpose(1, 2), target)
    return nll + _kl(mean, logv).mean()


def words_by_their_number(logits, target, mu, logvar, num_tokens):
    """Tokens and logits are flattened, which a vector of one class each survives."""
    rec = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="sum")
    return (rec + _kl(mu, logvar).sum()) / num_tokens


def words_summed_beside_a_mean(logits, target, mean, logv):
    nll = F.cross_entropy(logits.transpose(1, 2), target, reduction="sum")
    return nll + _kl(mean, logv).mean()


def softmax_twice(logits, x, mu, logvar):
    """logits: [N, K, D]; x: [N, D]."""
    rec = F.cross_entropy(logits.softmax(1), x, reduction="none").sum(1)
    return (rec + _kl(mu, logvar)).mean()


def cholesky_factor(x_hat, x, mu, scale_tril):
    prior = MultivariateNormal(torch.zeros_like(mu), torch.eye(mu.shape[1], dtype=mu.dtype))
    kl = kl_divergence(MultivariateNormal(mu, scale_tril=scale_tril), prior)
    return (0.5 * ((x - x_hat) ** 2).sum(1) + kl).mean()


def full_covariance(x_hat, x, mu, covariance):
    prior = MultivariateNormal(torch.zeros_like(mu), torch.eye(mu.shape[1], dtype=mu.dtype))
    kl = kl_divergence(MultivariateNormal(mu, covariance), prior)
    return (0.5 * ((x - x_hat) ** 2).sum(1) + kl).mean()


def weights_of_pixels(preds, labels, mu, logvar, pos_weight, norm):
    rec = norm * F.binary_cross_entropy_with_logits(preds, labels, pos_weight=pos_weight, reduction="sum")
    return rec + _kl(mu, logvar).sum()


def weight_as_an_exponent(x_hat, x, mu, logvar, log_beta):
    return ((x - x_hat) ** 2).sum() + torch.exp(log_beta) * _kl(mu, logvar).sum()


def weight_as_an_exponent_beside_a_mean(x_hat, x, mu, logvar, log_beta):
    return ((x - x_hat) ** 2).sum() + torch.exp(log_beta) * _kl(mu, logvar).mean()
