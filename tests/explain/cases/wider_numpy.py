"""Losses with a flow, a VampPrior, learned weights of the terms or several draws, in NumPy."""

import numpy as np


def _squares(recon, x):
    return np.sum((recon - x) ** 2, axis=-1)


def _kl(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=-1)


def _log_normal(z, mu, logvar):
    return -0.5 * (np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar))


def flow(recon, x, mu, logvar, z_0, z_k, log_det_jacobian, beta=1.0):
    log_q = np.sum(_log_normal(z_0, mu, logvar), axis=1) - log_det_jacobian
    return np.mean(_squares(recon, x) + beta * (log_q - np.sum(_log_normal(z_k, 0 * z_k, 0 * z_k), axis=1)))


def flow_of_no_volume(recon, x, mu, logvar, z0, zk):
    log_q = np.sum(_log_normal(z0, mu, logvar), axis=1)
    return np.mean(_squares(recon, x) + log_q - np.sum(_log_normal(zk, 0 * zk, 0 * zk), axis=1))


def determinant_added(recon, x, mu, logvar, z0, zk, ldj):
    log_q = np.sum(_log_normal(z0, mu, logvar), axis=1) + ldj
    return np.mean(_squares(recon, x) + log_q - np.sum(_log_normal(zk, 0 * zk, 0 * zk), axis=1))


def determinant_left_out(recon, x, mu, logvar, z0, zk, ldj):
    log_q = np.sum(_log_normal(z0, mu, logvar), axis=1)
    return np.mean(_squares(recon, x) + log_q - np.sum(_log_normal(zk, 0 * zk, 0 * zk), axis=1))


def _log_mixture(z, mean, logvar):
    each = np.sum(_log_normal(z[:, None], mean[None], logvar[None]), axis=2)
    top = np.max(each, axis=1, keepdims=True)
    return np.log(np.mean(np.exp(each - top), axis=1)) + top[:, 0]


def vamp_prior(x_mean, x, z_q, z_q_mean, z_q_logvar, z_p_mean, z_p_logvar, beta=1.0):
    """The prior is the mean of the posteriors of pseudo-inputs."""
    kl = np.sum(_log_normal(z_q, z_q_mean, z_q_logvar), axis=1) - _log_mixture(z_q, z_p_mean, z_p_logvar)
    return np.mean(_squares(x_mean, x) + beta * kl)


def vamp_prior_added(x_mean, x, z_q, z_q_mean, z_q_logvar, z_p_mean, z_p_logvar):
    kl = np.sum(_log_normal(z_q, z_q_mean, z_q_logvar), axis=1) + _log_mixture(z_q, z_p_mean, z_p_logvar)
    return np.mean(_squares(x_mean, x) + kl)


def learned_weights(recon, x, mu, logvar, s_rec, s_kl):
    """Two learned weights, each with its regulariser."""
    return np.exp(-s_rec) * np.mean(_squares(recon, x)) + s_rec + np.exp(-s_kl) * np.mean(_kl(mu, logvar)) + s_kl


def learned_weights_beside_a_sum(recon, x, mu, logvar, s_rec, s_kl):
    return np.exp(-s_rec) * np.sum(_squares(recon, x)) + s_rec + np.exp(-s_kl) * np.mean(_kl(mu, logvar)) + s_kl


def weights_without_a_default(recon, x, mu, logvar, recon_weight, kl_weight):
    return recon_weight * np.mean(_squares(recon, x)) + kl_weight * np.mean(_kl(mu, logvar))


def weight_of_positive_pixels(logits, x, mu, logvar, pos_weight):
    bce = np.logaddexp(0, -logits) * pos_weight * x + np.logaddexp(0, logits) * (1 - x)
    return np.mean(np.sum(bce, axis=1) + _kl(mu, logvar))


def draws_after_the_batch(recons, x, mu, log_var):
    rec = np.sum((recons - np.broadcast_to(x[:, None], recons.shape)) ** 2, axis=-1)
    return np.mean(np.mean(rec, axis=1) + np.sum(_kl(mu, log_var)[:, None], axis=1))


def moments_of_each_draw(recons, x, mu, log_var):
    rec = np.sum((recons - np.broadcast_to(x[:, None], recons.shape)) ** 2, axis=2)
    return np.mean(np.mean(rec + 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=2), axis=1))


def weighted_by_their_own_softmax(recons, x, mu, log_var):
    rec = np.sum((recons - np.broadcast_to(x[:, None], recons.shape)) ** 2, axis=2)
    each = rec + 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=2)
    share = np.exp(each - np.max(each, axis=1, keepdims=True))
    return np.mean(np.sum(share / np.sum(share, axis=1, keepdims=True) * each, axis=1))
