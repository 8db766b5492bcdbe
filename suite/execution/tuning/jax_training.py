"""Training steps and epochs in memory, as fast as JAX makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..bindings.base import Array, Tensor, variable_at
from ..bindings.keras import KerasBinding, stateless
from ..bindings.training import Epoch, Training
from ..subject import Subject
from .jax_rewriting import Rule, convolution_as_products, dot_in_bfloat16, log_sigmoid, rewritten
from .jax_rungs import Options
from .keras_adam import State, adam


class TunedTraining(Training):
    """Steps of Adam on the published objective, with a state of their own beside the model's.

    Args:
        subject: whose objective it is; its model stays as it is.
        options: what is turned on.
    """

    def __init__(self, subject: Subject, options: Options):
        self.binding, self.paths = _keras(subject), subject.paths
        self.update = _update(subject, options)
        self.compiled_step = jax.jit(self.update, donate_argnums=(0,) if options.donated else ())
        self.state: State = ()  # type: ignore[assignment]  # `restore` is what makes it
        self.restore({path: subject.binding.array(variable_at(subject.model, path)) for path in subject.paths})

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        value, self.state = self.compiled_step(self.state, x, noise)
        return value

    def pending(self) -> Any:
        return self.state

    def restore(self, weights: Mapping[str, Array]) -> None:
        with self.binding.scope():
            # Copies: a donated array is gone, and what `restore` was given is to outlive the steps.
            own = [jnp.array(weights[path], copy=True) for path in self.paths]
            first, second = ([jnp.zeros_like(weight) for weight in own] for _ in range(2))
            self.state = jnp.zeros((), own[0].dtype), own, first, second

    def weights(self) -> dict[str, Array]:
        return dict(zip(self.paths, (np.array(weight) for weight in self.state[1]), strict=True))

    def first_moments(self) -> dict[str, Array]:
        return dict(zip(self.paths, (np.array(moment) for moment in self.state[2]), strict=True))


class TunedEpoch(Epoch):
    """Passes over images that lie in the device's memory as bytes: an order, a draw of noise, and steps.

    A step takes its rows and turns their bytes into pixels; the whole input path is inside of a pass.

    Args:
        subject: whose objective is trained.
        options: of its steps.
        images: [data count, data], unsigned bytes.
        batch: images per step.
    """

    key: Tensor

    def __init__(self, subject: Subject, options: Options, images: Array, batch: int):
        self.binding, self.steps, self.batch = _keras(subject), len(images) // batch, batch
        self.count = self.steps * batch
        self.training = TunedTraining(subject, options)
        self.scanned = options.scanned
        with self.binding.scope():
            self.bytes = jnp.array(subject.laid_out(images))
        self.seed(0)
        sample = (1,) if "sample" in subject.notation.noise_axes else ()
        shape = (self.steps, *sample, batch, subject.spec.latent_dim)

        @jax.jit
        def draw(key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            key, order, noise = jax.random.split(key, 3)
            rows = jax.random.permutation(order, len(images))[: self.count].reshape(self.steps, batch)
            return key, rows, jax.random.normal(noise, shape, jnp.float32)

        def taken(images: Tensor, rows: Tensor) -> Tensor:
            return images[rows].astype(jnp.float32) / 255

        def scan(state: State, images: Tensor, rows: Tensor, noise: Tensor) -> tuple[Tensor, State]:
            def body(state: State, minibatch: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
                value, state = self.training.update(state, taken(images, minibatch[0]), minibatch[1])
                return state, value

            state, values = jax.lax.scan(body, state, (rows, noise))
            return jnp.sum(values), state

        self.draw, self.taken = draw, jax.jit(taken)
        self.scan = jax.jit(scan, donate_argnums=0)
        self.rows, self.drawn = jnp.zeros(0, int), jnp.zeros(0)

    def run(self) -> Tensor:
        self.key, self.rows, self.drawn = self.draw(self.key)
        if self.scanned:
            value, self.training.state = self.scan(self.training.state, self.bytes, self.rows, self.drawn)
            return value
        total = jnp.zeros(())
        for rows, noise in zip(self.rows, self.drawn, strict=True):
            total += self.training.step(self.taken(self.bytes, rows), noise)
        return total

    def pending(self) -> Any:
        return self.training.pending()

    def restore(self, weights: Mapping[str, Array]) -> None:
        self.training.restore(weights)

    def seed(self, seed: int) -> None:
        with self.binding.scope():
            self.key = jax.random.key(seed)

    def order(self) -> Array:
        return np.array(self.rows)

    def noise(self) -> Array:
        return np.array(self.drawn).reshape(self.steps, self.batch, -1)


def _keras(subject: Subject) -> KerasBinding:
    assert isinstance(subject.binding, KerasBinding)
    return subject.binding


def _update(subject: Subject, options: Options) -> Callable[[State, Tensor, Tensor], tuple[Tensor, State]]:
    """(state, x, noise) → the objective, and the state after a step of Adam."""
    variables = [variable_at(subject.model, path) for path in subject.paths]
    objective, sign = subject.objective(), subject.objective_sign()

    def scored(weights: list[Tensor], x: Tensor, noise: Tensor) -> Tensor:
        return stateless(variables, weights, objective, x, noise)

    rules: dict[str, Rule] = {}
    if options.products:
        rules["conv_general_dilated"] = convolution_as_products
    if options.shared:
        rules["log_sigmoid"] = log_sigmoid
    if rules:
        scored = rewritten(scored, rules)

    def minimised(weights: list[Tensor], x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        value = scored(weights, x, noise)
        return sign * value, value

    differentiated = jax.value_and_grad(minimised, has_aux=True)
    if subject.dtype == "bfloat16":
        differentiated = rewritten(differentiated, {"dot_general": dot_in_bfloat16})

    def update(state: State, x: Tensor, noise: Tensor) -> tuple[Tensor, State]:
        (_, value), gradients = differentiated(state[1], x, noise)
        return value, adam(jnp.sqrt, state, gradients)

    return update
