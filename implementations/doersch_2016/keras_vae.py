"""Tutorial on Variational Autoencoders (C. Doersch, 2016, arXiv:1606.05908), in Keras.

Equation numbers are the paper's. Its networks are abstract: θ (the decoder f) and ϑ (the encoder; spelled `vartheta`,
since Python reads ϑ as θ) are multilayer perceptrons here. Σ is a covariance, with a diagonal alone. The objective is
an expectation over the data set, maximised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._plain.keras_mlp import MLP


class VAE(keras.Model):
    """P(z) = N(0, I), P(X|z; θ) and Q(z|X) = N(z|μ(X; ϑ), Σ(X; ϑ)).

    The paper gives no sizes. `likelihood`: `gaussian-fixed`, P(X|z; θ) = N(X|f(z; θ), σ²I), whose σ² is `variance`, a
    hyper-parameter; or, for binary X, `bernoulli`, whose mean is f(z; θ).
    """

    def __init__(
        self,
        data_dim: int = 784,
        latent_dim: int = 20,
        hidden: Sequence[int] = (500,),
        activation: str = "relu",
        likelihood: str = "gaussian-fixed",
        variance: float = 1.0,
    ) -> None:
        super().__init__()
        self.bernoulli = likelihood == "bernoulli"
        self.σ2 = variance
        self.k = latent_dim
        heads_of_q = {"μ": latent_dim, "log_Σ": latent_dim}
        self.vartheta = MLP(data_dim, hidden, heads_of_q, activation, name="vartheta")
        heads_of_p = {"logit_f" if self.bernoulli else "f": data_dim}
        self.θ = MLP(latent_dim, hidden[::-1], heads_of_p, activation, name="theta")
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def Q(self, X: Any) -> tuple[Any, ...]:
        """X: [batch, data] → μ(X; ϑ), and the diagonal of log Σ(X; ϑ): [batch, latent] each."""
        return self.vartheta(X)

    def f(self, z: Any) -> Any:
        """z: [batch, latent] → f(z; θ), or its logit where X is binary: [batch, data]."""
        return self.θ(z)[0]

    def log_P_X_z(self, X: Any, f: Any) -> Any:
        """X: [batch, data], f: what `f` returned: the same → log P(X|z): [batch]."""
        if self.bernoulli:
            return ops.sum(X * ops.log_sigmoid(f) + (1 - X) * ops.log_sigmoid(-f), axis=-1)
        C = -X.shape[-1] / 2 * math.log(2 * math.pi * self.σ2)  # a constant: it does not depend on f
        return C - 0.5 * ops.sum((X - f) ** 2, axis=-1) / self.σ2  # section 2.4.3

    def log_P_z(self, z: Any) -> Any:
        """z: [batch, latent] → log P(z) = log N(z|0, I): [batch]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + z**2, axis=-1)

    def log_Q_z_X(self, z: Any, μ: Any, log_Σ: Any) -> Any:
        """z, μ, log_Σ: [batch, latent] → log Q(z|X) = log N(z|μ(X), Σ(X)): [batch]."""
        return -0.5 * ops.sum(math.log(2 * math.pi) + log_Σ + (z - μ) ** 2 / ops.exp(log_Σ), axis=-1)

    def D(self, μ: Any, log_Σ: Any) -> Any:
        """μ, log_Σ: [batch, latent] → 𝒟[Q(z|X) ‖ P(z)] = 𝒟[N(μ(X), Σ(X)) ‖ N(0, I)]: [batch] (eq. 7)."""
        trace, log_det = ops.sum(ops.exp(log_Σ), axis=-1), ops.sum(log_Σ, axis=-1)
        return 0.5 * (trace + ops.sum(μ * μ, axis=-1) - self.k - log_det)

    def quantities(self, X: Any, ε: Any) -> dict[str, Any]:
        """X: [batch, data], ε: [batch, latent] → both sides of eq. 5 per datum, for one draw of z."""
        μ, log_Σ = self.Q(X)
        sqrt_Σ = ops.exp(log_Σ / 2)
        z = μ + sqrt_Σ * ε  # eq. 10
        f = self.f(z)
        log_P_X_z, D = self.log_P_X_z(X, f), self.D(μ, log_Σ)
        decoded = {"logit_f": f, "f": ops.sigmoid(f)} if self.bernoulli else {"f": f}
        return {
            "μ": μ,
            "log_Σ": log_Σ,
            "Σ": ops.exp(log_Σ),
            "sqrt_Σ": sqrt_Σ,
            "z": z,
            **decoded,
            "log_P_X_z": log_P_X_z,
            "log_P_z": self.log_P_z(z),
            "log_Q_z_X": self.log_Q_z_X(z, μ, log_Σ),
            "D": D,
            "log_P_X_minus_D": log_P_X_z - D,  # eq. 5, 9
        }

    def densities(self, X: Any, z: Any) -> dict[str, Any]:
        """X: [batch, data], z: [batch, latent] → log P(X|z), log P(z), log Q(z|X): [batch]."""
        return {
            "log_P_X_z": self.log_P_X_z(X, self.f(z)),
            "log_P_z": self.log_P_z(z),
            "log_Q_z_X": self.log_Q_z_X(z, *self.Q(X)),
        }

    def E_X(self, of: Any) -> Any:
        """of: [batch] → E_{X∼D}, over the batch: scalar."""
        return ops.mean(of)

    def objective(self, X: Any, ε: Any) -> Any:
        """X: [batch, data], ε: [batch, latent] → E_X[log P(X|z) - 𝒟[Q(z|X) ‖ P(z)]], to be maximised: scalar."""
        return self.E_X(self.quantities(X, ε)["log_P_X_minus_D"])  # eq. 8, 10

    def squared_error_objective(self, X: Any, ε: Any) -> Any:
        """X: [batch, data], ε: [batch, latent] → E_X[‖X - f(z)‖² + 2σ² 𝒟], to be minimised: scalar.

        It is 2σ² (E_X[C] - `objective`), where C = -½ log det 2πσ²I: against the squared error σ² weighs 𝒟 as 2σ²,
        the one parameter of regularisation that the paper finds (section 2.4.3). Where X is binary there is none.
        """
        if self.bernoulli:
            raise ValueError("squared_error_objective: expected likelihood 'gaussian-fixed'; found 'bernoulli'")
        q = self.quantities(X, ε)
        return self.E_X(ops.sum((X - q["f"]) ** 2, axis=-1) + 2 * self.σ2 * q["D"])

    def call(self, X: Any) -> Any:
        """X: [batch, data] → log P(X|z) - 𝒟[Q(z|X) ‖ P(z)] at one draw of z: [batch] (eq. 9)."""
        ε = keras.random.normal((ops.shape(X)[0], self.k), dtype=X.dtype, seed=self.seed_generator)
        return self.quantities(X, ε)["log_P_X_minus_D"]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """y_pred: what `call` returned: [batch] → its negative expectation, which Keras minimises: scalar."""
        return -self.E_X(y_pred)
