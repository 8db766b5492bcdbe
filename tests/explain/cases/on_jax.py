"""Losses as people write them in JAX."""

import jax
import jax.numpy as jnp


def bound(logits, x, z, mu, log_sd):
    """One example: logits, x: [D]; z, mu, log_sd: [J]."""
    log_px = jnp.sum(x * logits - jax.nn.softplus(logits))
    return log_px - jnp.sum(0.5 * z**2 - log_sd - 0.5 * ((z - mu) / jnp.exp(log_sd)) ** 2)


def mean_loss(recon, x, mu, logvar, beta=2.0):
    rec = jnp.mean(jnp.sum((recon - x) ** 2, -1))
    return rec + beta * jnp.mean(-0.5 * jnp.sum(1 + logvar - mu**2 - jnp.exp(logvar), -1))


def gradient_stopped(logits, x, mu, logvar):
    bce = jnp.sum(jnp.logaddexp(0.0, logits) - x * logits, axis=-1)
    kld = 0.5 * jnp.sum(jnp.square(mu) + jnp.exp(logvar) - jax.lax.stop_gradient(logvar) - 1, axis=-1)
    return jnp.mean(bce + kld)


@jax.jit
def compiled(logits, x, mu, logvar):
    bce = jnp.sum(jnp.logaddexp(0.0, logits) - x * logits, axis=-1)
    kld = 0.5 * jnp.sum(jnp.square(mu) + jnp.exp(logvar) - logvar - 1, axis=-1)
    return jnp.mean(bce + kld)


def _kernels(one, other):
    return jnp.mean(jnp.exp(-jnp.sum((one[:, None] - other[None]) ** 2, axis=-1)))


def prior_drawn_from_a_key(recon, x, z, key, weight=10.0):
    prior = jax.random.normal(key, z.shape)
    discrepancy = _kernels(prior, prior) + _kernels(z, z) - 2 * _kernels(prior, z)
    return jnp.mean(jnp.sum((recon - x) ** 2, axis=-1)) + weight * discrepancy


def key_of_no_draw(recon, x, mu, logvar, rng):
    return jnp.sum((recon - x) ** 2) - 0.5 * jnp.sum(1 + logvar - mu**2 - jnp.exp(logvar))
