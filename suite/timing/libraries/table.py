"""The table of other libraries: backend, timed stages, and the conversion of the loss to a bound. Imports none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from ...backends.table import host_of
from ...reference.spec import Spec

LIBRARY_MODE = "peer"
"""The mode of the cells of other libraries."""
NOISE = "noise"
"""The additional tensor among another library's outputs: the noise that it drew, [sample, batch, latent]."""


@dataclass(frozen=True)
class Variant:
    """One documented way to compute a stage.

    Attributes:
        name: the library's name of the variant, in the field that names a tuned cell's optimisation step.
        bound: what the loss sums over the batch: `elbo` where its KL is exact, `elbo_monte_carlo` where it is sampled.
    """

    name: str
    bound: str = "elbo"


@dataclass(frozen=True)
class Library:
    """One library.

    Attributes:
        name: the name of its distribution.
        framework: the framework of its model.
        backend: the backend that executes the model.
        module: the module of this package that calls it.
        packages: importable packages that it needs.
        extra: the extra of this distribution that installs them.
        reduction: `sum` or `mean`: the loss is minus that reduction of the bound over the batch.
        stages: stage → its timed variants.
    """

    name: str
    framework: str
    backend: str
    module: str
    packages: tuple[str, ...]
    extra: str
    reduction: str
    stages: Mapping[str, tuple[Variant, ...]]

    @property
    def host(self) -> str:
        """This package's backend that executes in the same way: the library is timed in that backend's sessions."""
        return host_of(self.backend)

    def lacking(self) -> list[str]:
        """The packages that are not installed here. Imports nothing."""
        return [name for name in self.packages if find_spec(name) is None]

    def remedy(self) -> str:
        """One line: the missing packages and the command that installs them."""
        return f"{self.name} needs {', '.join(self.lacking())}: pip install 'elbostone[{self.extra}]'"

    def variant(self, stage: str, name: str) -> Variant:
        """A stage's variant by its name. Raises KeyError: the stage has no such variant."""
        return {variant.name: variant for variant in self.stages[stage]}[name]

    def total_bound(self, loss: float, batch: int) -> float:
        """The sum of the bound over the batch, Σ_b bound_b, from the loss."""
        return -loss * (batch if self.reduction == "mean" else 1)


_SAMPLED, _EXACT = Variant("Trace_ELBO", "elbo_monte_carlo"), Variant("TraceMeanField_ELBO")
_GRAPH = (Variant("tf.function"), Variant("tf.function-xla"))

LIBRARIES = {
    library.name: library
    for library in (
        Library(
            "pythae",
            "torch",
            "torch",
            "pythae_vae",
            ("pythae", "torch"),
            "pythae",
            "mean",
            {"elbo": (Variant("forward"),), "training_step": (Variant("BaseTrainer"),)},
        ),
        Library(
            "pyro-ppl",
            "torch",
            "torch",
            "pyro_vae",
            ("pyro", "torch"),
            "pyro",
            "sum",
            {
                "elbo": (_SAMPLED, _EXACT),
                "training_step": (_SAMPLED, _EXACT, Variant("JitTrace_ELBO", "elbo_monte_carlo")),
            },
        ),
        Library(
            "numpyro",
            "jax",
            "jax",
            "numpyro_vae",
            ("numpyro", "optax", "jax", "keras"),
            "numpyro",
            "sum",
            {
                "elbo": (_SAMPLED, _EXACT),
                "training_step": (
                    _SAMPLED,
                    _EXACT,
                    Variant("Trace_ELBO-donated", "elbo_monte_carlo"),
                    Variant("Trace_ELBO-donated-optax", "elbo_monte_carlo"),
                    Variant("TraceMeanField_ELBO-donated"),
                ),
            },
        ),
        Library(
            "tensorflow-probability",
            "tensorflow",
            "tensorflow",
            "tfp_vae",
            ("tensorflow_probability", "tf_keras", "keras", "tensorflow"),
            "tensorflow-probability",
            "mean",
            {"elbo": _GRAPH, "training_step": _GRAPH},
        ),
    )
}


def supports(spec: Spec) -> bool:
    """Whether other libraries are timed on a model: one hidden layer of ReLU, p(z) = N(0, I), a Bernoulli p(x|z)."""
    return spec == Spec("mlp", "bernoulli", "standard", "relu", spec.hidden, spec.data_dim, spec.latent_dim) and (
        len(spec.hidden) == 1
    )
