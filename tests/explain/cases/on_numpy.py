"""Losses as people write them in NumPy, some wrong."""

import math

import numpy as np


def plain(recon, x, mu, logvar):
    rec = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return rec + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def floor_per_example(recon, x, mu, logvar, tolerance=0.5):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1)
    return np.mean(np.sum((x - recon) ** 2, axis=1)) + np.mean(np.maximum(kl, tolerance * mu.shape[1]))


def half_on_the_constant_only(x_hat, x, mu, sigma):
    return np.sum((x - x_hat) ** 2) + np.sum(mu**2 + sigma**2 - np.log(sigma) - 0.5)


def one_for_all_latents(x_hat, x, mu, logvar):
    kl = 0.5 * (np.sum(mu**2 + np.exp(logvar) - logvar, axis=1) - 1)
    return np.sum(0.5 * np.sum((x - x_hat) ** 2, axis=1) + kl)


def variance_of_the_batch(x_hat, x, mu, logvar):
    rec = 0.5 * x.size * np.log(np.mean((x - x_hat) ** 2))
    return rec + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def raises(recon, x, mu, logvar):
    raise RuntimeError("not today")


def averaged_over_latents(recon, x, mu, logvar):
    rec = -np.mean(np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon), axis=1))
    return rec + 0.5 * np.mean(mu**2 + np.exp(logvar) - 1 - logvar)


def averaged_over_pixels(recon, x, mu, logvar, beta=0.1):
    return np.mean((x - recon) ** 2) + beta * np.mean(0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1))


def plain_on_logits(logits, x, mu, logvar):
    rec = np.mean(np.sum(np.logaddexp(0.0, logits) - x * logits, axis=1))
    return rec + np.mean(0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1))


def annealed(recon, x, mu, logvar, epoch, warm_up=200):
    rec = -np.mean(np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon), axis=1))
    return rec + min(1.0, epoch / warm_up) * np.mean(0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1))


def in_cycles(recon, x, mu, log_var, step, cycle=1000, peak=0.2):
    """A weight that rises in the first half of each cycle, and is 0 again at the start of the next."""
    weight = peak * min(1.0, (step % cycle) / (cycle / 2))
    return np.sum((recon - x) ** 2) + weight * 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var)


def _of_cycle(step, n_iter=10000, n_cycle=4, ratio=0.5):
    """A helper's weight, whose numbers are no arguments of the loss."""
    period = n_iter / n_cycle
    return min(1.0, (step % period) / (period * ratio))


def in_cycles_of_a_helper(recon, x, mu, log_var, step):
    kl = 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var)
    return (np.sum((recon - x) ** 2) + _of_cycle(step) * kl) / len(x)


def in_cycles_beside_a_mean(recon, x, mu, log_var, step):
    kl = 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var)
    return np.sum((recon - x) ** 2) / len(x) + _of_cycle(step) * kl


def prediction_for_target(recon, x, mu, logvar):
    bce = -np.sum(recon * np.log(x) + (1 - recon) * np.log(1 - x))
    return bce + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def prediction_first(x, y, mu, logvar):
    bce = -np.sum(y * np.log(x) + (1 - y) * np.log(1 - x))
    return bce + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def mean_for_log_variance(recon, x, mu, logvar):
    bce = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return bce + 0.5 * np.sum(logvar**2 + np.exp(mu) - 1 - mu)


def weight_of_no_known_form(recon, x, mu, logvar):
    bce = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return bce + np.sin(len(x)) * 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def normal_of_known_sd(recon, x, mu, logvar):
    log_px = -0.5 * ((x - recon) / 0.1) ** 2 - np.log(0.1) - 0.5 * np.log(2 * np.pi)
    return np.mean(0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, 1) - log_px.sum(1))


def normal_of_given_sd(recon, x, mu, logvar, sd=0.3, beta=4.0):
    log_px = -0.5 * (((x - recon) / sd) ** 2 + math.log(2 * math.pi) + 2 * math.log(sd))
    return np.sum(log_px) - beta * 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def half_log_variance(recon, x, mu, logvar, var=0.5):
    rec = 0.5 * ((x - recon) ** 2 / var + math.log(var))
    return np.mean(rec.sum(1) + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, 1))


