"""keras.io, code examples, *Variational AutoEncoder* (F. Chollet, 2020, Keras 3 version of 2024), in Keras.

Names are the page's. Added to it: sizes are arguments, a dense network stands beside the convolutions, the noise
`epsilon` can be an argument, and the decoder stops before the sigmoid, so that nothing saturates. The loss is the
batch mean of reconstruction_loss + kl_loss, minimised.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
from keras import layers, ops


class Sampling(layers.Layer):
    """Uses (z_mean, z_log_var) to sample z, the vector encoding a digit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs: tuple[Any, Any], epsilon: Any = None) -> Any:
        """inputs: z_mean and z_log_var, [batch, latent] each; epsilon: the same, drawn where it is not given → z."""
        z_mean, z_log_var = inputs
        if epsilon is None:
            epsilon = keras.random.normal(ops.shape(z_mean), dtype=z_mean.dtype, seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class VAE(keras.Model):
    """`network` is `conv`, as published, or `mlp`: dense layers of the widths `hidden`, in reverse in the decoder."""

    def __init__(
        self,
        image_shape: Sequence[int] | None = (1, 28, 28),
        channels: Sequence[int] | None = (32, 64),
        hidden: Sequence[int] = (16,),
        latent_dim: int = 2,
        activation: str = "relu",
        network: str = "conv",
        data_dim: int = 784,
    ) -> None:
        """`image_shape`: channel, height, width; `channels`: of the encoder's convolutions. `mlp` reads neither."""
        super().__init__()
        data_shape: tuple[int, ...] = (data_dim,)
        bottom: tuple[int, ...] = (hidden[0],)
        widths = hidden[::-1]
        self.conv, self.deconv = [], []
        last = layers.Dense(data_dim)
        if network == "conv":
            assert image_shape and channels
            halvings = 2 ** len(channels)
            data_shape = (*image_shape[1:], image_shape[0])
            bottom = (image_shape[1] // halvings, image_shape[2] // halvings, channels[-1])
            widths = (prod(bottom),)
            same = {"kernel_size": 3, "strides": 2, "activation": activation, "padding": "same"}
            self.conv = [layers.Conv2D(width, **same) for width in channels]
            self.deconv = [layers.Conv2DTranspose(width, **same) for width in channels[::-1]]
            last = layers.Conv2DTranspose(image_shape[0], 3, padding="same")
        self.dense = [layers.Dense(width, activation=activation) for width in hidden]
        self.z_mean = layers.Dense(latent_dim, name="z_mean")
        self.z_log_var = layers.Dense(latent_dim, name="z_log_var")
        self.sampling = Sampling()
        self.latent_dense = [layers.Dense(width, activation=activation) for width in widths]
        self.reconstruction_logits = last  # the page gives this layer activation="sigmoid"

        encoder_inputs = keras.Input(data_shape, dtype=self.compute_dtype)
        x = encoder_inputs
        for layer in [*self.conv, layers.Flatten(), *self.dense]:  # Flatten: height, width, channel
            x = layer(x)
        self.encoder = keras.Model(encoder_inputs, (self.z_mean(x), self.z_log_var(x)), name="encoder")

        latent_inputs = keras.Input((latent_dim,), dtype=self.compute_dtype)
        x = latent_inputs
        for layer in [*self.latent_dense, layers.Reshape(bottom), *self.deconv, self.reconstruction_logits]:
            x = layer(x)
        self.decoder = keras.Model(latent_inputs, x, name="decoder")

        self.reconstruction_loss_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")
        self.built = True

    def call(self, data: Any) -> tuple[Any, Any, Any]:
        """data: [batch, height, width, channel] or [batch, data] → z_mean, z_log_var, reconstruction: as data."""
        z_mean, z_log_var = self.encoder(data)
        z = self.sampling((z_mean, z_log_var))
        return z_mean, z_log_var, keras.activations.sigmoid(self.decoder(z))

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """x: data, y_pred: what `call` returned → total_loss, for `fit`: scalar."""
        z_mean, z_log_var, reconstruction = y_pred
        reconstruction_loss = ops.mean(reconstruction_loss_of(x, reconstruction))
        kl_loss = ops.mean(kl_loss_of(z_mean, z_log_var))
        self.reconstruction_loss_tracker.update_state(reconstruction_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return reconstruction_loss + kl_loss

    def quantities(self, data: Any, epsilon: Any, from_logits: bool = True) -> dict[str, Any]:
        """data: [batch, ...], epsilon: [batch, latent] → what total_loss is the mean of, per datum."""
        z_mean, z_log_var = self.encoder(data)
        z = self.sampling((z_mean, z_log_var), epsilon)
        logits = self.decoder(z)
        reconstruction = logits if from_logits else keras.activations.sigmoid(logits)
        reconstruction_loss = reconstruction_loss_of(data, reconstruction, from_logits)
        kl_loss = kl_loss_of(z_mean, z_log_var)
        return {
            "z_mean": z_mean,
            "z_log_var": z_log_var,
            "z": z,
            "reconstruction_logits": logits,
            "reconstruction": keras.activations.sigmoid(logits),
            "reconstruction_loss": reconstruction_loss,
            "kl_loss": kl_loss,
            "total_loss": reconstruction_loss + kl_loss,
        }

    def quantities_as_published(self, data: Any, epsilon: Any) -> dict[str, Any]:
        """`quantities`, scored on probabilities, which Keras clips to [1e-7, 1 - 1e-7]; TensorFlow finds the logits."""
        return self.quantities(data, epsilon, from_logits=False)

    def objective(self, data: Any, epsilon: Any) -> Any:
        """data: [batch, ...], epsilon: [batch, latent] → total_loss, to be minimised: scalar."""
        return ops.mean(self.quantities(data, epsilon)["total_loss"])

    def objective_as_published(self, data: Any, epsilon: Any) -> Any:
        """`objective`, scored on probabilities."""
        return ops.mean(self.quantities_as_published(data, epsilon)["total_loss"])


def reconstruction_loss_of(data: Any, reconstruction: Any, from_logits: bool = False) -> Any:
    """data, reconstruction: [batch, ...] → [batch].

    The page sums keras.losses.binary_crossentropy, a mean over channels of which it has one, over height and width.
    """
    cross_entropy = ops.binary_crossentropy(ops.cast(data, reconstruction.dtype), reconstruction, from_logits)
    return ops.sum(cross_entropy, axis=tuple(range(1, len(data.shape))))


def kl_loss_of(z_mean: Any, z_log_var: Any) -> Any:
    """z_mean, z_log_var: [batch, latent] → [batch]."""
    kl_loss = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
    return ops.sum(kl_loss, axis=1)
