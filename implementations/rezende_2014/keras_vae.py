"""Stochastic Backpropagation (D. J. Rezende, S. Mohamed and D. Wierstra, ICML 2014, arXiv:1401.4082), in Keras.

A deep latent Gaussian model θᵍ and its recognition model θʳ (`θ_g`, `θ_r`: Python folds ᵍ and ʳ). The latent is ξ, the
noise of all L layers one after the other, and the free energy is minimised. Networks are multilayer perceptrons here.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import keras
from keras import layers, ops

from .._plain.keras_mlp import MLP


class Generative(keras.layers.Layer):
    """θᵍ: h_L = G_L ξ_L, h_l = T_l(h_{l+1}) + G_l ξ_l; T_0(h_1) are the parameters of π. `G[0]` is G_1, `T[0]` T_1."""

    def __init__(
        self,
        latents: Sequence[int],
        hidden: Sequence[int],
        outputs: Sequence[str],
        data_dim: int,
        activation: str,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.places = tuple(pairwise(accumulate(latents, initial=0)))  # where each ξ_l starts and stops
        self.G = [square(size) for size in latents]
        self.T = [
            MLP(above, hidden, {"h": below}, activation, name=f"T_{i}")
            for i, (below, above) in enumerate(pairwise(latents), start=1)
        ]
        self.T_0 = MLP(latents[0], hidden, dict.fromkeys(outputs, data_dim), activation, name="T_0")
        self.built = True

    def h_1(self, ξ: Any) -> Any:
        """ξ: [..., latent] → h_1, the layer next to the data: [..., latent of it]."""
        parts = [ξ[..., start:stop] for start, stop in self.places]
        h = self.G[-1](parts[-1])  # h_L = G_L ξ_L
        for T, G, part in reversed(list(zip(self.T, self.G[:-1], parts[:-1], strict=True))):
            h = T(h)[0] + G(part)  # h_l = T_l(h_{l+1}) + G_l ξ_l
        return h

    def call(self, ξ: Any) -> tuple[Any, ...]:
        """ξ: [..., latent] → T_0(h_1), the parameters of π: [..., data] each."""
        return self.T_0(self.h_1(ξ))


class DLGM(keras.Model):
    """p(ξ) = N(0, I), v ∼ π(v|T_0(h_1)), q(ξ|v) = N(μ, C) with a `diagonal` C, or `rank-one`: C⁻¹ = D + uuᵀ.

    The recognition net puts out log D, the logarithm of precisions, in both cases. The paper leaves π open:
    `likelihood` is `bernoulli`, `gaussian` or `gaussian-fixed` (of constant `variance`).
    """

    def __init__(
        self,
        data_dim: int = 784,
        latents: Sequence[int] = (200,),
        hidden: Sequence[int] = (200, 200),
        activation: str = "relu",
        likelihood: str = "bernoulli",
        posterior: str = "rank-one",
        variance: float = 1.0,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.log_variance = math.log(variance)
        self.L = len(latents)
        self.sizes = tuple(latents)
        q = ("μ", "log_D", "u") if posterior == "rank-one" else ("μ", "log_D")
        outputs = {"bernoulli": ("logits",), "gaussian": ("mean", "log_variance"), "gaussian-fixed": ("mean",)}[
            likelihood
        ]
        self.θ_r = MLP(data_dim, hidden, dict.fromkeys(q, sum(latents)), activation, name="theta_r")
        self.θ_g = Generative(latents, hidden[::-1], outputs, data_dim, activation, name="theta_g")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def recognition(self, v: Any) -> tuple[Any, ...]:
        """v: [batch, data] → μ, log D, and u where C⁻¹ = D + uuᵀ: [batch, latent] each."""
        return self.θ_r(v)

    def generation(self, ξ: Any) -> tuple[Any, ...]:
        """ξ: [..., latent] → T_0(h_1): logits; or mean, log_variance; or mean: [..., data] each."""
        return self.θ_g(ξ)

    def by_layer(self, *tensors: Any) -> list[tuple[Any, ...]]:
        """Tensors [..., latent] → for each layer l its parts of them: q(ξ|v) = Π_l N(ξ_l; μ_l(v), C_l(v))."""
        parts = [slice(end - size, end) for end, size in zip(accumulate(self.sizes), self.sizes, strict=True)]
        return [tuple(tensor[..., part] for tensor in tensors) for part in parts]

    def eta(self, log_D: Any, u: Any) -> Any:
        """log_D, u: [batch, latent] → η = 1/(1 + uᵀD⁻¹u): [batch, 1]."""
        return 1 / (1 + ops.sum(u * u * ops.exp(-log_D), axis=-1, keepdims=True))

    def share(self, eta: Any) -> Any:
        """η/(1 + √η), which is (1 - √η)/(uᵀD⁻¹u) and, where u = 0, is ½ instead of 0/0: as η."""
        return eta / (1 + ops.sqrt(eta))

    def ξ(self, ε: Any, *heads: Any) -> Any:
        """ε: [sample, batch, latent], heads: what `recognition` returns → the ξ of all layers: as ε."""
        return ops.concatenate([self.ξ_l(*layer) for layer in self.by_layer(ε, *heads)], axis=-1)

    def ξ_l(self, ε: Any, μ: Any, log_D: Any, u: Any = None) -> Any:
        """ε: [sample, batch, latent], the rest: [batch, latent] → ξ_l = μ + Rε, in linear time: as ε."""
        scaled = ops.exp(-0.5 * log_D) * ε
        if u is None:
            return μ + scaled
        # R = D^(-1/2) - (1 - √η)/(uᵀD⁻¹u) D⁻¹uuᵀD^(-1/2)
        along = ops.sum(u * scaled, axis=-1, keepdims=True)
        return μ + scaled - self.share(self.eta(log_D, u)) * along * ops.exp(-log_D) * u

    def log_p_v_ξ(self, v: Any, parameters: tuple[Any, ...]) -> Any:
        """v: [batch, data], parameters: what `generation` returns → log π(v|T_0(h_1)): [sample, batch]."""
        if self.likelihood == "bernoulli":
            logits = parameters[0]
            return ops.sum(v * ops.log_sigmoid(logits) + (1 - v) * ops.log_sigmoid(-logits), axis=-1)
        mean = parameters[0]
        log_variance = parameters[1] if self.likelihood == "gaussian" else ops.full_like(mean, self.log_variance)
        squares = (v - mean) ** 2 * ops.exp(-log_variance)
        return -0.5 * ops.sum(math.log(2 * math.pi) + log_variance + squares, axis=-1)

    def log_p(self, ξ: Any) -> Any:
        """ξ: [sample, batch, latent] → log p(ξ) = log N(ξ; 0, I): [sample, batch]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + ξ**2, axis=-1)

    def log_q(self, ξ: Any, *heads: Any) -> Any:
        """ξ: [sample, batch, latent], heads: what `recognition` returns → log q(ξ|v): [sample, batch]."""
        return sum(self.log_q_l(*layer) for layer in self.by_layer(ξ, *heads))

    def log_q_l(self, ξ: Any, μ: Any, log_D: Any, u: Any = None) -> Any:
        """ξ: [sample, batch, latent], the rest: [batch, latent] → log N(ξ_l; μ, C): [sample, batch]."""
        log_q = -0.5 * ops.sum(math.log(2 * math.pi) - log_D + (ξ - μ) ** 2 * ops.exp(log_D), axis=-1)
        if u is None:
            return log_q
        log_eta = ops.squeeze(ops.log(self.eta(log_D, u)), axis=-1)  # log |C| = log η - log |D|
        return log_q - 0.5 * log_eta - 0.5 * ops.sum(u * (ξ - μ), axis=-1) ** 2

    def D_KL(self, *heads: Any) -> Any:
        """heads: what `recognition` returns → KL[q(ξ|v) ‖ p(ξ)], of all layers: [batch]."""
        return sum(self.D_KL_l(*layer) for layer in self.by_layer(*heads))

    def D_KL_l(self, μ: Any, log_D: Any, u: Any = None) -> Any:
        """μ, log_D, u: [batch, latent] → ½ (Tr C + μᵀμ - log |C| - the size of ξ_l): [batch]."""
        inverse = ops.exp(-log_D)
        if u is None:
            return 0.5 * ops.sum(inverse + μ**2 + log_D - 1, axis=-1)
        eta = self.eta(log_D, u)
        diagonal = inverse - eta * (inverse * u) ** 2
        return 0.5 * (ops.sum(diagonal + μ**2 + log_D - 1, axis=-1) - ops.squeeze(ops.log(eta), axis=-1))

    def F(self, v: Any, ε: Any) -> Any:
        """v: [batch, data], ε: [sample, batch, latent] → the free energy of each v: [batch]."""
        heads = self.recognition(v)
        log_p_v_ξ = self.log_p_v_ξ(v, self.generation(self.ξ(ε, *heads)))
        return self.D_KL(*heads) - ops.mean(log_p_v_ξ, axis=0)

    def matrices(self, log_D: Any, u: Any = None) -> dict[str, Any]:
        """log_D, u: [batch, latent] → C and R, their diagonals where they have nothing else; or all of the matrices."""
        D = ops.exp(log_D)
        if u is None:
            return {"D": D, "C": ops.exp(-log_D), "R": ops.exp(-0.5 * log_D)}
        blocks = zip(*(self.matrices_l(*layer) for layer in self.by_layer(log_D, u)), strict=True)
        C_inv, C, R = (block_diagonal(block) for block in blocks)
        return {"D": D, "u": u, "C_inv": C_inv, "C": C, "R": R}

    def matrices_l(self, log_D: Any, u: Any) -> tuple[Any, Any, Any]:
        """log_D, u: [batch, latent] → C⁻¹, C, R of one layer: [batch, row, column] each."""
        D, inverse, root = ops.exp(log_D), ops.exp(-log_D), ops.exp(-0.5 * log_D)
        eta = ops.expand_dims(self.eta(log_D, u), -1)
        column, row = ops.expand_dims(inverse * u, -1), ops.expand_dims(inverse * u, -2)
        C_inv = diag(D) + ops.expand_dims(u, -1) * ops.expand_dims(u, -2)
        C = diag(inverse) - eta * column * row
        R = diag(root) - self.share(eta) * column * ops.expand_dims(u * root, -2)
        return C_inv, C, R

    def quantities(self, v: Any, ε: Any) -> dict[str, Any]:
        """v: [batch, data], ε: [sample, batch, latent] → the free energy, its parts and an estimate of log p(v)."""
        S = ε.shape[0]
        μ, log_D, *u = self.recognition(v)
        ξ = self.ξ(ε, μ, log_D, *u)
        parameters = self.generation(ξ)
        log_p_v_ξ, log_p_ξ, log_q_ξ = self.log_p_v_ξ(v, parameters), self.log_p(ξ), self.log_q(ξ, μ, log_D, *u)
        D_KL = self.D_KL(μ, log_D, *u)
        names = {"bernoulli": ("logits",)}.get(self.likelihood, ("mean", "log_variance"))
        probability = {"probability": ops.sigmoid(parameters[0])} if self.likelihood == "bernoulli" else {}
        return {
            "μ": μ,
            "log_D": log_D,
            **self.matrices(log_D, *u),
            "ξ": ξ,
            **dict(zip(names, parameters, strict=False)),
            **probability,
            "log_p_v_ξ": ops.mean(log_p_v_ξ, axis=0),
            "log_p_ξ": ops.mean(log_p_ξ, axis=0),
            "log_q_ξ": ops.mean(log_q_ξ, axis=0),
            "D_KL": D_KL,
            "F": D_KL - ops.mean(log_p_v_ξ, axis=0),
            "log_p_v": ops.logsumexp(log_p_v_ξ + log_p_ξ - log_q_ξ, axis=0) - math.log(S),
        }

    def densities(self, v: Any, ξ: Any) -> dict[str, Any]:
        """v: [batch, data], ξ: [sample, batch, latent] → log p(v|ξ, θᵍ), log p(ξ), log q(ξ|v): [sample, batch]."""
        return {
            "log_p_v_ξ": self.log_p_v_ξ(v, self.generation(ξ)),
            "log_p_ξ": self.log_p(ξ),
            "log_q_ξ": self.log_q(ξ, *self.recognition(v)),
        }

    def F_V(self, v: Any, ε: Any) -> Any:
        """v: [batch, data], ε: [sample, batch, latent] → F(V) = Σ_n F(v_n), to be minimised: scalar."""
        return ops.sum(self.F(v, ε))

    def call(self, v: Any) -> Any:
        """v: [batch, data] → the free energy of each v at one draw of ξ: [batch]."""
        shape = (1, ops.shape(v)[0], sum(self.sizes))
        return self.F(v, keras.random.normal(shape, dtype=v.dtype, seed=self.seed_generator))

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: F of each v [batch] → F(V), which Keras minimises: scalar."""
        return ops.sum(y_pred)


def diag(a: Any) -> Any:
    """a: [batch, latent] → diag(a): [batch, row, column]."""
    return ops.expand_dims(a, -1) * ops.eye(a.shape[-1], dtype=a.dtype)


def block_diagonal(blocks: Sequence[Any]) -> Any:
    """Matrices [batch, row, column], one per layer → one with these along its diagonal: [batch, row, column]."""
    size = sum(block.shape[-1] for block in blocks)
    rows: list[Any] = []
    before = 0
    for block in blocks:
        after = size - before - block.shape[-1]
        rows.append(ops.pad(block, ((0, 0), (0, 0), (before, after))))
        before += block.shape[-1]
    return ops.concatenate(rows, axis=-2)


def square(size: int) -> layers.Dense:
    """A matrix G_l of [out, in] = [size, size], without a bias, with its weights made at once."""
    layer = layers.Dense(size, use_bias=False)
    layer.build((None, size))
    return layer