def laplace_of_known_scale(recon, x, mu, logvar):
    rec = np.abs(x - recon) / 0.2 + np.log(2 * 0.2)
    return np.sum(rec) + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def constant_of_no_normal(recon, x, mu, logvar):
    rec = 0.5 * ((x - recon) / 0.1) ** 2 + 0.77
    return np.sum(rec) + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def constant_of_another_sd(recon, x, mu, logvar, sd=0.1):
    rec = 0.5 * ((x - recon) / sd) ** 2 + 0.5 * math.log(2 * math.pi)
    return np.sum(rec) + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def rises_as_a_sigmoid(recon, x, mu, logvar, step=0, k=0.25):
    weight = float(1 / (1 + math.exp(-k * (step - 25))))
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
    return -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon)) + weight * kl


def rises_as_a_cosine(recon, x, mu, logvar, step=0, period=500):
    weight = 0.5 * (1 - np.cos(2 * np.pi * (step % period) / period))
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
    return -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon)) + weight * kl


def rises_by_a_table(recon, x, mu, logvar, epoch=0):
    weight = [0.0, 0.1, 0.5, 1.0][min(epoch // 10, 3)]
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
    return -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon)) + weight * kl


def peak_times_a_ramp(recon, x, mu, logvar, epoch=10, warmup=50, peak=4.0):
    weight = peak * min(1.0, epoch / warmup)
    return np.sum((x - recon) ** 2) + weight * 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def half_forgotten_on_one(recon, recon_logvar, x, mu, logvar):
    nll = np.sum(recon_logvar + 0.5 * (x - recon) ** 2 / np.exp(recon_logvar), 1)
    return np.mean(nll + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, 1))


def exponential_forgotten(recon, x, mu, logvar):
    bce = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return bce - 0.5 * np.sum(1 + logvar - mu**2 - logvar)


def divergence_reversed(recon, x, mu, logvar):
    bce = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return bce + 0.5 * np.sum((1 + mu**2) / np.exp(logvar) - 1 + logvar)


def two_sigmoids(logits, x, mu, logvar):
    once = 1 / (1 + np.exp(-logits))
    bce = np.logaddexp(0, once) - x * once
    return bce.sum() + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def data_between_minus_one_and_one(logits, x, mu, logvar):
    bce = np.logaddexp(0, logits) - (x + 1) / 2 * logits
    return bce.sum() + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def root_of_the_squares(recon, x, mu, logvar):
    rec = np.sqrt(((x - recon) ** 2).sum(1)).mean()
    return rec + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, 1).mean()


def number_of_steps_for_latents(recon, x, mus, sigmas):
    steps = zip(mus, sigmas, strict=True)
    kl = sum(0.5 * np.sum(mu**2 + sigma**2 - 2 * np.log(sigma), axis=1) - 0.5 * len(mus) for mu, sigma in steps)
    return 0.5 * np.sum((x - recon) ** 2) + np.sum(kl)


def _from(mean, logvar, other_mean, other_logvar):
    return 0.5 * np.sum(
        other_logvar - logvar + (np.exp(logvar) + (mean - other_mean) ** 2) / np.exp(other_logvar) - 1, axis=-1
    )


def of_a_learned_prior(y, y_hat, mu, logvar, prior_mean, prior_logvar):
    return np.mean(0.5 * np.sum((y - y_hat) ** 2, axis=-1) + _from(mu, logvar, prior_mean, prior_logvar))


def of_the_posterior_from_a_learned_prior(y, y_hat, mu, logvar, prior_mean, prior_logvar):
    return np.mean(0.5 * np.sum((y - y_hat) ** 2, axis=-1) + _from(prior_mean, prior_logvar, mu, logvar))


ROWS = 128


def divided_by_sizes_of_the_file(recon, x, mu, logvar):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / (ROWS * 784)
    return np.sum((x - recon) ** 2) + kl


def divided_by_a_size_once(recon, x, mu, logvar):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / (ROWS * 784)
    return np.mean(np.sum((x - recon) ** 2, axis=1)) + kl
