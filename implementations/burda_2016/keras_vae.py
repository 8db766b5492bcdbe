"""Importance Weighted Autoencoders (Y. Burda, R. Grosse and R. Salakhutdinov, ICLR 2016, arXiv:1509.00519), in Keras.

Equation numbers are the paper's. One letter, θ, has the weights of both nets. The latents are h = {h¹, …, h^L}, one
after the other in one tensor, and x = h⁰; the bound L_k on k samples is maximised.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


class Nets(keras.layers.Layer):
    """θ: the recognition nets q and the generative nets p, started as Glorot and Bengio (2010) do, with biases of 0."""

    def __init__(self, q: MLP, p: MLP, q_h: Sequence[MLP], p_h: Sequence[MLP]) -> None:
        """`q`: of q(h¹|x), `p`: of p(x|h¹); `q_h`, `p_h`: of q(h^{l+1}|h^l) and p(h^l|h^{l+1}), from l = 1 on."""
        super().__init__(name="theta")
        self.q = q
        self.p = p
        self.q_h = list(q_h)
        self.p_h = list(p_h)
        self.built = True


class IWAE(keras.Model):
    """p(h^L|θ) = N(0, I); each q(h^l|h^{l-1}, θ) is N(μ, Σ) with Σ = diag(σ), and so is each p(h^l|h^{l+1}, θ).

    784-200-200-50 and back, with tanh: the paper's network of one stochastic layer. `layers` has the sizes of several,
    of which `latent_dim` is the sum; `likelihood`: `bernoulli` or `gaussian`.
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 50,
        hidden: Sequence[int] = (200, 200),
        activation: str = "tanh",
        likelihood: str = "bernoulli",
        layers: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.sizes = tuple(layers or (latent_dim,))  # `layers` is Keras' own attribute
        self.bernoulli = likelihood == "bernoulli"
        heads = ("logits",) if self.bernoulli else ("μ", "log_σ")

        def gaussian(fan_in: int, widths: Sequence[int], fan_out: int, name: str) -> MLP:
            return MLP(fan_in, widths, {"μ": fan_out, "log_σ": fan_out}, activation, name=name)

        pairs = list(enumerate(pairwise(self.sizes), start=1))
        self.θ = Nets(
            q=gaussian(data_dim, hidden, self.sizes[0], "q"),
            p=MLP(self.sizes[0], hidden[::-1], dict.fromkeys(heads, data_dim), activation, name="p"),
            q_h=[gaussian(below, hidden, above, f"q_h_{i}") for i, (below, above) in pairs],
            p_h=[gaussian(above, hidden[::-1], below, f"p_h_{i}") for i, (below, above) in pairs],
        )
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def q(self, x: Any) -> tuple[Any, ...]:
        """x: [batch, data] → μ(x, θ), log σ(x, θ) of q(h¹|x, θ): [batch, latent] each; σ is a variance."""
        return self.θ.q(x)

    def p(self, h: Any) -> tuple[Any, ...]:
        """h: [..., latent] → the logits of p(x|h¹, θ), or its μ(h¹, θ), log σ(h¹, θ): [..., data] each."""
        return self.θ.p(self.split(h)[0])

    def split(self, h: Any) -> list[Any]:
        """h: [..., latent] → h¹, …, h^L."""
        return [h[..., end - size : end] for end, size in zip(accumulate(self.sizes), self.sizes, strict=True)]

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
        """h: [sample, batch, latent] → log p(h^L|θ), which has no weights, + … + log p(h¹|h², θ): [...]."""
        *lower, h_L = self.split(h)
        log_p_h = -0.5 * ops.sum(math.log(2 * math.pi) + h_L**2, axis=-1)
        for h_l, above, net in zip(lower, self.split(h)[1:], self.θ.p_h, strict=True):
            log_p_h = log_p_h + self.log_N(h_l, *net(above))
        return log_p_h

    def log_q_h(self, x: Any, h: Any) -> Any:
        """x: [batch, data], h: [sample, batch, latent] → log q(h¹|x, θ) + … + log q(h^L|h^{L-1}, θ): [...]."""
        h_1, *upper = self.split(h)
        log_q_h = self.log_N(h_1, *self.q(x))
        for h_l, below, net in zip(upper, self.split(h), self.θ.q_h, strict=False):
            log_q_h = log_q_h + self.log_N(h_l, *net(below))
        return log_q_h

    def log_mean_exp(self, log_w: Any) -> Any:
        """log_w: [sample, batch] → log 1/k Σ_i w_i: [batch]."""
        k = log_w.shape[0]
        return ops.logsumexp(log_w, axis=0) - math.log(k)

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent], its k samples → the bounds L_1 and L_k, and their parts."""
        μ, log_σ = self.q(x)
        Σ = ops.exp(log_σ)  # the diagonal
        sqrt_Σ = ops.exp(log_σ / 2)
        ε_1, *ε_upper = self.split(ε)
        h_l = [sqrt_Σ * ε_1 + μ]  # section 2: h(ε, x, θ) = Σ(x, θ)^(1/2) ε + μ(x, θ)
        for ε_l, net in zip(ε_upper, self.θ.q_h, strict=True):
            μ_l, log_σ_l = net(h_l[-1])
            h_l.append(ops.exp(log_σ_l / 2) * ε_l + μ_l)
        h = ops.concatenate(h_l, axis=-1)
        heads = self.p(h)
        log_p_x_h, log_p_h, log_q_h = self.log_p_x_h(x, heads), self.log_p_h(h), self.log_q_h(x, h)
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
            "log_q_h": self.log_q_h(x, h),
        }

    def objective(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → the mean of L_k(x), to be maximised: scalar."""
        return ops.mean(self.quantities(x, ε)["L_k"])

    def call(self, x: Any, k: int = 5) -> Any:
        """x: [batch, data] → L_k(x) on k fresh samples: [batch]."""
        shape = (k, ops.shape(x)[0], sum(self.sizes))
        return self.quantities(x, keras.random.normal(shape, dtype=x.dtype, seed=self.seed_generator))["L_k"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: L_k of the batch [batch] → its negative mean, which Keras minimises: scalar."""
        return -ops.mean(y_pred)
