"""Losses of densities that the caller has computed, in NumPy."""

import numpy as np


def bound(log_px_z, log_pz, log_qz_x, beta=1.0):
    return np.mean(log_px_z + beta * (log_pz - log_qz_x))


def summed(logpx, logprior, logq):
    return -np.sum(logpx + logprior - logq)


def of_each_latent(log_px, log_pz, log_q):
    return -np.mean(np.sum(log_px, axis=-1) + np.sum(log_pz, axis=-1) - np.sum(log_q, axis=-1))


def beside_a_reconstruction(recon, x, log_p_z, log_q_z_given_x):
    return np.sum((recon - x) ** 2) + np.sum(log_q_z_given_x - log_p_z)


def beside_moments(log_likelihood, mu, logvar):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1)
    return np.mean(kl - log_likelihood)


def of_a_joint_density(log_pxz, log_q):
    return np.mean(log_q - log_pxz)


def entropy_weighted(log_joint, log_q, beta=0.3):
    return np.mean(beta * log_q - log_joint)


def mean_of_draws(log_px, log_pz, log_q):
    return -np.sum(np.mean(log_px + log_pz - log_q, axis=1))


def _log_mean_exp(log_w, axis):
    top = np.max(log_w, axis=axis, keepdims=True)
    return np.log(np.mean(np.exp(log_w - top), axis=axis)) + np.squeeze(top, axis=axis)


def weights_of_draws(log_p_x, log_p_z, log_q_z):
    return -np.mean(_log_mean_exp(log_p_x + log_p_z - log_q_z, 0))


def weights_of_draws_after(log_p_x, log_p_z, log_q_z):
    return np.sum(_log_mean_exp(log_p_x + log_p_z - log_q_z, 1))


def weights_of_a_wrong_sign(log_p_x, log_p_z, log_q_z):
    return -np.mean(_log_mean_exp(log_p_x - log_p_z - log_q_z, 0))


def wrong_sign(log_px_z, log_pz, log_qz_x):
    return -np.mean(log_px_z + log_pz + log_qz_x)


def wrong_sign_of_the_kl(log_px_z, log_pz, log_qz_x):
    return -np.mean(log_px_z - log_pz + log_qz_x)


def without_a_prior(log_px_z, log_pz, log_qz_x):
    return -np.mean(log_px_z - log_qz_x)


def without_data(log_px_z, log_pz, log_qz_x):
    return np.mean(log_qz_x - log_pz)


def reduced_differently(log_px, log_pz, log_q):
    return np.mean(log_q - log_pz) - np.sum(log_px)


def two_posteriors(log_px, log_pz, log_q, log_qz):
    return np.mean(log_q + log_qz - log_px - log_pz)


def log_probabilities_of_classes(log_px, x, mu, logvar):
    """One-hot data beside log-probabilities: a value for each class."""
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1)
    return np.mean(kl - np.sum(x * log_px, axis=1))
