"""Losses of which one part has no formula in the dictionary, in NumPy: what is left has its own."""

import numpy as np


def _kl(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1)


def _looked_up(step):
    """A weight that no expression of the step gives."""
    return float(np.interp(step, [0, 700, 3000, 50000, 10**7], [0.0, 0.1, 0.35, 0.4, 1.0]))


def schedule_beside_means(recon, x, mu, logvar, step):
    return np.mean(np.sum((x - recon) ** 2, axis=1) + _looked_up(step) * _kl(mu, logvar))


def schedule_beside_a_sum(recon, x, mu, logvar, step=0):
    return np.mean((x - recon) ** 2) + _looked_up(step) * np.sum(_kl(mu, logvar))


def number_beside_a_sum(recon, x, mu, logvar, rows=1000):
    return np.mean((x - recon) ** 2) + _looked_up(rows) * np.sum(_kl(mu, logvar))


def power_of_the_distance(recon, x, mu, logvar):
    return np.sum(np.abs(x - recon) ** 1.5 + 0.2 * np.cos(x * recon)) / len(x) + 3 * np.mean(_kl(mu, logvar))


def largest_distance(recon, x, mu, logvar):
    return np.mean(np.max(np.abs(x - recon) ** 1.5, axis=1)) + 3 * np.mean(_kl(mu, logvar))


def another_divergence(recon, x, mu, logvar):
    return np.mean((x - recon) ** 2) + np.mean(np.sum(np.abs(mu) ** 1.5 + np.cosh(logvar), axis=1))


def _log_normaliser(p):
    """Of a continuous Bernoulli, as published: a Taylor series around 1/2."""
    apart = np.where(np.abs(p - 0.5) > 0.01, p, 0.49)
    exact = np.log(np.abs(2 * np.arctanh(1 - 2 * apart))) - np.log(np.abs(1 - 2 * apart))
    near = np.log(2) + 4 / 3 * (p - 0.5) ** 2 + 104 / 45 * (p - 0.5) ** 4
    return np.where(np.abs(p - 0.5) > 0.01, exact, near)


def continuous_bernoulli(p, x, mu, logvar):
    log_p = x * np.log(p) + (1 - x) * np.log(1 - p) + _log_normaliser(p)
    return np.mean(_kl(mu, logvar) - np.sum(log_p, axis=1))


def continuous_bernoulli_divided(p, x, mu, logvar):
    """The normaliser has the wrong sign."""
    log_p = x * np.log(p) + (1 - x) * np.log(1 - p) - _log_normaliser(p)
    return np.mean(_kl(mu, logvar) - np.sum(log_p, axis=1))
