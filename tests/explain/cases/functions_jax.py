"""Losses of JAX that take weights, data and a key."""

import jax
import jax.numpy as jnp
from jax import random


def init_params(key, n_in=12, hidden=10, n_latent=3):
    keys = random.split(key, 5)
    sizes = [(n_in, hidden), (hidden, n_latent), (hidden, n_latent), (n_latent, hidden), (hidden, n_in)]
    names = ("encode", "mean", "log_var", "decode", "out")
    return {
        name: {"w": random.normal(key, size) * 0.3, "b": jnp.zeros(size[1])}
        for name, key, size in zip(names, keys, sizes, strict=True)
    }


def _dense(layer, x):
    return x @ layer["w"] + layer["b"]


def _encoded(params, x):
    hidden = jnp.tanh(_dense(params["encode"], x))
    return _dense(params["mean"], hidden), _dense(params["log_var"], hidden)


def _decoded(params, z):
    return _dense(params["out"], jnp.tanh(_dense(params["decode"], z)))


def _terms(params, x, key, deviation=lambda log_var: jnp.exp(0.5 * log_var)):
    mean, log_var = _encoded(params, x)
    logits = _decoded(params, mean + deviation(log_var) * random.normal(key, mean.shape))
    bce = jnp.sum(jnp.logaddexp(0.0, logits) - x * logits, axis=-1)
    return bce, -0.5 * jnp.sum(1 + log_var - mean**2 - jnp.exp(log_var), axis=-1)


def plain(params, x, key):
    bce, kl = _terms(params, x, key)
    return jnp.mean(bce + kl)


def weighted(params, batch, rng, beta):
    bce, kl = _terms(params, batch["image"], rng)
    return jnp.mean(bce + beta * kl)


@jax.jit
def with_terms(params, rng_key, x, warmup=1000, step=0):
    bce, kl = _terms(params, x, rng_key)
    return jnp.mean(bce + jnp.minimum(1.0, step / warmup) * kl), {"bce": jnp.mean(bce), "kl": jnp.mean(kl)}


def mapped(params, x, key):
    keys = random.split(key, len(x))
    return jnp.mean(jax.vmap(lambda one, own: sum(_terms(params, one, own)))(x, keys))


def reduced_differently(params, x, key):
    bce, kl = _terms(params, x, key)
    return jnp.sum(bce) + jnp.mean(kl)


def another_scale(params, x, key):
    bce, kl = _terms(params, x, key, jnp.exp)
    return jnp.mean(bce + kl)


def stopped(params, x, key):
    mean, log_var = _encoded(params, x)
    z = jax.lax.stop_gradient(mean + jnp.exp(0.5 * log_var) * random.normal(key, mean.shape))
    logits = _decoded(params, z)
    bce = jnp.sum(jnp.logaddexp(0.0, logits) - x * logits, axis=-1)
    return jnp.mean(bce - 0.5 * jnp.sum(1 + log_var - mean**2 - jnp.exp(log_var), axis=-1))


def of_two(enc_params, dec_params, x, key):
    return plain({**enc_params, **dec_params}, x, key)


def moments(recon, x, params):
    mean, log_var = jnp.split(params, 2, axis=-1)
    return jnp.sum((recon - x) ** 2) - 0.5 * jnp.sum(1 + log_var - mean**2 - jnp.exp(log_var))
