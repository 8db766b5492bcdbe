"""Losses by how they take their arguments, masks and layers, and KLs with a wrong part, in NumPy; some are wrong."""

import math

import numpy as np


def _kl(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=-1)


def from_a_dictionary(outputs, batch, args):
    rec = np.sum((batch["image"] - outputs["recon"]) ** 2, axis=1)
    return np.mean(rec + args.beta * _kl(outputs["mu"], outputs["logvar"]))


def from_attributes(outputs, x):
    kl = 0.5 * (outputs.mean**2 + outputs.variance - 1 - np.log(outputs.variance))
    return np.sum((x - outputs.recon) ** 2) + np.sum(kl)


def from_attributes_without_log(outputs, x):
    kl = 0.5 * (outputs.mean**2 + outputs.variance - 1 - outputs.variance)
    return np.sum((x - outputs.recon) ** 2) + np.sum(kl)


def from_places(outputs, x):
    recon, mu = outputs[0], outputs[1]
    logvar = outputs[2]
    return np.mean(np.sum((x - recon) ** 2, axis=1) + _kl(mu, logvar))


class Trainer:
    """A loss of everything that the network returns."""

    def loss(self, *args, **kwargs):
        recons, x, mu, logvar = args[0], args[1], args[2], args[3]
        return np.mean(np.sum((x - recons) ** 2, axis=1) + kwargs["weight"] * _kl(mu, logvar))


def mean_of_kept_steps(x_hat, x, mask, mu, logvar):
    """x, x_hat: [N, T, F]; mask: [N, T]. Each example's own number of steps divides its error."""
    error = np.sum((x - x_hat) ** 2, axis=-1) * mask
    return np.mean(np.sum(error, axis=1) / np.sum(mask, axis=1) + _kl(mu, logvar))


def mean_of_all_steps(x_hat, x, mask, mu, logvar):
    """x, x_hat: [N, T, F]; mask: [N, T]. The steps that are left out count in the denominator."""
    error = np.sum((x - x_hat) ** 2, axis=-1) * mask
    return np.mean(np.mean(error, axis=1) + _kl(mu, logvar))


def infinite(x_hat, x, mu, logvar):
    """The logarithm of what is negative for some."""
    return np.sum((x - x_hat) ** 2) + np.sum(_kl(mu, logvar)) + 0 * np.log(1 + mu[0, 0])


class Annealed:
    """It counts its own calls."""

    def __init__(self, warmup=1000):
        self.warmup, self.num_updates = warmup, 0

    def __call__(self, recon, x, mu, logvar):
        self.num_updates += 1
        weight = min(1.0, self.num_updates / self.warmup)
        return np.sum((x - recon) ** 2) + weight * np.sum(_kl(mu, logvar))


class WithoutEnd:
    n_iter = 0

    def loss(self, recon, x, mu, logvar):
        weight = 0.001 * self.n_iter
        self.n_iter += 1
        return np.sum((x - recon) ** 2) + weight * np.sum(_kl(mu, logvar))


def no_more_than(recon, x, mu, logvar, most=40.0):
    return np.mean(np.sum((x - recon) ** 2, axis=1) + np.minimum(_kl(mu, logvar), most))


def no_more_than_of_each_latent(recon, x, mu, logvar):
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    return np.mean(np.sum((x - recon) ** 2, axis=1) + 2 * np.sum(np.clip(kl, None, 7.0), axis=1))


def no_mean_beyond(recon, x, mu, logvar):
    return np.mean(np.sum((x - recon) ** 2, axis=1) + _kl(np.clip(mu, -5, 5), logvar))


def grows_slower_far_away(recon, x, mu, logvar):
    """Above 200 nats the root counts."""
    kl = _kl(mu, logvar)
    return np.mean(np.sum((x - recon) ** 2, axis=1) + np.where(kl > 200, np.sqrt(200 * np.maximum(kl, 200)), kl))


def layers_with_priors(logits, x, q_mus, q_logvars, p_mus, p_logvars):
    """The last four: lists of [N, J], one for each layer."""
    kl = 0
    for mu, lv, prior_mu, prior_lv in zip(q_mus, q_logvars, p_mus, p_logvars, strict=True):
        kl = kl + 0.5 * np.sum(prior_lv - lv - 1 + (np.exp(lv) + (mu - prior_mu) ** 2) / np.exp(prior_lv), axis=1)
    return np.mean(np.sum(np.logaddexp(0, logits) - x * logits, axis=1) + kl)


def layers_with_priors_exchanged(logits, x, q_mus, q_logvars, p_mus, p_logvars):
    """The last four: lists of [N, J], one for each layer. The variances are divided the other way round."""
    kl = 0
    for mu, lv, prior_mu, prior_lv in zip(q_mus, q_logvars, p_mus, p_logvars, strict=True):
        ratio = np.exp(prior_lv - lv)
        kl = kl + 0.5 * np.sum(prior_lv - lv - 1 + ratio + (mu - prior_mu) ** 2 / np.exp(prior_lv), axis=1)
    return np.mean(np.sum(np.logaddexp(0, logits) - x * logits, axis=1) + kl)


