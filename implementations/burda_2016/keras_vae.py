"""Importance Weighted Autoencoders (Y. Burda, R. Grosse and R. Salakhutdinov, ICLR 2016, arXiv:1509.00519), in Keras.

Equation numbers are the paper's. One letter, θ, has the weights of both nets. The latent is h, here of one stochastic
layer, x = h⁰, and the bound L_k on k samples is maximised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


class Nets(keras.layers.Layer):
    """θ: the recognition net q and the generative net p, started as Glorot and Bengio (2010) do, with biases of 0."""

    def __init__(self, q: MLP, p: MLP) -> None:
        super().__init__(name="theta")
        self.q = q
        self.p = p
        self.built = True


class IWAE(keras.Model):
    """p(h|θ) = N(0, I), q(h|x, θ) = N(μ, Σ) with Σ = diag(σ), and a p(x|h, θ) that is `bernoulli` or `gaussian`.

    784-200-200-50 and back, with tanh: the paper's network of one stochastic layer.
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 50,
        hidden: Sequence[int] = (200, 200),
        activation: str = "tanh",
        likelihood: str = "bernoulli",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.bernoulli = likelihood == "bernoulli"
        heads = ("logits",) if self.bernoulli else ("μ", "log_σ")
        self.θ = Nets(
            q=MLP(data_dim, hidden, {"μ": latent_dim, "log_σ": latent_dim}, activation, name="q"),
            p=MLP(latent_dim, hidden[::-1], dict.fromkeys(heads, data_dim), activation, name="p"),
        )
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def q(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ(x, θ), log σ(x, θ) of q(h|x, θ): [batch, latent] each; σ is a variance."""
        return self.θ.q(x)

    def p(self, h: Any) -> tuple[Any, ...]:
        """h: [..., latent] → the logits of p(x|h, θ), or its μ(h, θ), log σ(h, θ): [..., data] each."""
        return self.θ.p(h)

    def log_N(self, h: Any, μ: Any, log_σ: Any) -> Any:
        """Axes [..., any], broadcast → log N(h; μ, diag(σ)) of the last axis: [...]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + log_σ + (h - μ) ** 2 / ops.exp(log_σ), axis=-1)

    def log_p_x_h(self, x: Any, heads: tuple[Any, ...]) -> Any:
        """x: [batch, data], heads: what `p` returns → log p(x|h, θ): [sample, batch]."""
        if self.bernoulli:
            (logits,) = heads
            return ops.sum(x * ops.log_sigmoid(logits) + (1 - x) * ops.log_sigmoid(-logits), axis=-1)
        return self.log_N(x, *heads)

    def log_p_h(self, h: Any) -> Any:
        """h: [sample, batch, latent] → log p(h|θ) = log N(h; 0, I), which has no weights: [sample, batch]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + h**2, axis=-1)

    def log_mean_exp(self, log_w: Any) -> Any:
        """log_w: [sample, batch] → log 1/k Σ_i w_i: [batch]."""
        k = log_w.shape[0]
        return ops.logsumexp(log_w, axis=0) - math.log(k)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent], its k samples → the bounds L_1 and L_k, and their parts."""
        μ, log_σ = self.q(x)
        Σ = ops.exp(log_σ)  # the diagonal
        sqrt_Σ = ops.exp(log_σ / 2)
        h = sqrt_Σ * ε + μ  # section 2: h(ε, x, θ) = Σ(x, θ)^(1/2) ε + μ(x, θ)
        heads = self.p(h)
        log_p_x_h, log_p_h, log_q_h = self.log_p_x_h(x, heads), self.log_p_h(h), self.log_N(h, μ, log_σ)
        log_w = log_p_x_h + log_p_h - log_q_h  # w_i = p(x, h_i|θ)/q(h_i|x, θ)
        decoded = {"logits": heads[0], "mean": ops.sigmoid(heads[0])}
        return {
            "q.μ": μ,
            "q.log_σ": log_σ,
            "Σ": Σ,
            "sqrt_Σ": sqrt_Σ,
            "h": h,
            **(decoded if self.bernoulli else dict(zip(("p.μ", "p.log_σ"), heads, strict=True))),
            "log_p_x_h": ops.mean(log_p_x_h, axis=0),
            "log_p_h": ops.mean(log_p_h, axis=0),
            "log_q_h": ops.mean(log_q_h, axis=0),
            "L_1": ops.mean(log_w, axis=0),  # (3), averaged over the samples
            "L_k": self.log_mean_exp(log_w),  # (8)
        }

    def densities(self, x: Any, h: Any) -> dict[str, Any]:
        """x: [batch, data], h: [sample, batch, latent] → log p(x|h, θ), log p(h|θ), log q(h|x, θ): [sample, batch]."""
        return {
            "log_p_x_h": self.log_p_x_h(x, self.p(h)),
            "log_p_h": self.log_p_h(h),
            "log_q_h": self.log_N(h, *self.q(x)),
        }

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → the mean of L_k(x), to be maximised: scalar."""
        return ops.mean(self.quantities(x, ε)["L_k"])

    def call(self, x: Any, k: int = 5) -> Any:
        """x: [batch, data] → L_k(x) on k fresh samples: [batch]."""
        shape = (k, ops.shape(x)[0], self.latent_dim)
        return self.quantities(x, keras.random.normal(shape, dtype=x.dtype, seed=self.seed_generator))["L_k"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: L_k of the batch [batch] → its negative mean, which Keras minimises: scalar."""
        return -ops.mean(y_pred)
