"""Auto-Encoding Variational Bayes, Appendix F: full VB (D. P. Kingma and M. Welling, arXiv:1312.6114v11), in Keras.

Equation and section numbers are the paper's. The generative model's weights θ are latent, as z is: their hyperprior is
p_α(θ) = N(θ; 0, I), whose α is (0, I), and their posterior q_φ(θ). φ holds the weights of q_φ(z|x), and the μ_θ and
log σ_θ² of q_φ(θ). The bound is maximised.
"""

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

START = keras.initializers.RandomNormal(stddev=math.sqrt(0.01))
"""§5: parameters start at N(0, 0.01): the variance, as in the paper's N(μ, σ²I); it does not say."""


class Letters(keras.layers.Layer):
    """One tensor per generative weight, under its letter in C.1 or C.2. `shapes`: letter → its shape."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], start: Any, name: str) -> None:
        super().__init__(name=name)
        self.letters = tuple(shapes)
        for letter, shape in shapes.items():
            setattr(self, letter, self.add_weight(shape=shape, initializer=start, name=letter))
        self.built = True

    def by_letter(self) -> dict[str, Any]:
        """Letter → its tensor."""
        return {letter: getattr(self, letter) for letter in self.letters}


class Recognition(keras.layers.Layer):
    """φ: the net of q_φ(z|x), which is C.2 with x and z swapped, and the parameters of q_φ(θ) (eq. 23).

    `shapes`: letter of a generative weight → its shape. σ_θ² starts at the variance that μ_θ starts with.
    """

    def __init__(self, D: int, hidden: int, J: int, activation: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__(name="phi")
        self.tanh = keras.activations.get(activation)  # tanh in the paper
        self.W_3, self.b_3 = self.N_0("W_3", hidden, D), self.N_0("b_3", hidden)
        self.W_4, self.b_4 = self.N_0("W_4", J, hidden), self.N_0("b_4", J)
        self.W_5, self.b_5 = self.N_0("W_5", J, hidden), self.N_0("b_5", J)
        self.μ_θ = Letters(shapes, START, name="mu_theta")
        self.log_σ2_θ = Letters(shapes, keras.initializers.Constant(math.log(0.01)), name="log_sigma2_theta")
        self.built = True

    def N_0(self, name: str, *shape: int) -> keras.Variable:
        """A weight that starts as §5 says."""
        return self.add_weight(shape=shape, initializer=START, name=name)

    def call(self, x: Any) -> tuple[Any, Any]:
        """x: [batch, data] → μ_z, log σ_z² of q_φ(z|x): [batch, latent] each."""
        h = self.tanh(x @ ops.transpose(self.W_3) + self.b_3)
        return h @ ops.transpose(self.W_4) + self.b_4, h @ ops.transpose(self.W_5) + self.b_5  # eq. 12


def affine(a: Any, W: Any, b: Any) -> Any:
    """a: [..., in], W: [sample, out, in] or [out, in], b: [sample, out] or [out] → Wa + b: [..., out]."""
    return a @ ops.swapaxes(W, -1, -2) + ops.expand_dims(b, -2)


class VAE(keras.Model):
    """F.1: p_α(θ) = N(θ; 0, I), p_θ(z) = N(z; 0, I), p_θ(x|z) of C.1 (`bernoulli`) or C.2 (`gaussian`), q_φ of eq. 23.

    `N`: data in the whole set (60,000 of MNIST), which the KL over θ is shared by in `call` and `fit`.
    """

    def __init__(
        self,
        D: int = 784,
        hidden: int = 500,
        J: int = 20,
        likelihood: str = "bernoulli",
        activation: str = "tanh",
        N: int = 60000,
    ) -> None:
        super().__init__()
        self.J, self.N = J, N
        self.bernoulli = likelihood == "bernoulli"
        self.tanh = keras.activations.get(activation)  # tanh in the paper
        if self.bernoulli:  # C.1
            shapes = {"W_1": (hidden, J), "b_1": (hidden,), "W_2": (D, hidden), "b_2": (D,)}
        else:  # C.2
            shapes = {"W_3": (hidden, J), "b_3": (hidden,)}
            shapes |= {"W_4": (D, hidden), "b_4": (D,), "W_5": (D, hidden), "b_5": (D,)}
        self.φ = Recognition(D, hidden, J, activation, shapes)
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, Any]:
        """x: [batch, data] → μ_z, log σ_z² of q_φ(z|x) = N(z; μ_z, σ_z²I): [batch, latent] each (eq. 23)."""
        μ_z, log_σ2_z = self.φ(x)
        return μ_z, log_σ2_z

    def g_φ(self, ε: Any, μ_z: Any, log_σ2_z: Any) -> Any:
        """ε: [sample, batch, latent]; μ_z, log_σ2_z: [batch, latent] → z̃: as ε (eq. 17)."""
        return μ_z + ops.exp(log_σ2_z / 2) * ε  # F.1: z̃ = μ_z + σ_z ⊙ ε

    def h_φ(self, ζ: Mapping[str, Any]) -> dict[str, Any]:
        """ζ: letter → [sample, ...] → θ̃: as ζ (eq. 19)."""
        μ_θ, log_σ2_θ = self.φ.μ_θ.by_letter(), self.φ.log_σ2_θ.by_letter()
        return {w: μ_θ[w] + ops.exp(log_σ2_θ[w] / 2) * ζ[w] for w in μ_θ}  # F.1: θ̃ = μ_θ + σ_θ ⊙ ζ

    def decoder(self, z: Any, θ: Mapping[str, Any] | None = None) -> Any:
        """z: [sample, batch, latent], θ: letter → [sample, ...], else μ_θ → f_σ⁻¹(y) or μ, log σ²: [..., data] each."""
        θ = self.φ.μ_θ.by_letter() if θ is None else θ
        if self.bernoulli:
            h = self.tanh(affine(z, θ["W_1"], θ["b_1"]))
            return affine(h, θ["W_2"], θ["b_2"])  # eq. 11
        h = self.tanh(affine(z, θ["W_3"], θ["b_3"]))
        return affine(h, θ["W_4"], θ["b_4"]), affine(h, θ["W_5"], θ["b_5"])  # eq. 12

    def log_p_x_given_z(self, x: Any, heads: Any) -> Any:
        """x: [batch, data]; heads: what the decoder returns → log p_θ(x|z): [sample, batch]."""
        if self.bernoulli:
            log_y, log_1_minus_y = ops.log_sigmoid(heads), ops.log_sigmoid(-heads)
            return ops.sum(x * log_y + (1 - x) * log_1_minus_y, axis=-1)  # eq. 11
        μ, log_σ2 = heads
        return -0.5 * ops.sum(math.log(2 * math.pi) + log_σ2 + (x - μ) ** 2 / ops.exp(log_σ2), axis=-1)  # eq. 12

    def log_p_z(self, z: Any) -> Any:
        """z: [sample, batch, latent] → log p_θ(z) = log N(z; 0, I), which "lacks parameters" (F.1): [sample, batch]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + z**2, axis=-1)

    def log_p_over_q_θ(self, θ_tilde: Mapping[str, Any], ζ: Mapping[str, Any]) -> Any:
        """θ_tilde, ζ: letter → [sample, ...] → log p_α(θ̃) - log q_φ(θ̃): [sample]."""
        total = 0.0  # (θ̃ - μ_θ)/σ_θ = ζ, and both have log 2π
        for w, log_σ2_θ in self.φ.log_σ2_θ.by_letter().items():
            squares = θ_tilde[w] ** 2 - ζ[w] ** 2 - log_σ2_θ
            total -= 0.5 * ops.sum(squares, axis=tuple(range(1, len(squares.shape))))
        return total

    def minus_D_KL_z(self, μ_z: Any, log_σ2_z: Any) -> Any:
        """μ_z, log_σ2_z: [batch, latent] → -D_KL(q_φ(z|x) ‖ p_θ(z)): [batch] (eq. 24)."""
        return 0.5 * ops.sum(1 + log_σ2_z - μ_z**2 - ops.exp(log_σ2_z), axis=-1)

    def minus_D_KL_θ(self) -> Any:
        """→ -D_KL(q_φ(θ) ‖ p_α(θ)) over all weights: scalar (eq. 24)."""
        pairs = zip(self.φ.μ_θ.by_letter().values(), self.φ.log_σ2_θ.by_letter().values(), strict=True)
        return sum(0.5 * ops.sum(1 + log_σ2_θ - μ_θ**2 - ops.exp(log_σ2_θ)) for μ_θ, log_σ2_θ in pairs)

    def quantities(self, x: Any, ε: Any, ζ: Mapping[str, Any]) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent], ζ: letter → [sample, ...] → per datum, but for those of θ."""
        μ_z, log_σ2_z = self.encoder(x)
        z_tilde, θ_tilde = self.g_φ(ε, μ_z, log_σ2_z), self.h_φ(ζ)
        heads = self.decoder(z_tilde, θ_tilde)
        log_p_x_given_z, log_p_z = self.log_p_x_given_z(x, heads), self.log_p_z(z_tilde)
        log_q_z_given_x = -0.5 * ops.sum(math.log(2 * math.pi) + log_σ2_z + ε**2, axis=-1)  # eq. 23: (z̃ - μ_z)/σ_z = ε
        minus_D_KL_z = self.minus_D_KL_z(μ_z, log_σ2_z)
        if self.bernoulli:
            decoded = {"logit_y": heads, "y": ops.sigmoid(heads)}
        else:
            decoded = {"θ.μ": heads[0], "θ.log_σ2": heads[1]}
        return {
            "μ_z": μ_z,
            "log_σ2_z": log_σ2_z,
            "σ_z": ops.exp(log_σ2_z / 2),
            "z_tilde": z_tilde,
            **decoded,
            "log_p_x_given_z": ops.mean(log_p_x_given_z, axis=0),
            "log_p_z": ops.mean(log_p_z, axis=0),
            "log_q_z_given_x": ops.mean(log_q_z_given_x, axis=0),
            "minus_D_KL_z": minus_D_KL_z,
            "L_θφ": minus_D_KL_z + ops.mean(log_p_x_given_z, axis=0),
            "L_θφ_sampled": ops.mean(log_p_x_given_z + log_p_z - log_q_z_given_x, axis=0),
            "minus_D_KL_θ": self.minus_D_KL_θ(),
            "log_p_over_q_θ": ops.mean(self.log_p_over_q_θ(θ_tilde, ζ), axis=0),
        }

    def densities(self, x: Any, z: Any, ζ: Mapping[str, Any]) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent], ζ → log p_θ̃(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        μ_z, log_σ2_z = self.encoder(x)
        squares = (z - μ_z) ** 2 / ops.exp(log_σ2_z)
        return {
            "log_p_x_given_z": self.log_p_x_given_z(x, self.decoder(z, self.h_φ(ζ))),
            "log_p_z": self.log_p_z(z),
            "log_q_z_given_x": -0.5 * ops.sum(math.log(2 * math.pi) + log_σ2_z + squares, axis=-1),
        }

    def L_φ(self, x: Any, ε: Any, ζ: Mapping[str, Any], N: float) -> Any:
        """x: [batch, data], ε: [sample, batch, latent], ζ, N: data in the whole set → L(φ; X), to be maximised: scalar.

        The paper prints one datum per draw, N times; here a minibatch of M stands for it, as in eq. 8.
        """
        μ_z, log_σ2_z = self.encoder(x)
        heads = self.decoder(self.g_φ(ε, μ_z, log_σ2_z), self.h_φ(ζ))
        L_θφ = self.minus_D_KL_z(μ_z, log_σ2_z) + ops.mean(self.log_p_x_given_z(x, heads), axis=0)
        M = x.shape[0]
        return N / M * ops.sum(L_θφ) + self.minus_D_KL_θ()  # eq. 24

    def f_φ(self, x: Any, ε: Any, ζ: Mapping[str, Any], N: float) -> Any:
        """The same, with no term in closed form: scalar (eqs. 21 and 22)."""
        sampled = self.quantities(x, ε, ζ)
        return N * ops.mean(sampled["L_θφ_sampled"]) + sampled["log_p_over_q_θ"]

    def noise(self, x: Any, L: int = 1) -> tuple[Any, dict[str, Any]]:
        """x: [batch, data] → L fresh draws of ε: [sample, batch, latent], and of ζ: letter → [sample, ...]."""

        def draw(*shape: Any) -> Any:
            return keras.random.normal((L, *shape), dtype=x.dtype, seed=self.seed_generator)

        return draw(ops.shape(x)[0], self.J), {w: draw(*μ_θ.shape) for w, μ_θ in self.φ.μ_θ.by_letter().items()}

    def call(self, x: Any, L: int = 1) -> Any:
        """x: [batch, data] → L(φ; X)/N under L fresh draws, of which the batch's mean is an estimate: [batch]."""
        quantities = self.quantities(x, *self.noise(x, L))
        return quantities["L_θφ"] + quantities["minus_D_KL_θ"] / self.N

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: the estimates of L(φ; X)/N [batch] → their negative mean, which Keras minimises: scalar."""
        return -ops.mean(y_pred)
