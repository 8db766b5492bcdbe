"""Deep Learning (I. Goodfellow, Y. Bengio and A. Courville, 2016), section 20.10.3, in Keras.

Equation numbers are the book's. q(z|x) = q(z; f(x; θ)), so that θ are the encoder's weights; p_model(x|z) = p_model(x;
g(z)), and the weights of g have no letter. The bound is maximised. f and g are abstract in the book and multilayer
perceptrons here; q is a Gaussian, "noise added to a predicted mean", and that noise has no letter either.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


def log_normal(x: Any, mean: Any, log_sd: Any) -> Any:
    """Axes [..., any], broadcast → the log density of the last axis: [...]."""
    return -ops.sum(0.5 * (math.log(2 * math.pi) + ((x - mean) * ops.exp(-log_sd)) ** 2) + log_sd, axis=-1)


class VAE(keras.Model):
    """p_model(z), here standard normal, p_model(x; g(z)) and q(z; f(x; θ)).

    The book gives no sizes. `likelihood`: `bernoulli`, of means g(z); `gaussian-fixed`, of means g(z) and the constant
    `variance`; or `gaussian`, for which g gives standard deviations too.
    """

    def __init__(
        self,
        data: int = 784,
        latent: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "gaussian-fixed",
        variance: float = 1.0,
    ) -> None:
        super().__init__()
        self.latent = latent
        self.likelihood = likelihood
        self.log_constant = 0.5 * math.log(variance)
        heads = {"bernoulli": ("logit",), "gaussian": ("mean", "log_sd")}.get(likelihood, ("mean",))
        self.θ = MLP(data, hidden, {"mean": latent, "log_sd": latent}, activation, name="theta")
        self.g = MLP(latent, hidden[::-1], dict.fromkeys(heads, data), activation, name="g")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def f(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → f(x; θ), the mean and the log standard deviation of q: [batch, latent] each."""
        return self.θ(x)

    def decoder(self, z: Any) -> tuple[Any, ...]:
        """z: [sample, batch, latent] → g(z), or its logit, and any log standard deviation: [sample, batch, data]."""
        return self.g(z)

    def log_p_x_z(self, x: Any, parameters: tuple[Any, ...]) -> Any:
        """x: [batch, data], parameters: what the decoder returns → log p_model(x|z): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logit = parameters[0]
            return ops.sum(x * ops.log_sigmoid(logit) + (1 - x) * ops.log_sigmoid(-logit), axis=-1)
        if self.likelihood == "gaussian":
            return log_normal(x, *parameters)
        return log_normal(x, parameters[0], ops.full_like(parameters[0], self.log_constant))

    def log_p_z(self, z: Any) -> Any:
        """z: [sample, batch, latent] → log p_model(z): [sample, batch]."""
        return log_normal(z, ops.zeros_like(z), ops.zeros_like(z))

    def D_KL(self, mean: Any, log_sd: Any) -> Any:
        """mean, log_sd: [batch, latent] → D_KL(q(z|x) ‖ p_model(z)), of which the book has no closed form: [batch]."""
        return ops.sum(0.5 * (ops.exp(2 * log_sd) + mean**2 - 1) - log_sd, axis=-1)

    def quantities(self, x: Any, noise: Any) -> dict[str, Any]:
        """x: [batch, data], noise: [sample, batch, latent] → what the section defines for a data point x."""
        k = noise.shape[0]
        mean, log_sd = self.f(x)
        sd = ops.exp(log_sd)
        z = mean + sd * noise
        parameters = self.decoder(z)
        log_p_x_z, log_p_z, log_q_z_x = self.log_p_x_z(x, parameters), self.log_p_z(z), log_normal(z, mean, log_sd)
        log_ratio = log_p_x_z + log_p_z - log_q_z_x  # log p_model(x, z) - log q(z|x)
        D_KL = self.D_KL(mean, log_sd)
        names = ("logit_g_z",) if self.likelihood == "bernoulli" else ("g_z", "log_sd_x")
        probability = {"g_z": ops.sigmoid(parameters[0])} if self.likelihood == "bernoulli" else {}
        return {
            "mean": mean,
            "log_sd": log_sd,
            "sd": sd,
            "z": z,
            **dict(zip(names, parameters, strict=False)),
            **probability,
            "log_p_x_z": ops.mean(log_p_x_z, axis=0),
            "log_p_z": ops.mean(log_p_z, axis=0),
            "log_q_z_x": ops.mean(log_q_z_x, axis=0),
            "D_KL": D_KL,
            "L_q_MC": ops.mean(log_ratio, axis=0),  # (20.76), both expectations sampled
            "L_q": ops.mean(log_p_x_z, axis=0) - D_KL,  # (20.77)
            "L_k": ops.logsumexp(log_ratio, axis=0) - math.log(k),  # (20.79)
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → log p_model(x|z), p_model(z) and q(z|x): [sample, batch]."""
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_x": log_normal(z, *self.f(x)),
        }

    def bound(self, L_q: Any) -> Any:
        """L_q: [batch] → its sum over the data points, of which the book has one: scalar."""
        return ops.sum(L_q)

    def objective(self, x: Any, noise: Any) -> Any:
        """x: [batch, data], noise: [sample, batch, latent] → the bound, to be maximised: scalar."""
        return self.bound(self.quantities(x, noise)["L_q"])

    def call(self, x: Any) -> Any:
        """x: [batch, data] → L(q) with one draw of z: [batch]."""
        noise = keras.random.normal((1, ops.shape(x)[0], self.latent), dtype=x.dtype, seed=self.seed_generator)
        return self.quantities(x, noise)["L_q"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: L(q) of the batch [batch] → the negative bound, which Keras minimises: scalar."""
        return -self.bound(y_pred)
