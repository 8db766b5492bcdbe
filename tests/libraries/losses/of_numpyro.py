"""numpyro as installed: its Trace_ELBO on a VAE as its example writes one."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.example_libraries import stax


def model(batch, hidden=20, z_dim=5):
    decoder = stax.serial(stax.Dense(hidden), stax.Softplus, stax.Dense(batch.shape[1]), stax.Sigmoid)
    decode = numpyro.module("decoder", decoder, (batch.shape[0], z_dim))
    with numpyro.plate("batch", batch.shape[0]):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([z_dim]).to_event(1))
        numpyro.sample("obs", dist.Bernoulli(decode(z)).to_event(1), obs=batch)


def guide(batch, hidden=20, z_dim=5, made=stax.Exp, epsilon=0.0):
    heads = stax.parallel(stax.Dense(z_dim), stax.serial(stax.Dense(z_dim), made))
    encoder = stax.serial(stax.Dense(hidden), stax.Softplus, stax.FanOut(2), heads)
    z_loc, z_scale = numpyro.module("encoder", encoder, batch.shape)(jnp.asarray(batch))
    with numpyro.plate("batch", batch.shape[0]):
        numpyro.sample("z", dist.Normal(z_loc, z_scale + epsilon).to_event(1))


def softened(batch):
    guide(batch, made=stax.Softplus, epsilon=1e-5)


def rectified(batch):
    guide(batch, made=stax.Relu, epsilon=1e-5)
