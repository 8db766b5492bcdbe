"""Losses in NumPy with one term that has no formula in the dictionary; the other term has one."""

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


def variance_of_each_example(x_hat, x, mu, logvar):
    return np.mean(0.5 * x.shape[1] * np.log(np.mean((x - x_hat) ** 2, axis=1)) + _kl(mu, logvar))


def logarithm_without_its_size(x_hat, x, mu, logvar):
    return np.mean(0.5 * np.log(np.mean((x - x_hat) ** 2, axis=1)) + _kl(mu, logvar))


def entropy_of_the_data_subtracted(logits, x, mu, logvar, beta=1.0):
    entropy = -x * np.log(x) - (1 - x) * np.log(1 - x)
    cross = np.logaddexp(0.0, logits) - x * logits
    return np.mean(np.sum(cross - entropy, axis=1) + beta * _kl(mu, logvar))


def entropy_of_the_data_beside_a_sum(logits, x, mu, logvar):
    cross = np.logaddexp(0.0, logits) - x * logits + x * np.log(x) + (1 - x) * np.log(1 - x)
    return np.sum(cross) + np.mean(_kl(mu, logvar))


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def mass_of_256_values(x_mean, x_log_scale, x, mu, logvar):
    distance = (np.floor(x * 256) / 256 - x_mean) / np.exp(x_log_scale)
    mass = _logistic(distance + 1 / 256 / np.exp(x_log_scale)) - _logistic(distance)
    return np.mean(_kl(mu, logvar) - np.sum(np.log(mass + 1e-7), axis=1))


def mass_of_a_scale_read_twice(x_mean, x_log_scale, x, mu, logvar):
    """The distance is divided by the scale, and the interval is not."""
    distance = (np.floor(x * 256) / 256 - x_mean) / np.exp(x_log_scale)
    return np.mean(_kl(mu, logvar) - np.sum(np.log(_logistic(distance + 1 / 256) - _logistic(distance)), axis=1))


def one_hot_logits(logits, x, mu, logvar):
    """logits, x: [N, S, A]; A are the classes."""
    log_p = logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
    return np.mean(_kl(mu, logvar) - np.sum(x * log_p, axis=(1, 2)))


def one_hot_log_probabilities(log_probs, x, mu, logvar):
    return np.mean(_kl(mu, logvar) - np.sum(x * log_probs, axis=1))


def logits_without_softplus(logits, x, mu, logvar):
    """A Bernoulli's cross entropy without its normaliser."""
    return np.mean(_kl(mu, logvar) - np.sum(x * logits, axis=1))


def covariance(x_hat, x, mu, cov):
    """cov: [N, J, J]."""
    trace = np.trace(cov, axis1=1, axis2=2)
    kl = 0.5 * (trace + np.sum(mu**2, axis=1) - mu.shape[1] - np.linalg.slogdet(cov)[1])
    return np.sum(0.5 * np.sum((x - x_hat) ** 2, axis=1) + kl)


def determinant_of_the_factor(x_hat, x, mu, chol):
    """chol: [N, J, J], whose determinant is the root of the covariance's."""
    trace = np.sum(chol**2, axis=(1, 2))
    kl = 0.5 * (trace + np.sum(mu**2, axis=1) - mu.shape[1] - np.linalg.slogdet(chol)[1])
    return np.sum(0.5 * np.sum((x - x_hat) ** 2, axis=1) + kl)


def sd_not_squared(x_hat, x, mu, sigma):
    return 0.5 * np.sum((x - x_hat) ** 2) + 0.5 * np.sum(mu**2 + sigma - 1 - 2 * np.log(sigma))


def var_with_twice_its_log(x_hat, x, mu, var):
    return 0.5 * np.sum((x - x_hat) ** 2) + 0.5 * np.sum(mu**2 + var - 1 - 2 * np.log(var))


def unit_normaliser_without_the_half(x_hat, x, mu, logvar):
    log_p = -np.sum((x - x_hat) ** 2, axis=1) - x.shape[1] / 2 * np.log(2 * np.pi)
    return np.mean(_kl(mu, logvar) - log_p)


def unit_normaliser(x_hat, x, mu, logvar):
    log_p = -0.5 * np.sum((x - x_hat) ** 2, axis=1) - x.shape[1] / 2 * np.log(2 * np.pi)
    return np.mean(_kl(mu, logvar) - log_p)


def _normal(z, mu, sd):
    return np.sum(-0.5 * ((z - mu) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi), axis=-1)


def _of_draws(log_w):
    largest = log_w.max(axis=0)
    return largest + np.log(np.mean(np.exp(log_w - largest), axis=0))


def bound_of_draws(logits, x, z, mu, sd):
    """logits: [k, N, D]; x: [N, D]; z: [k, N, J]; mu, sd: [N, J]."""
    log_px = np.sum(x * logits - np.logaddexp(0.0, logits), axis=-1)
    return np.sum(_of_draws(log_px + _normal(z, 0.0, 1.0) - _normal(z, mu, sd)))


def mean_over_draws(logits, x, z, mu, sd):
    """logits: [k, N, D]; x: [N, D]; z: [k, N, J]; mu, sd: [N, J]."""
    log_px = np.sum(x * logits - np.logaddexp(0.0, logits), axis=-1)
    return np.sum(np.mean(log_px + _normal(z, 0.0, 1.0) - _normal(z, mu, sd), axis=0))


def bound_of_draws_without_root(logits, x, z, mu, sd):
    """logits: [k, N, D]; x: [N, D]; z: [k, N, J]; mu, sd: [N, J]. The posterior's density has the variance's square."""
    log_px = np.sum(x * logits - np.logaddexp(0.0, logits), axis=-1)
    return np.sum(_of_draws(log_px + _normal(z, 0.0, 1.0) - _normal(z, mu, sd**4)))


def bound_of_likelihoods(logits, x, mu, logvar):
    """logits: [k, N, D]; x: [N, D]; mu, logvar: [N, J]. An analytic KL stands beside the logarithm of a mean."""
    log_px = np.sum(x * logits - np.logaddexp(0.0, logits), axis=-1)
    return np.sum(_kl(mu, logvar) - _of_draws(log_px))


def sharp_log_cosh(recon, x, mu, logvar, alpha=8.0):
    t = alpha * (recon - x)
    return np.sum(np.logaddexp(t, -t) - np.log(2)) / alpha + np.sum(_kl(mu, logvar))


def sharp_log_of_cosh_without_its_half(recon, x, mu, logvar, alpha=8.0):
    """log(1 + exp(-2|t|)) lacks its factor 2."""
    t = np.abs(alpha * (recon - x))
    return np.sum(t + np.log1p(np.exp(-t)) - np.log(2)) / alpha + np.sum(_kl(mu, logvar))


def covariance_of_the_means(recon, x, mu, logvar, weight=5.0):
    """The aggregated posterior's covariance is drawn to 1."""
    centred = mu - mu.mean(axis=0)
    off = centred.T @ centred / len(mu) + np.diag(np.exp(logvar).mean(axis=0)) - np.eye(mu.shape[1])
    return np.sum((x - recon) ** 2) + np.sum(_kl(mu, logvar)) + weight * np.sum(off**2)


def noise_of_a_generator(recon, x, mu, logvar, rng):
    return np.sum((x - recon) ** 2) + np.sum(_kl(mu, logvar)) + rng.normal()


def noise_of_a_generator_beside_a_mean(recon, x, mu, logvar, rng):
    return np.sum((x - recon) ** 2) + np.mean(_kl(mu, logvar)) + rng.normal()