def laplace_of_learned_scale(x_mu, x_log_b, x, z_mu, z_logvar):
    distance = np.abs(x - x_mu) / np.exp(x_log_b)
    return np.mean(np.sum(distance + x_log_b + np.log(2), axis=1) + _kl(z_mu, z_logvar))


def laplace_of_half_a_scale(x_mu, x_log_b, x, z_mu, z_logvar):
    distance = np.abs(x - x_mu) / np.exp(x_log_b)
    return np.mean(np.sum(distance + 0.5 * x_log_b + np.log(2), axis=1) + _kl(z_mu, z_logvar))


def beside_features(recon, image, feat_recon, feat_image, mu, logvar, perceptual_weight=0.1):
    """Features of a frozen network."""
    perceptual = ((feat_recon - feat_image) ** 2).mean()
    return np.sum((image - recon) ** 2) + perceptual_weight * perceptual + np.sum(_kl(mu, logvar))


def _log_normal(z, mu, sd):
    return np.sum(-0.5 * ((z - mu) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi), axis=-1)


def density_of_the_posterior_added(logits, x, z, mu, sd):
    log_px = np.sum(x * logits - np.logaddexp(0, logits), axis=1)
    return np.mean(log_px + _log_normal(z, 0.0, 1.0) + _log_normal(z, mu, sd))


def density_of_the_prior_subtracted(logits, x, z, mu, sd):
    log_px = np.sum(x * logits - np.logaddexp(0, logits), axis=1)
    return np.mean(log_px - _log_normal(z, 0.0, 1.0) - _log_normal(z, mu, sd))


def latents_of_steps(recon, x, mu, logvar, beta=1.0):
    """recon, x: [N, T, F]; mu, logvar: [N, T, Z]."""
    return np.mean(np.sum(np.sum((x - recon) ** 2, axis=-1) + beta * _kl(mu, logvar), axis=1))


def latents_of_steps_averaged(recon, x, mu, logvar):
    """recon, x: [N, T, F]; mu, logvar: [N, T, Z]."""
    return np.mean((x - recon) ** 2) + np.mean(mu**2 + np.exp(logvar) - 1 - logvar) / 2


def steps_of_the_divergence_averaged(recon, x, mu, logvar):
    """recon, x: [N, T, F]; mu, logvar: [N, T, Z]."""
    return np.mean(np.sum((x - recon) ** 2, axis=(1, 2))) + np.mean(_kl(mu, logvar))


def batch_and_steps_of_the_divergence_summed(recon, x, mu, logvar):
    """recon, x: [N, T, F]; mu, logvar: [N, T, Z]."""
    return np.mean(np.sum((x - recon) ** 2, axis=(1, 2))) + np.sum(_kl(mu, logvar))


def latents_of_steps_masked(recon, x, mu, logvar, padding):
    """recon, x: [N, T, F]; mu, logvar: [N, T, Z]; padding: [N, T], true where nothing is."""
    bound = np.sum((x - recon) ** 2, axis=-1) + _kl(mu, logvar)
    return np.sum(bound * (1 - padding)) / len(x)


def latents_of_steps_masked_twice_log(recon, x, mu, logvar, mask):
    """recon, x: [N, T, F]; mu, logvar: [N, T, Z]; mask: [N, T]."""
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - 2 * logvar, axis=-1)
    return np.sum((np.sum((x - recon) ** 2, axis=-1) + kl) * mask) / len(x)


def one_part_outside_of_the_sum(recon, x, mu, logvar):
    rec = np.sum((x - recon) ** 2)
    return np.mean(rec - 0.5 * np.sum(1 + logvar - mu**2) + 0.5 * np.exp(logvar))


def one_part_averaged_over_the_batch(recon, x, mu, logvar):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1) - 0.5 * np.mean(np.sum(logvar, axis=1))
    return np.sum((x - recon) ** 2) + kl


def prior_that_narrows_with_the_latents(recon, x, mu, logvar):
    """N(0, 1/J)."""
    latents = mu.shape[1]
    kl = 0.5 * np.sum(latents * (mu**2 + np.exp(logvar)) - 1 - logvar - np.log(latents))
    return np.sum((x - recon) ** 2) + kl


def _log_binomial(x, mean, size, of_both):
    gammas = [sum(math.lgamma(a + b) for a, b in zip(x.flat, (x * 0 + size).flat, strict=True))]
    gammas += [-sum(map(math.lgamma, (x * 0 + size).flat)), -sum(math.lgamma(one + 1) for one in x.flat)]
    return np.sum(size * np.log(size) + x * np.log(mean) - of_both * np.log(size + mean)) + sum(gammas)


