"""A loss of JAX whose weights are made of a key and sizes."""

import jax.numpy as jnp
from jax import random


def make_weights(key, sizes):
    pixels, latents = sizes
    return {name: 0.3 * random.normal(key, (pixels, latents)) for name in ("mean", "log_var", "out")}


def loss(params, x, key):
    mean, log_var = x @ params["mean"], x @ params["log_var"]
    recon = (mean + jnp.exp(0.5 * log_var) * random.normal(key, mean.shape)) @ params["out"].T
    kl = -0.5 * jnp.sum(1 + log_var - mean**2 - jnp.exp(log_var), axis=-1)
    return jnp.mean(jnp.sum((x - recon) ** 2, axis=-1) + kl)
