"""Variational Inference: A Review for Statisticians (D. M. Blei, A. Kucukelbir, J. D. McAuliffe, 2017), in Keras.

There is no encoder: every datum x_i has variational parameters of its own, φ_i = (m_i, s_i²) of q(z_i|φ_i). What stands
behind the bar are here the parameters of the distribution itself. z is local; β, the weights of p(x|z), is global: a
point, or with q(β|λ), λ = (m, s²) of every weight. The paper (arXiv:1601.00670) leaves the model open; here p(z) and
p(β) are standard normal. ELBO(q) is maximised.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import ACTIVATIONS

HEADS = {"bernoulli": ("logits",), "gaussian": ("mean", "log_variance"), "gaussian-fixed": ("mean",)}


def log_normal(x: Any, m: Any, log_s2: Any) -> Any:
    """Axes [..., any], broadcast → log N(x; m, s²) of the last axis: [...]."""
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_s2 + (x - m) ** 2 / ops.exp(log_s2), axis=-1)


def KL_normal(m: Any, log_s2: Any) -> Any:
    """Any axes → KL(N(m, s²) ‖ N(0, 1)), element by element."""
    return 0.5 * (ops.exp(log_s2) + m**2 - 1 - log_s2)


def affine(a: Any, weight: Any, bias: Any) -> Any:
    """a: [..., in], weight: [out, in] or [sample, out, in], bias: [out] or [sample, out] → [..., out]."""
    return a @ ops.swapaxes(weight, -1, -2) + ops.expand_dims(bias, -2)


class Named(keras.layers.Layer):
    """Weights under the names given. `starts`: name → shape and initializer."""

    def __init__(self, starts: Mapping[str, tuple[tuple[int, ...], Any]], name: str) -> None:
        super().__init__(name=name)
        self.names = tuple(starts)
        for own, (shape, start) in starts.items():
            setattr(self, own, self.add_weight(shape=shape, initializer=start, name=own))
        self.built = True

    def by_name(self) -> dict[str, Any]:
        """Name → its weight; the same names each time, in their order."""
        return {name: getattr(self, name) for name in self.names}


class Global(keras.layers.Layer):
    """λ = (m, s²), by name of β's parts. `starts`: as of `Named`, for m."""

    def __init__(self, starts: Mapping[str, tuple[tuple[int, ...], Any]]) -> None:
        super().__init__(name="lambda")
        self.m = Named(starts, name="m")
        narrow = {name: (shape, keras.initializers.Constant(-6.0)) for name, (shape, _) in starts.items()}
        self.log_s2 = Named(narrow, name="log_s2")
        self.built = True


