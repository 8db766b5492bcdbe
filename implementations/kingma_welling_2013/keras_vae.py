"""Auto-Encoding Variational Bayes (D. P. Kingma and M. Welling, ICLR 2014, arXiv:1312.6114v11), in Keras.

Equation and section numbers are the paper's. φ holds the recognition model's weights, θ the generative model's;
both nets have a W_3. The bound is maximised.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras import ops


class MLP(keras.layers.Layer):
    """App. C: weights W [out, in] and b [out], used as the paper writes them."""

    def __init__(self, activation: str, name: str) -> None:
        super().__init__(name=name)
        self.tanh = keras.activations.get(activation)  # tanh in the paper
        self.built = True

    def N_0(self, name: str, *shape: int) -> keras.Variable:
        """§5: parameters start at N(0, 0.01): the variance, as in the paper's N(μ, σ²I); it does not say."""
        start = keras.initializers.RandomNormal(stddev=math.sqrt(0.01))
        return self.add_weight(shape=shape, initializer=start, name=name)


class BernoulliMLP(MLP):
    """C.1, the Bernoulli decoder: y = f_σ(W_2 tanh(W_1 z + b_1) + b_2), θ = {W_1, W_2, b_1, b_2}."""

    def __init__(self, J: int, hidden: int, D: int, activation: str, name: str) -> None:
        super().__init__(activation, name)
        self.W_1, self.b_1 = self.N_0("W_1", hidden, J), self.N_0("b_1", hidden)
        self.W_2, self.b_2 = self.N_0("W_2", D, hidden), self.N_0("b_2", D)

    def call(self, z: Any) -> Any:
        """z: [..., latent] → f_σ⁻¹(y), the argument of the sigmoid f_σ: [..., data]."""
        h = self.tanh(z @ ops.transpose(self.W_1) + self.b_1)
        return h @ ops.transpose(self.W_2) + self.b_2  # eq. 11


class GaussianMLP(MLP):
    """C.2: the Gaussian decoder as printed, and the encoder when z and x are swapped."""

    def __init__(self, J: int, hidden: int, D: int, activation: str, name: str) -> None:
        super().__init__(activation, name)
        self.W_3, self.b_3 = self.N_0("W_3", hidden, J), self.N_0("b_3", hidden)
        self.W_4, self.b_4 = self.N_0("W_4", D, hidden), self.N_0("b_4", D)
        self.W_5, self.b_5 = self.N_0("W_5", D, hidden), self.N_0("b_5", D)

    def call(self, z: Any) -> tuple[Any, Any]:
        """z: [..., latent] → μ, log σ²: [..., data] each."""
        h = self.tanh(z @ ops.transpose(self.W_3) + self.b_3)
        μ = h @ ops.transpose(self.W_4) + self.b_4
        log_σ2 = h @ ops.transpose(self.W_5) + self.b_5
        return μ, log_σ2  # eq. 12


