"""Training steps and epochs in memory, as fast as JAX makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...backends.base import Array, Tensor
from ...backends.keras_jax import JaxBinding
from ...workers.subject import Subject
from ..measure.on_jax import JaxTraining
from ..measure.training import ADAM, Epoch


class TunedTraining(JaxTraining):
    """Gradient and Adam as one jitted function; weights and moments are arrays that no variable shares.

    Args:
        binding: what executes.
        subject: whose objective it is.
        donated: whether a step's new weights and moments lie where its old ones were.
    """

    def __init__(self, binding: JaxBinding, subject: Subject, *, donated: bool):
        super().__init__(binding, subject, subject.objective(), ADAM, "eager")
        self.update = self.compiled_step
        self.compiled_step = jax.jit(self.update, donate_argnums=(0, 1) if donated else ())

    def _read(self) -> None:
        super()._read()
        # Copies: a donated array is gone, and the variables are to outlive the steps.
        self.values, self.slots = ([jnp.array(a, copy=True) for a in arrays] for arrays in (self.values, self.slots))

    def _write_back(self) -> None:
        super()._write_back()
        self._read()


class TunedEpoch(Epoch):
    """Passes over images that lie in the device's memory as bytes: an order, a draw of noise, and steps.

    A step takes its rows and turns their bytes into pixels; the whole input path is inside of a pass.

    Args:
        binding: what executes.
        subject: whose objective is trained.
        images: [data count, data], unsigned bytes.
        batch: images per step.
        scanned: whether a pass is one `lax.scan` over its minibatches, or one call per minibatch.
    """

    key: Tensor

    def __init__(self, binding: JaxBinding, subject: Subject, images: Array, batch: int, *, scanned: bool):
        self.binding, self.steps, self.batch, self.scanned = binding, len(images) // batch, batch, scanned
        self.training = TunedTraining(binding, subject, donated=True)
        with binding.scope():
            self.bytes = jnp.array(subject.laid_out(images))
        self.seed(0)
        sample = (1,) if "sample" in subject.notation.noise_axes else ()
        shape = (self.steps, *sample, batch, subject.spec.latent_dim)

        @jax.jit
        def draw(key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            key, order, noise = jax.random.split(key, 3)
            rows = jax.random.permutation(order, len(images))[: self.steps * batch].reshape(self.steps, batch)
            return key, rows, jax.random.normal(noise, shape, jnp.float32)

        def taken(images: Tensor, rows: Tensor) -> Tensor:
            return images[rows].astype(jnp.float32) / 255

        def scan(values: Any, slots: Any, images: Tensor, rows: Tensor, noise: Tensor) -> tuple[Tensor, Any, Any]:
            def body(state: tuple[Any, Any], minibatch: tuple[Tensor, Tensor]) -> tuple[tuple[Any, Any], Tensor]:
                value, *state = self.training.update(*state, taken(images, minibatch[0]), minibatch[1])
                return tuple(state), value

            (values, slots), objectives = jax.lax.scan(body, (values, slots), (rows, noise))
            return jnp.sum(objectives), values, slots

        self.draw, self.taken = draw, jax.jit(taken)
        self.scan = jax.jit(scan, donate_argnums=(0, 1))
        self.rows, self.drawn = jnp.zeros(0, int), jnp.zeros(0)

    def run(self) -> Tensor:
        training = self.training
        self.key, self.rows, self.drawn = self.draw(self.key)
        if self.scanned:
            state = training.values, training.slots
            value, training.values, training.slots = self.scan(*state, self.bytes, self.rows, self.drawn)
            return value
        total = jnp.zeros(())
        for rows, noise in zip(self.rows, self.drawn, strict=True):
            total += training.step(self.taken(self.bytes, rows), noise)
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