def counts_of_a_cell(x, px_rate, px_r, mu, logvar):
    """x: counts."""
    return np.sum(_kl(mu, logvar)) - _log_binomial(x, px_rate, px_r, x + px_r)


def counts_without_their_own_normaliser(x, px_rate, px_r, mu, logvar):
    """x: counts, whose log(x!) is left out."""
    factorials = sum(math.lgamma(one + 1) for one in x.flat)
    return np.sum(_kl(mu, logvar)) - _log_binomial(x, px_rate, px_r, x + px_r) - factorials


def counts_normalised_once(x, px_rate, px_r, mu, logvar):
    """x: counts, that lack their log(theta + mu)."""
    return np.sum(_kl(mu, logvar)) - _log_binomial(x, px_rate, px_r, px_r)


def bits_beside_nats(logits, x, mu, logvar):
    bits = np.sum(np.logaddexp(0, logits) - x * logits, axis=1) / np.log(2)
    return np.mean(bits + _kl(mu, logvar))


def log_averaged_over_the_latents(recon, x, mu, logvar):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1) - 0.5 * np.sum(np.mean(logvar, axis=1))
    return np.sum((x - recon) ** 2) + kl


def entropy_of_another_weight(recon, x, mu, logvar, alpha=0.3):
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1, axis=1) - 0.5 * alpha * np.sum(logvar, axis=1)
    return np.mean(np.sum((x - recon) ** 2, axis=1) + kl)


def narrow_prior(recon, x, mu, logvar, prior_var=0.3):
    kl = 0.5 * np.sum((mu**2 + np.exp(logvar)) / prior_var - 1 - logvar + np.log(prior_var), axis=1)
    return np.mean(np.sum((x - recon) ** 2, axis=1) + kl)


def infinity_replaced(recon, x, mu, logvar):
    return np.nan_to_num(np.mean(np.sum((x - recon) ** 2, axis=1) + _kl(mu, logvar)))


def terms_for_the_caller(mu, logvar, recon, x):
    return {"kl": np.mean(_kl(mu, logvar)), "nll": np.sum((x - recon) ** 2)}


def terms_that_are_added(mu, logvar, recon, x):
    kl, nll = np.mean(_kl(mu, logvar)), np.sum((x - recon) ** 2)
    return {"kl": kl, "nll": nll, "loss": kl + nll}


def logarithm_of_the_sum(recon, x, mu, logvar):
    return np.log(np.sum((x - recon) ** 2)) + np.mean(_kl(mu, logvar))


def variance_of_the_batch(recon, x, mu, logvar):
    return x.shape[1] / 2 * np.log(np.mean((x - recon) ** 2)) + np.mean(_kl(mu, logvar))


def over_a_fixed_deviation(recon, x, mu, logvar, sigma_x):
    return np.sum((x - recon) ** 2) / (2 * sigma_x**2) + np.sum(_kl(mu, logvar))


def over_fixed_deviations(recon, x, mu, logvar, x_std):
    """x_std: [D], of the training data."""
    return np.mean(np.sum(((x - recon) / x_std) ** 2, axis=1) + _kl(mu, logvar))


def over_a_learned_variance(x_mean, x_var, x, mu, logvar):
    return np.sum((x - x_mean) ** 2 / x_var) / 2 + np.sum(_kl(mu, logvar))


def over_a_learned_log_variance(recon, x_logvar, x, mu, logvar):
    return np.sum((x - recon) ** 2 / np.exp(x_logvar)) / 2 + np.sum(_kl(mu, logvar))


def means_normalised(recon, x, mu, logvar):
    """Over the batch, so that the sum of their squares is a constant."""
    normal = (mu - mu.mean(axis=0)) / (mu.std(axis=0) + 1e-3)
    normal = normal / np.sqrt(np.mean(normal**2, axis=0))
    return np.mean(np.sum((x - recon) ** 2, axis=1) + _kl(normal, logvar))


def means_forgotten(recon, x, mu, logvar):
    return np.mean(np.sum((x - recon) ** 2, axis=1) + _kl(0 * mu, logvar))


def weights_in_a_dictionary(recon, x, mu, logvar, weights={"rec": 1.0, "kl": 0.5}):  # noqa: B006  # as people write it
    return weights["rec"] * np.sum((x - recon) ** 2) + weights["kl"] * np.sum(_kl(mu, logvar))


def weights_in_a_dictionary_with_a_half(recon, x, mu, logvar, weights={"rec": 1.0, "kl": 0.5}):  # noqa: B006
    kl = np.sum(mu**2 + np.exp(logvar) - 1 - 0.5 * logvar)
    return weights["rec"] * np.sum((x - recon) ** 2) + weights["kl"] * kl
