"""pytorch/examples, vae/main.py (commit 77f55b9, 2025), in Keras: BCE + KLD, summed over the batch, minimised.

Names are the published file's; `encode`, `decode`, `call` and `loss_function` compute what it computes. Added: sizes
are arguments, the noise `eps` can be one, and `decode_logits` stops before the sigmoid, so that nothing saturates.
"""

from typing import Any

import keras
from keras import layers, ops


class VAE(keras.Model):
    """784-400-20-400-784 with ReLU; `activation` may name another one of Keras."""

    def __init__(self, data: int = 784, hidden: int = 400, latent: int = 20, activation: str = "relu") -> None:
        super().__init__()
        self.fc1 = linear(data, hidden)
        self.fc21 = linear(hidden, latent)
        self.fc22 = linear(hidden, latent)
        self.fc3 = linear(latent, hidden)
        self.fc4 = linear(hidden, data)
        self.relu = keras.activations.get(activation)  # F.relu in the file
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encode(self, x: Any) -> tuple[Any, Any]:
        """x: [batch, data] → mu, logvar: [batch, latent] each."""
        h1 = self.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu: Any, logvar: Any, eps: Any = None) -> Any:
        """mu, logvar: [batch, latent]; eps: the same, drawn where it is not given → z: the same."""
        std = ops.exp(0.5 * logvar)
        if eps is None:
            eps = keras.random.normal(ops.shape(std), dtype=std.dtype, seed=self.seed_generator)
        return mu + eps * std

    def decode_logits(self, z: Any) -> Any:
        """z: [batch, latent] → recon_logits: [batch, data]."""
        h3 = self.relu(self.fc3(z))
        return self.fc4(h3)

    def decode(self, z: Any) -> Any:
        """z: [batch, latent] → recon_x, probabilities: [batch, data]."""
        return keras.activations.sigmoid(self.decode_logits(z))

    def call(self, x: Any) -> tuple[Any, Any, Any]:
        """x: [batch, data] → recon_x: [batch, data], mu, logvar: [batch, latent], for `loss_function`."""
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """x: [batch, data], y_pred: what `call` returned → `loss_function`, for `fit`: scalar."""
        recon_x, mu, logvar = y_pred
        return loss_function(recon_x, x, mu, logvar)

    def quantities(self, x: Any, eps: Any, from_logits: bool = True) -> dict[str, Any]:
        """x: [batch, data], eps: [batch, latent] → what `loss_function` sums, per datum."""
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar, eps)
        recon_logits = self.decode_logits(z)
        recon = recon_logits if from_logits else keras.activations.sigmoid(recon_logits)
        BCE = ops.sum(ops.binary_crossentropy(x, recon, from_logits), axis=1)
        KLD = -0.5 * ops.sum(1 + logvar - mu**2 - ops.exp(logvar), axis=1)
        return {
            "mu": mu,
            "logvar": logvar,
            "std": ops.exp(0.5 * logvar),
            "z": z,
            "recon_logits": recon_logits,
            "recon_x": keras.activations.sigmoid(recon_logits),
            "BCE": BCE,
            "KLD": KLD,
            "loss": BCE + KLD,
        }

    def quantities_as_published(self, x: Any, eps: Any) -> dict[str, Any]:
        """`quantities`, scored on probabilities, which Keras clips to [1e-7, 1 - 1e-7]; TensorFlow finds the logits."""
        return self.quantities(x, eps, from_logits=False)

    def objective(self, x: Any, eps: Any) -> Any:
        """x: [batch, data], eps: [batch, latent] → the loss, to be minimised: scalar."""
        return ops.sum(self.quantities(x, eps)["loss"])

    def objective_as_published(self, x: Any, eps: Any) -> Any:
        """`objective`, scored on probabilities."""
        mu, logvar = self.encode(x)
        return loss_function(self.decode(self.reparameterize(mu, logvar, eps)), x, mu, logvar)


def loss_function(recon_x: Any, x: Any, mu: Any, logvar: Any) -> Any:
    """recon_x, x: [batch, data], mu, logvar: [batch, latent] → losses summed over elements and batch: scalar."""
    BCE = ops.sum(ops.binary_crossentropy(ops.cast(x, recon_x.dtype), recon_x))
    # Appendix B of Kingma and Welling, ICLR 2014, of which this is the negative: 0.5 * sum(1 + log(σ²) - μ² - σ²)
    KLD = -0.5 * ops.sum(1 + logvar - mu**2 - ops.exp(logvar))
    return BCE + KLD


def linear(fan_in: int, fan_out: int) -> layers.Dense:
    """nn.Linear: [..., in] → [..., out], with its weights made at once."""
    layer = layers.Dense(fan_out)
    layer.build((None, fan_in))
    return layer