class VAE(keras.Model):
    """p(β, z, x) = p(β) Π_i p(z_i) p(x_i|z_i, β) and q(β, z) = q(β|λ) Π_i q(z_i|φ_i), for `n` data.

    `likelihood` of x given a network of z whose weights are β: `bernoulli`, `gaussian` or `gaussian-fixed` (of constant
    `variance`). `decoder_weights`: β is a `point`, with neither p(β) nor q(β|λ), or has a `posterior`.

    `fit` needs all data in each batch, in their order: `batch_size=n, shuffle=False`.
    """

    def __init__(
        self,
        n: int = 64,
        data_dim: int = 64,
        latent_dim: int = 8,
        hidden: Sequence[int] = (32,),
        activation: str = "tanh",
        likelihood: str = "bernoulli",
        variance: float = 1.0,
        decoder_weights: str = "point",
    ) -> None:
        super().__init__()
        self.likelihood, self.depth = likelihood, len(hidden)
        self.activation = ACTIVATIONS[activation]
        self.log_variance = math.log(variance)
        self.is_global = decoder_weights == "posterior"
        widths = (latent_dim, *hidden[::-1])
        sizes = {f"hidden_{i}": pair for i, pair in enumerate(pairwise(widths))}
        sizes |= dict.fromkeys(HEADS[likelihood], (widths[-1], data_dim))
        starts: dict[str, tuple[tuple[int, ...], Any]] = {}
        for name, (fan_in, fan_out) in sizes.items():
            starts[f"{name}_weight"] = (fan_out, fan_in), keras.initializers.RandomNormal(stddev=1 / math.sqrt(fan_in))
            starts[f"{name}_bias"] = (fan_out,), keras.initializers.Zeros()
        local = {"m": keras.initializers.RandomNormal(stddev=0.1), "log_s2": keras.initializers.Zeros()}
        self.φ = Named({part: ((n, latent_dim), start) for part, start in local.items()}, name="phi")
        if self.is_global:
            self.λ = Global(starts)
        else:
            self.β = Named(starts, name="beta")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def decoder(self, z: Any, β: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """z: [..., latent], β: name → [...] or [sample, ...], else the point or mean → parameters of p(x|z, β).

        Returns logits; or mean, log variance; or mean: [..., data] each.
        """
        h, β = z, self.means() if β is None else β
        for i in range(self.depth):
            h = self.activation(affine(h, β[f"hidden_{i}_weight"], β[f"hidden_{i}_bias"]))
        return tuple(affine(h, β[f"{head}_weight"], β[f"{head}_bias"]) for head in HEADS[self.likelihood])

    def means(self) -> dict[str, Any]:
        """The means in λ, or the point β: by name."""
        return (self.λ.m if self.is_global else self.β).by_name()

    def drawn(self, ζ: Mapping[str, Any] | None) -> dict[str, Any]:
        """ζ: name → [sample, ...], standard normal → a draw of q(β|λ): as ζ; without one the point: name → [...]."""
        means = self.means()
        if ζ is None:
            return means
        return {name: means[name] + ops.exp(log_s2 / 2) * ζ[name] for name, log_s2 in self.λ.log_s2.by_name().items()}

    def log_p_x_z(self, x: Any, heads: tuple[Any, ...]) -> Any:
        """x: [data count, data], heads: what the decoder returns → log p(x_i|z_i, β): [sample, data count]."""
        if self.likelihood == "bernoulli":
            return ops.sum(x * ops.log_sigmoid(heads[0]) + (1 - x) * ops.log_sigmoid(-heads[0]), axis=-1)
        if self.likelihood == "gaussian":
            return log_normal(x, *heads)
        return log_normal(x, heads[0], ops.full_like(heads[0], self.log_variance))

    def log_p_z(self, z: Any) -> Any:
        """z: [sample, data count, latent] → log p(z_i): [sample, data count]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + z**2, axis=-1)

    def KL_β(self) -> Any:
        """→ KL(q(β|λ) ‖ p(β)) over all weights: scalar."""
        pairs = zip(self.λ.m.by_name().values(), self.λ.log_s2.by_name().values(), strict=True)
        return sum(ops.sum(KL_normal(m, log_s2)) for m, log_s2 in pairs)

    def log_q_over_p_β(self, β: Mapping[str, Any], ζ: Mapping[str, Any]) -> Any:
        """β, ζ: name → [sample, ...] → log q(β|λ) - log p(β): [sample]."""
        total = 0.0
        for name, log_s2 in self.λ.log_s2.by_name().items():
            ratio = β[name] ** 2 - ζ[name] ** 2 - log_s2  # (β - m)/s = ζ
            total += 0.5 * ops.sum(ratio, axis=tuple(range(1, len(ratio.shape))))
        return total

    def quantities(self, x: Any, ε: Any, ζ: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The ELBO and its parts, by datum, but for those of β; expectations are means over draws where not closed.

        x: [data count, data], all data in their order; ε: [sample, data count, latent]; ζ: name → [sample, ...], of β.
        """
        m, log_s2 = ops.convert_to_tensor(self.φ.m), ops.convert_to_tensor(self.φ.log_s2)
        z, β = m + ops.exp(log_s2 / 2) * ε, self.drawn(ζ)
        heads = self.decoder(z, β)
        log_p_x_z = self.log_p_x_z(x, heads)
        log_p_z = self.log_p_z(z)
        log_q_z = -0.5 * ops.sum(math.log(2 * math.pi) + log_s2 + ε**2, axis=-1)  # (z - m)/s = ε
        KL = ops.sum(KL_normal(m, log_s2), axis=-1)
        probability = {"probability": ops.sigmoid(heads[0])} if self.likelihood == "bernoulli" else {}
        globals_ = {}
        if ζ is not None:
            globals_ = {"KL_β": self.KL_β(), "log_q_over_p_β": ops.mean(self.log_q_over_p_β(β, ζ), axis=0)}
        return {
            "φ.m": m,
            "φ.log_s2": log_s2,
            "φ.s2": ops.exp(log_s2),
            "z": z,
            **dict(zip(HEADS[self.likelihood], heads, strict=True)),
            **probability,
            "log_p_x_z": ops.mean(log_p_x_z, axis=0),
            "log_p_z": ops.mean(log_p_z, axis=0),
            "log_q_z": ops.mean(log_q_z, axis=0),
            "KL": KL,
            "ELBO_i": ops.mean(log_p_x_z, axis=0) - KL,  # unnumbered after (13)
            "ELBO_sampled": ops.mean(log_p_x_z + log_p_z - log_q_z, axis=0),  # (13)
            **globals_,
        }

    def densities(self, x: Any, z: Any, ζ: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """log p(x_i|z_i, β), log p(z_i) and log q(z_i|φ_i): [sample, data count] each.

        x: [data count, data], all data in their order; z: [sample, data count, latent]; ζ: name → [sample, ...], of β.
        """
        return {
            "log_p_x_z": self.log_p_x_z(x, self.decoder(z, self.drawn(ζ))),
            "log_p_z": self.log_p_z(z),
            "log_q_z": log_normal(z, self.φ.m, self.φ.log_s2),
        }

    def ELBO(self, x: Any, ε: Any, ζ: Mapping[str, Any] | None = None) -> Any:
        """x, ε, ζ: as in `quantities` → ELBO(q) of all data, to be maximised: scalar."""
        found = self.quantities(x, ε, ζ)
        return ops.sum(found["ELBO_i"]) - found["KL_β"] if self.is_global else ops.sum(found["ELBO_i"])

    def noise(self, samples: int = 1) -> tuple[Any, dict[str, Any] | None]:
        """→ fresh draws of ε: [sample, data count, latent] and ζ: name → [sample, ...], None where β is a point."""

        def draw(m: Any) -> Any:
            return keras.random.normal((samples, *m.shape), dtype=m.dtype, seed=self.seed_generator)

        return draw(self.φ.m), {name: draw(m) for name, m in self.means().items()} if self.is_global else None

    def call(self, x: Any) -> Any:
        """x: [data count, data], all data in their order → by datum, what adds up to ELBO(q): [data count]."""
        found = self.quantities(x, *self.noise())
        return found["ELBO_i"] - found["KL_β"] / x.shape[0] if self.is_global else found["ELBO_i"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: what adds up to ELBO(q) [data count] → -ELBO(q), which Keras minimises: scalar."""
        return -ops.sum(y_pred)


def gradient_ascent(model: VAE, x: Any, steps: int, learning_rate: float = 0.05) -> None:
    """Ascend noisy gradients of ELBO(q) in φ and λ (or β), in place. x: [data count, data], all data in their order.

    The paper's own example is coordinate ascent, which needs conditionals that a network does not have; of the rule by
    which noisy gradients are followed it leaves the choice, here Adam's.
    """
    model.compile(optimizer=keras.optimizers.Adam(learning_rate))
    for _ in range(steps):
        model.train_on_batch(x)
