"""NumPyro: `model` and `guide` of its VAE example, in stax, and jitted `SVI`; the second head is a log-variance."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
from jax.example_libraries import optimizers, stax
from numpyro.handlers import seed, substitute, trace
from numpyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO

from ...backends.base import Binding
from ...reference.problem import Problem
from ...reference.spec import Spec
from ..measure.training import ADAM
from .base import (
    DECODER_HIDDEN,
    DECODER_LOGITS,
    ENCODER_HIDDEN,
    ENCODER_LOG_VARIANCE,
    ENCODER_MEAN,
    SEED,
    Array,
    LibraryRun,
    float32,
    kernel,
    layers,
    unkernel,
)

LOSSES = {"Trace_ELBO": Trace_ELBO, "TraceMeanField_ELBO": TraceMeanField_ELBO}
Scale = stax.elementwise(lambda log_variance: jnp.exp(0.5 * log_variance))


def encoder(hidden_dim: int, z_dim: int) -> Any:
    """x: [batch, data] → mean and scale: [batch, latent] each."""
    return stax.serial(
        stax.Dense(hidden_dim),
        stax.Relu,
        stax.FanOut(2),
        stax.parallel(stax.Dense(z_dim), stax.serial(stax.Dense(z_dim), Scale)),
    )


def decoder(hidden_dim: int, out_dim: int) -> Any:
    """z: [batch, latent] → probabilities: [batch, data]."""
    return stax.serial(stax.Dense(hidden_dim), stax.Relu, stax.Dense(out_dim), stax.Sigmoid)


def model(batch: Any, spec: Spec) -> None:
    """p(x|z) p(z)."""
    decode = numpyro.module("decoder", decoder(spec.hidden[0], spec.data_dim), (len(batch), spec.latent_dim))
    with numpyro.plate("batch", len(batch)):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([spec.latent_dim]).to_event(1))
        img_loc = decode(z)
        numpyro.sample("obs", dist.Bernoulli(img_loc).to_event(1), obs=batch)


def guide(batch: Any, spec: Spec) -> None:
    """q(z|x)."""
    encode = numpyro.module("encoder", encoder(spec.hidden[0], spec.latent_dim), (len(batch), spec.data_dim))
    z_loc, z_std = encode(batch)
    with numpyro.plate("batch", len(batch)):
        numpyro.sample("z", dist.Normal(z_loc, z_std).to_event(1))


class NumPyroRun(LibraryRun):
    """`SVI` on a problem's data; its state is a value that a step takes and returns."""

    def __init__(self, binding: Binding, problem: Problem, loss: str, optimizer: Any):
        self.binding, self.spec = binding, problem.spec
        self.x = binding.tensor(problem.x, "float32")
        self.weights = float32(problem.weights)
        self.svi = SVI(model, guide, optimizer, loss=LOSSES[loss](), spec=problem.spec)
        self.state = self.fresh()

    def fresh(self) -> Any:
        """The first state, in new arrays: a step deletes a state that is donated to it."""
        return self.svi.init(jax.random.key(SEED), self.x, init_params=self.parameters(self.weights))

    def parameters(self, weights: dict[str, Array]) -> dict[str, Any]:
        """Canonical weights as the trees that stax makes."""

        def dense(name: str) -> tuple[Any, Any]:
            return jnp.array(kernel(weights[f"{name}.weight"])), jnp.array(weights[f"{name}.bias"])

        heads = [dense(ENCODER_MEAN), [dense(ENCODER_LOG_VARIANCE), ()]]
        return {
            "encoder$params": [dense(ENCODER_HIDDEN), (), (), heads],
            "decoder$params": [dense(DECODER_HIDDEN), (), dense(DECODER_LOGITS), ()],
        }

    def canonical(self, parameters: dict[str, Any]) -> dict[str, Array]:
        """The inverse of `parameters`."""
        encoding, decoding = parameters["encoder$params"], parameters["decoder$params"]
        dense = {
            ENCODER_HIDDEN: encoding[0],
            ENCODER_MEAN: encoding[3][0],
            ENCODER_LOG_VARIANCE: encoding[3][1][0],
            DECODER_HIDDEN: decoding[0],
            DECODER_LOGITS: decoding[2],
        }
        return layers(lambda name: (unkernel(np.asarray(dense[name][0])), np.asarray(dense[name][1])))

    def noise(self) -> Array:
        """The noise [batch, latent]: z of the guide under the first step's key, with zeros as weights of the heads."""
        _, key = jax.random.split(self.fresh().rng_key)
        _, guide_key = jax.random.split(key)
        heads = (ENCODER_MEAN, ENCODER_LOG_VARIANCE)
        zeroed = {n: 0 * w if n.startswith(heads) else w for n, w in self.weights.items()}
        unit = substitute(guide, data=self.parameters(zeroed))
        return np.asarray(trace(seed(unit, guide_key)).get_trace(self.x, self.spec)["z"]["value"])

    def restore(self) -> None:
        self.state = self.fresh()

    def weight(self) -> Any:
        return self.x


class NumPyroEvaluation(NumPyroRun):
    """Jitted `SVI.evaluate`. It draws the same noise at every call, since its state does not change."""

    def __init__(self, binding: Binding, problem: Problem, loss: str):
        super().__init__(binding, problem, loss, numpyro.optim.Adam(ADAM.learning_rate))
        self.compiled = jax.jit(self.svi.evaluate)

    def __call__(self) -> Any:
        return self.compiled(self.state, self.x)

    def first_moments(self) -> dict[str, Array]:
        return {}


class NumPyroTraining(NumPyroRun):
    """Jitted `SVI.update`."""

    def __init__(self, binding: Binding, problem: Problem, loss: str, *, donated: bool, by_optax: bool):
        self.by_optax = by_optax
        rate = ADAM.learning_rate
        super().__init__(binding, problem, loss, optax.adam(rate) if by_optax else numpyro.optim.Adam(rate))
        self.compiled = jax.jit(self.svi.update, donate_argnums=(0,) if donated else ())

    def __call__(self) -> Any:
        self.state, loss = self.compiled(self.state, self.x)
        return loss

    def pending(self) -> Any:
        return self.state

    def first_moments(self) -> dict[str, Array]:
        _, state = self.state.optim_state
        if self.by_optax:
            _, (adam, _) = state
            return self.canonical(adam.mu)
        slots = optimizers.unpack_optimizer_state(state)
        moments = jax.tree.map(
            lambda joined: joined.subtree[1], slots, is_leaf=lambda node: isinstance(node, optimizers.JoinPoint)
        )
        return self.canonical(moments)


def open_run(binding: Binding, problem: Problem, stage: str, variant: str) -> LibraryRun:
    """A stage of NumPyro by one of its losses, with the options that follow it."""
    loss, *options = variant.split("-")
    if stage == "elbo":
        return NumPyroEvaluation(binding, problem, loss)
    return NumPyroTraining(binding, problem, loss, donated="donated" in options, by_optax="optax" in options)
