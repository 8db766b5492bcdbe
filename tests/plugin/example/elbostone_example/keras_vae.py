"""A notation of another distribution, in Keras: θ recognises, φ generates, log s is half a log-variance."""

import math
from typing import Any

import keras
from keras import layers, ops


class Example(keras.Model):
    """θ = {A, B, C}, φ = {D, E}."""

    def __init__(self, V: int = 784, J: int = 400, K: int = 20, activation: str = "tanh") -> None:
        super().__init__()
        self.A, self.B, self.C = linear(V, J), linear(J, K), linear(J, K)
        self.D, self.E = linear(K, J), linear(J, V)
        self.f = keras.activations.get(activation)
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def recognise(self, v: Any) -> tuple[Any, Any]:
        """v: [batch, data] → m, log_s: [batch, latent] each (eq. 1)."""
        j = self.f(self.A(v))
        return self.B(j), self.C(j)

    def generate(self, h: Any) -> Any:
        """h: [..., latent] → a: [..., data] (eq. 3)."""
        return self.E(self.f(self.D(h)))

    def terms(self, v: Any, n: Any) -> dict[str, Any]:
        """v: [batch, data], n: [sample, batch, latent] → what the notation defines, per datum."""
        m, log_s = self.recognise(v)
        h = m + ops.exp(log_s) * n  # eq. 2
        a = self.generate(h)
        log_p = ops.mean(self.log_p(v, a), axis=0)
        log_q = -ops.mean(ops.sum(0.5 * (n**2 + math.log(2 * math.pi)) + log_s, axis=-1), axis=0)
        K = -0.5 * ops.sum(1 + 2 * log_s - m**2 - ops.exp(2 * log_s), axis=-1)  # eq. 5
        B = log_p - K  # eq. 6
        return {"m": m, "log_s": log_s, "h": h, "a": a, "log_p": log_p, "log_q": log_q, "K": K, "B": B}

    def log_p(self, v: Any, a: Any) -> Any:
        """v: [batch, data], a: [sample, batch, data] → log p_φ(v|h): [sample, batch] (eq. 4)."""
        return ops.sum(v * ops.log_sigmoid(a) + (1 - v) * ops.log_sigmoid(-a), axis=-1)

    def densities(self, v: Any, h: Any) -> dict[str, Any]:
        """v: [batch, data], h: [sample, batch, latent] → log p_φ(v|h), log q_θ(h|v): [sample, batch] each."""
        m, log_s = self.recognise(v)
        log_q = -ops.sum(0.5 * (((h - m) * ops.exp(-log_s)) ** 2 + math.log(2 * math.pi)) + log_s, axis=-1)
        return {"log_p": self.log_p(v, self.generate(h)), "log_q": log_q}

    def bound(self, v: Any, n: Any) -> Any:
        """v: [batch, data], n: [sample, batch, latent] → the mean bound, to be maximised: scalar (eq. 7)."""
        return ops.mean(self.terms(v, n)["B"])

    def call(self, v: Any) -> Any:
        """v: [batch, data] → the mean bound at one draw: scalar."""
        shape = (1, ops.shape(v)[0], self.B.units)
        return self.bound(v, keras.random.normal(shape, dtype=v.dtype, seed=self.seed_generator))

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: the mean bound → its negative, which `fit` minimises: scalar."""
        return -y_pred


def linear(fan_in: int, fan_out: int) -> layers.Dense:
    """[..., in] → [..., out], with its weights made at once."""
    layer = layers.Dense(fan_out)
    layer.build((None, fan_in))
    return layer
