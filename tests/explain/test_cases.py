"""Every loss in `cases/` is explained as `facts.py` says, in a worker process, and no other fault is named."""

import pytest
from explain.compared import all_differences, differences, explained_together
from explain.facts import JAX, NUMPY, TENSORFLOW, TORCH

FRAMEWORKS = {"numpy": NUMPY, "torch": TORCH, "jax": JAX, "tensorflow": TENSORFLOW}


@pytest.mark.parametrize(
    "framework",
    [
        "numpy",
        pytest.param("torch", marks=pytest.mark.backend("torch")),
        pytest.param("jax", marks=pytest.mark.backend("keras-jax")),
        pytest.param("tensorflow", marks=pytest.mark.backend("keras-tensorflow")),
    ],
)
def test_every_fact(framework: str) -> None:
    facts = FRAMEWORKS[framework]
    outcomes = explained_together(framework, list(facts))
    assert not all_differences(outcomes, facts)


def test_a_wrong_fact_is_a_difference() -> None:
    """The comparison reports all planted wrong facts."""
    [outcome] = explained_together("numpy", ["plain"]).values()
    assert outcome.answer is not None
    planted = {
        "affine": False,
        "sense": "maximised",
        "data_reduction": "mean",
        "likelihood": "poisson",
        "kl": "sampled",
        "scale_kind": "sd",
        "bug": "kl-edited",
        "coefficients": ("1", "2", "0"),
        "beta": "2",
        "threshold": ("floor",),
    }
    for name, value in planted.items():
        [line] = differences(outcome.answer, {"only": {name: value}})
        assert line.startswith(f"{name}: expected")
