"""TensorFlow Probability: distributions over nets of tf_keras, as in its VAE examples, in a tf.function.

TensorFlow Probability works with tf_keras alone, not with Keras 3. Its seed is a tensor here, split at every step, so
that a draw can be repeated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from ...backends.base import Binding
from ...reference.problem import Problem
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

tfd = tfp.distributions


class TfpRun(LibraryRun):
    """A VAE on a problem's data; the encoder's last layer has the mean and the log-variance side by side."""

    def __init__(self, problem: Problem, *, xla: bool):
        spec = problem.spec
        self.xla, self.latent = xla, spec.latent_dim
        self.shape = len(problem.x), spec.latent_dim
        self.x = tf.constant(problem.x, tf.float32)
        dense = tf_keras.layers.Dense
        self.encoder = tf_keras.Sequential(
            [tf_keras.layers.InputLayer((spec.data_dim,)), dense(spec.hidden[0], "relu"), dense(2 * spec.latent_dim)]
        )
        self.decoder = tf_keras.Sequential(
            [tf_keras.layers.InputLayer((spec.latent_dim,)), dense(spec.hidden[0], "relu"), dense(spec.data_dim)]
        )
        self.initial = float32(problem.weights)
        self.seed = tf.constant((0, SEED), tf.int32)
        unit = tfd.MultivariateNormalDiag(tf.zeros(self.shape), scale_diag=tf.ones(self.shape))
        # compiled like the timed call: XLA draws by another generator
        self.draw = self.function(lambda seed: unit.sample(seed=self.drawn(seed)))
        self.put_weights()

    def put_weights(self) -> None:
        """Give the nets the problem's weights."""
        weights = self.initial
        heads = (ENCODER_MEAN, ENCODER_LOG_VARIANCE)
        both = (
            np.concatenate([kernel(weights[f"{name}.weight"]) for name in heads], axis=1),
            np.concatenate([weights[f"{name}.bias"] for name in heads]),
        )
        hidden, into, out = (
            (kernel(weights[f"{name}.weight"]), weights[f"{name}.bias"])
            for name in (ENCODER_HIDDEN, DECODER_HIDDEN, DECODER_LOGITS)
        )
        self.encoder.set_weights([*hidden, *both])
        self.decoder.set_weights([*into, *out])

    def negative_elbo(self, x: Any, seed: Any) -> Any:
        """The mean of −(log p(x|z) − KL) over the batch."""
        loc, log_variance = tf.split(self.encoder(x), 2, axis=-1)
        approx_posterior = tfd.MultivariateNormalDiag(loc, scale_diag=tf.exp(0.5 * log_variance))
        prior = tfd.MultivariateNormalDiag(tf.zeros(self.latent), scale_diag=tf.ones(self.latent))
        z = approx_posterior.sample(seed=seed)
        likelihood = tfd.Independent(tfd.Bernoulli(logits=self.decoder(z)), reinterpreted_batch_ndims=1)
        rate = tfd.kl_divergence(approx_posterior, prior)
        return -tf.reduce_mean(likelihood.log_prob(x) - rate)

    def function(self, python: Any) -> Any:
        return tf.function(python, jit_compile=self.xla)

    def noise(self) -> Array:
        return np.asarray(self.draw(tf.constant((0, SEED), tf.int32)))

    def drawn(self, seed: Any) -> Any:
        """The seed that a call draws with."""
        return seed

    def weight(self) -> Any:
        return self.encoder.weights[0].value()


class TfpEvaluation(TfpRun):
    """The bound in a tf.function, at one seed."""

    def __init__(self, problem: Problem, *, xla: bool):
        super().__init__(problem, xla=xla)
        self.compiled = self.function(self.negative_elbo)

    def __call__(self) -> Any:
        return self.compiled(self.x, self.seed)

    def restore(self) -> None:
        self.put_weights()

    def first_moments(self) -> dict[str, Array]:
        return {}


class TfpTraining(TfpRun):
    """Gradients and Adam in a tf.function."""

    def __init__(self, problem: Problem, *, xla: bool):
        super().__init__(problem, xla=xla)
        self.variables = [*self.encoder.trainable_variables, *self.decoder.trainable_variables]
        self.optimizer = tf_keras.optimizers.Adam(ADAM.learning_rate)
        self.optimizer.build(self.variables)
        self.slots = [variable.numpy() for variable in self.optimizer.variables]
        self.compiled = self.function(self.step)

    def step(self, x: Any, seed: Any) -> Any:
        """→ (loss, seed of the next step)."""
        following, now = tf.unstack(tfp.random.split_seed(seed, n=2))
        with tf.GradientTape() as tape:
            loss = self.negative_elbo(x, now)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.variables), self.variables, strict=True))
        return loss, following

    def drawn(self, seed: Any) -> Any:
        return tf.unstack(tfp.random.split_seed(seed, n=2))[1]

    def __call__(self) -> Any:
        loss, self.seed = self.compiled(self.x, self.seed)
        return loss

    def restore(self) -> None:
        self.put_weights()
        self.seed = tf.constant((0, SEED), tf.int32)
        for variable, value in zip(self.optimizer.variables, self.slots, strict=True):
            variable.assign(value)

    def first_moments(self) -> dict[str, Array]:
        hidden, hidden_bias, heads, heads_bias, *decoder = (m.numpy() for m in self.optimizer._momentums)
        mean, log_variance = np.split(heads, 2, axis=1)
        mean_bias, log_variance_bias = np.split(heads_bias, 2)
        dense = {
            ENCODER_HIDDEN: (hidden, hidden_bias),
            ENCODER_MEAN: (mean, mean_bias),
            ENCODER_LOG_VARIANCE: (log_variance, log_variance_bias),
            DECODER_HIDDEN: decoder[:2],
            DECODER_LOGITS: decoder[2:],
        }
        return layers(lambda name: (unkernel(dense[name][0]), dense[name][1]))


def open_run(binding: Binding, problem: Problem, stage: str, variant: str) -> LibraryRun:
    """A stage of TensorFlow Probability, by XLA or not."""
    xla = variant.endswith("-xla")
    return TfpEvaluation(problem, xla=xla) if stage == "elbo" else TfpTraining(problem, xla=xla)
