"""VAE with a VampPrior (J. M. Tomczak and M. Welling, AISTATS 2018, arXiv:1705.07120), in Keras.

Names are the paper's where it has them (θ, φ, λ, u, K) and else those of the published code, jmtomczak/vae_vampprior,
models/VAE.py. The loss, -RE + beta KL with a sampled KL, is minimised. Added: sizes are arguments, ε can be one, and
logits and log-variances can stay as they are, which the code clamps (the methods `..._as_published` clamp them too).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
from keras import layers, ops


class GatedDense(keras.layers.Layer):
    """A linear layer times the sigmoid of another one."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.h = linear(fan_in, fan_out)
        self.g = linear(fan_in, fan_out)
        self.built = True

    def call(self, x: Any) -> Any:
        """x: [..., in] → [..., out]."""
        return self.h(x) * ops.sigmoid(self.g(x))


class NonLinear(keras.layers.Layer):
    """A linear layer, then an activation of Keras: `tanh`, `relu`."""

    def __init__(self, fan_in: int, fan_out: int, activation: str) -> None:
        super().__init__()
        self.linear = linear(fan_in, fan_out)
        self.activation = keras.activations.get(activation)
        self.built = True

    def call(self, x: Any) -> Any:
        """x: [..., in] → [..., out]."""
        return self.activation(self.linear(x))


class Encoder(keras.layers.Layer):
    """φ: the net of q_φ(z|x)."""

    def __init__(self, sizes: Sequence[int], z1_size: int, activation: str) -> None:
        super().__init__(name="phi")
        self.q_z_layers = hidden_layers(sizes, activation)
        self.q_z_mean = linear(sizes[-1], z1_size)
        self.q_z_logvar = linear(sizes[-1], z1_size)
        self.built = True

    def call(self, x: Any) -> tuple[Any, Any]:
        """x: [any, data] → mean, logvar: [any, latent] each."""
        for layer in self.q_z_layers:
            x = layer(x)
        return self.q_z_mean(x), self.q_z_logvar(x)


class Decoder(keras.layers.Layer):
    """θ: the net of p_θ(x|z)."""

    def __init__(self, sizes: Sequence[int], data_dim: int, activation: str) -> None:
        super().__init__(name="theta")
        self.p_x_layers = hidden_layers(sizes, activation)
        self.p_x_mean = linear(sizes[-1], data_dim)
        self.built = True

    def call(self, z: Any) -> Any:
        """z: [..., latent] → the logit of the mean: [..., data]."""
        for layer in self.p_x_layers:
            z = layer(z)
        return self.p_x_mean(z)