class VAE(keras.Model):
    """§3: p_θ(z) = N(0, I), q_φ(z|x) of eq. 9, p_θ(x|z) of C.1 (`bernoulli`) or C.2 (`gaussian`).

    `N` scales what `fit` maximises (eq. 8): set it to the number of data; at 1 the reported loss is per datum.
    """

    def __init__(
        self, D: int = 784, hidden: int = 500, J: int = 20, likelihood: str = "bernoulli", activation: str = "tanh"
    ) -> None:
        super().__init__()
        self.J = J
        self.N = 1.0
        self.bernoulli = likelihood == "bernoulli"
        self.φ = GaussianMLP(D, hidden, J, activation, name="phi")  # C.2, x and z swapped
        self.θ = (BernoulliMLP if self.bernoulli else GaussianMLP)(J, hidden, D, activation, name="theta")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def encoder(self, x: Any) -> tuple[Any, Any]:
        """x: [batch, data] → μ, log σ² of q_φ(z|x) = N(z; μ, σ²I): [batch, latent] each (eq. 9)."""
        return self.φ(x)

    def decoder(self, z: Any) -> Any:
        """z: [..., latent] → f_σ⁻¹(y) (eq. 11), or μ, log σ² (eq. 12): [..., data] each."""
        return self.θ(z)

    def g_φ(self, ε: Any, x: Any) -> tuple[Any, Any, Any]:
        """ε: [sample, batch, latent], x: [batch, data] → z: as ε (eq. 4), and the μ, log σ² it came from."""
        μ, log_σ2 = self.φ(x)
        return μ + ops.exp(log_σ2 / 2) * ε, μ, log_σ2  # §2.4: z = μ + σ ⊙ ε

    def log_p_x_given_z(self, x: Any, η: Any) -> Any:
        """x: [batch, data]; η: what the decoder returns → log p_θ(x|z): [sample, batch]."""
        if self.bernoulli:
            log_y, log_1_minus_y = ops.log_sigmoid(η), ops.log_sigmoid(-η)
            return ops.sum(x * log_y + (1 - x) * log_1_minus_y, axis=-1)  # eq. 11
        μ, log_σ2 = η
        return -0.5 * ops.sum(math.log(2 * math.pi) + log_σ2 + (x - μ) ** 2 / ops.exp(log_σ2), axis=-1)  # eq. 12

    def log_p_z(self, z: Any) -> Any:
        """z: [sample, batch, latent] → log p_θ(z) = log N(z; 0, I), which "lacks parameters" (§3): [sample, batch]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + z**2, axis=-1)

    def D_KL(self, μ: Any, log_σ2: Any) -> Any:
        """μ, log_σ2: [batch, latent] → D_KL(q_φ(z|x) ‖ p_θ(z)): [batch] (App. B, which prints its negative)."""
        return -0.5 * ops.sum(1 + log_σ2 - μ**2 - ops.exp(log_σ2), axis=-1)

    def L_B(self, x: Any, ε: Any) -> Any:
        """x: [batch, data], ε: [sample, batch, latent] → the second estimator of the bound: [batch]."""
        z, μ, log_σ2 = self.g_φ(ε, x)
        return -self.D_KL(μ, log_σ2) + ops.mean(self.log_p_x_given_z(x, self.θ(z)), axis=0)  # eq. 7; in full, eq. 10

    def quantities(self, x: Any, ε: Any) -> dict[str, Any]:
        """x: [batch, data], ε: [sample, batch, latent] → what the paper defines per datum, both estimators included."""
        z, μ, log_σ2 = self.g_φ(ε, x)
        σ = ops.exp(log_σ2 / 2)
        η = self.θ(z)
        log_p_x_given_z, log_p_z = self.log_p_x_given_z(x, η), self.log_p_z(z)
        log_q_z_given_x = -0.5 * ops.sum(math.log(2 * math.pi) + log_σ2 + ε**2, axis=-1)  # eq. 9, as (z - μ)/σ = ε
        D_KL = self.D_KL(μ, log_σ2)
        decoded = {"logit_y": η, "y": ops.sigmoid(η)} if self.bernoulli else {"θ.μ": η[0], "θ.log_σ2": η[1]}
        return {
            "φ.μ": μ,
            "φ.log_σ2": log_σ2,
            "σ": σ,
            "z": z,
            **decoded,
            "log_p_x_given_z": ops.mean(log_p_x_given_z, axis=0),
            "log_p_z": ops.mean(log_p_z, axis=0),
            "log_q_z_given_x": ops.mean(log_q_z_given_x, axis=0),
            "D_KL": D_KL,
            "L_A": ops.mean(log_p_x_given_z + log_p_z - log_q_z_given_x, axis=0),  # eq. 6
            "L_B": -D_KL + ops.mean(log_p_x_given_z, axis=0),  # eq. 7
        }

    def densities(self, x: Any, z: Any) -> dict[str, Any]:
        """x: [batch, data], z: [sample, batch, latent] → log p_θ(x|z), log p_θ(z), log q_φ(z|x): [sample, batch]."""
        μ, log_σ2 = self.φ(x)
        squares = (z - μ) ** 2 / ops.exp(log_σ2)
        return {
            "log_p_x_given_z": self.log_p_x_given_z(x, self.θ(z)),
            "log_p_z": self.log_p_z(z),
            "log_q_z_given_x": -0.5 * ops.sum(math.log(2 * math.pi) + log_σ2 + squares, axis=-1),
        }

    def objective(self, x: Any, ε: Any, N: float) -> Any:
        """x: [batch, data], ε: [sample, batch, latent], N: data in the whole set → L^M, to be maximised: scalar."""
        M = x.shape[0]
        L_M = N / M * ops.sum(self.L_B(x, ε))  # eq. 8
        return L_M

    def call(self, inputs: Any, L: int = 1) -> Any:
        """x: [batch, data], or (x, ε) with ε: [sample, batch, latent], else L draws → L^B: [batch]."""
        if isinstance(inputs, (tuple, list)):
            return self.L_B(*inputs)
        shape = (L, ops.shape(inputs)[0], self.J)
        return self.L_B(inputs, keras.random.normal(shape, dtype=inputs.dtype, seed=self.seed_generator))

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: L^B of the batch [batch] → -L^M, which Keras minimises: scalar."""
        return -self.N * ops.mean(y_pred)


def minibatches(X: Any, J: int, steps: int, M: int = 100, L: int = 1) -> Iterator[tuple[Any, Any]]:
    """Algorithm 1's draws. X: [data count, data] → `steps` pairs X^M: [batch, data], ε: [sample, batch, latent]."""
    seed = keras.random.SeedGenerator()
    X = ops.convert_to_tensor(X)
    for _ in range(steps):
        X_M = ops.take(X, keras.random.randint((M,), 0, X.shape[0], seed=seed), axis=0)
        yield X_M, keras.random.normal((L, M, J), dtype=X.dtype, seed=seed)


def algorithm_1(model: VAE, draws: Iterable[tuple[Any, Any]], N: float, α: float = 0.02) -> None:
    """Algorithm 1 with Adagrad, of whose step sizes {0.01, 0.02, 0.1} (§5) α is one; θ, φ change in place.

    Adagrad divides by √(c + Σg²). The paper gives no c; 2⁻¹⁰ is small beside gradients of L^M, of the order of N, and
    the same number in every precision.
    """
    model.N = N
    model.compile(optimizer=keras.optimizers.Adagrad(α, initial_accumulator_value=2**-10, epsilon=0.0))
    for X_M, ε in draws:
        model.train_on_batch((X_M, ε))  # g ← ∇_{θ,φ} L^M(θ, φ; X^M, ε), and Adagrad's step