class VAE(keras.Model):
    """p_λ(z) = 1/K Σ_k q_φ(z|u_k) (`vamp`), or N(0, I) (`standard`); p_θ(x|z) is Bernoulli.

    `beta` weighs the KL: in the code it rises from 0 to 1 over 100 epochs, the warm-up. `compile` again where it has
    changed.
    """

    def __init__(
        self,
        data_dim: int = 784,
        z1_size: int = 40,
        hidden: Sequence[int] = (300, 300),
        activation: str = "gated",
        prior: str = "vamp",
        K: int = 500,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        self.z1_size = z1_size
        self.K = K
        self.beta = beta
        self.φ = Encoder((data_dim, *hidden), z1_size, activation)
        self.θ = Decoder((z1_size, *hidden[::-1]), data_dim, activation)
        self.u = None
        if prior == "vamp":
            start = keras.initializers.RandomNormal(0.05, 0.01)
            self.u = self.add_weight(shape=(K, data_dim), initializer=start, name="u")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def q_z(self, x: Any, published: bool = False) -> tuple[Any, Any]:
        """x: [any, data] → mean, logvar of q_φ(z|x): [any, latent] each; as published, logvar is kept in [-6, 2]."""
        mean, logvar = self.φ(x)
        return mean, ops.clip(logvar, -6.0, 2.0) if published else logvar

    def p_x(self, z: Any) -> Any:
        """z: [..., latent] → x_logit, of the mean of p_θ(x|z): [..., data]."""
        return self.θ(z)

    def λ(self, published: bool = False) -> tuple[Any, Any]:
        """λ = {u_1, …, u_K, φ} → mean, logvar of each q_φ(z|u_k): [component, latent] each.

        As published, pseudo-inputs are kept in [0, 1].
        """
        u = ops.convert_to_tensor(self.u)
        return self.q_z(ops.clip(u, 0.0, 1.0) if published else u, published)

    def log_p_z(self, z: Any, published: bool = False) -> Any:
        """z: [sample, batch, latent] → log p_λ(z) without its log 2π: [sample, batch]."""
        if self.u is None:
            return log_Normal_standard(z)
        means, logvars = self.λ(published)
        a = log_Normal_diag(ops.expand_dims(z, -2), means, logvars) - math.log(means.shape[0])
        return ops.logsumexp(a, axis=-1)  # a: [sample, batch, component]

    def quantities(self, x: Any, ε: Any, published: bool = False) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent] → what the loss is made of, per datum, averaged over draws."""
        S = ε.shape[0]
        z_q_mean, z_q_logvar = self.q_z(x, published)
        std = ops.exp(0.5 * z_q_logvar)
        z = ε * std + z_q_mean
        x_logit = self.p_x(z)
        RE = log_Bernoulli(x, x_logit, published)
        log_p_z = self.log_p_z(z, published)
        log_q_z = log_Normal_diag(z, z_q_mean, z_q_logvar)
        KL = -(log_p_z - log_q_z)
        return {
            "z_q_mean": z_q_mean,
            "z_q_logvar": z_q_logvar,
            "std": std,
            "z": z,
            "x_logit": x_logit,
            "x_mean": ops.sigmoid(x_logit),
            "RE": ops.mean(RE, axis=0),
            "log_p_z": ops.mean(log_p_z, axis=0),
            "log_q_z": ops.mean(log_q_z, axis=0),
            "KL": ops.mean(KL, axis=0),
            "L": ops.mean(RE - KL, axis=0),
            "likelihood_x": ops.logsumexp(RE - KL, axis=0) - math.log(S),  # calculate_likelihood, with S = 5000
        }

    def quantities_as_published(self, x: Any, ε: Any) -> dict[str, Any]:
        """`quantities` with the code's clamps: of log-variances, pseudo-inputs and probabilities."""
        return self.quantities(x, ε, published=True)

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_λ(z), log q_φ(z|x): [sample, batch]."""
        return {
            "RE": log_Bernoulli(x, self.p_x(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z": log_Normal_diag(z, *self.q_z(x)),
        }

    def average_loss(self, RE: Any, KL: Any) -> Any:
        """RE, KL: [batch] → the loss, -RE + beta KL, averaged: scalar."""
        loss = -RE + self.beta * KL
        return ops.mean(loss)

    def calculate_loss(self, x: Any, ε: Any, published: bool = False) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → the loss, to be minimised: scalar."""
        quantities = self.quantities(x, ε, published)
        return self.average_loss(quantities["RE"], quantities["KL"])

    def calculate_loss_as_published(self, x: Any, ε: Any) -> Any:
        """`calculate_loss` with the code's clamps."""
        return self.calculate_loss(x, ε, published=True)

    def call(self, x: Any) -> tuple[Any, Any]:
        """x: [batch, data] → RE, KL at one draw of z, for `average_loss`: [batch] each."""
        shape = (1, ops.shape(x)[0], self.z1_size)
        ε = keras.random.normal(shape, dtype=x.dtype, seed=self.seed_generator)
        quantities = self.quantities(x, ε, published=True)
        return quantities["RE"], quantities["KL"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: what `call` returned → the loss, for `fit`: scalar."""
        return self.average_loss(*y_pred)


def log_Normal_diag(x: Any, mean: Any, log_var: Any) -> Any:
    """Axes [..., any], broadcast → log N(x; mean, diag(exp log_var)) of the last axis, without its log 2π: [...]."""
    return -0.5 * ops.sum(log_var + (x - mean) ** 2 / ops.exp(log_var), axis=-1)


def log_Normal_standard(x: Any) -> Any:
    """x: [..., any] → log N(x; 0, I) of the last axis, without its log 2π: [...]."""
    return -0.5 * ops.sum(x**2, axis=-1)


def log_Bernoulli(x: Any, logit: Any, published: bool = False) -> Any:
    """x: [batch, data], logit: [sample, batch, data] → log p: [sample, batch]; as published, of clipped means."""
    if not published:
        return ops.sum(x * ops.log_sigmoid(logit) + (1 - x) * ops.log_sigmoid(-logit), axis=-1)
    probs = ops.clip(ops.sigmoid(logit), 1e-5, 1 - 1e-5)
    return ops.sum(x * ops.log(probs) + (1 - x) * ops.log(1 - probs), axis=-1)


def hidden_layers(sizes: Sequence[int], activation: str) -> list[keras.layers.Layer]:
    """Layers between these sizes, `gated` or with an activation."""
    pairs = pairwise(sizes)
    if activation == "gated":
        return [GatedDense(*pair) for pair in pairs]
    return [NonLinear(*pair, activation) for pair in pairs]


def linear(fan_in: int, fan_out: int) -> layers.Dense:
    """A linear layer [..., in] → [..., out] with the code's he_init (but biases of 0), its weights made at once."""
    start = keras.initializers.RandomNormal(stddev=math.sqrt(2 / fan_in))
    layer = layers.Dense(fan_out, kernel_initializer=start)
    layer.build((None, fan_in))
    return layer
