"""A wrong part of a sum is named, and only where it explains the whole error."""

from pathlib import Path

import numpy as np
import pytest

from elbostone.reference.mistakes import wrong_part
from elbostone.reference.problem import load_problem
from elbostone.reference.truth import against_truth, truth_of

EXACT = Path(__file__).parent.parent / "exact"
PROBLEM = load_problem(EXACT / "binary-tanh.json")
TRUTH = truth_of(PROBLEM, "float64", gradients=False)
T = TRUTH.tensors
MEAN, VARIANCE, NOISE = T["posterior_mean"], T["posterior_variance"], T["latent"] - T["posterior_mean"]
NAMED = {
    "μ - σ ε": ("latent", T["latent"] - 2 * NOISE, "its noise has the other sign in it"),
    "σ ε": ("latent", NOISE, "posterior_mean is missing in it"),
    "μ + σ² ε": (
        "latent",
        MEAN + NOISE * T["posterior_sd"],
        "its noise is multiplied by posterior_variance, not by posterior_sd",
    ),
    "μ + log σ² ε": (
        "latent",
        MEAN + NOISE / T["posterior_sd"] * T["posterior_log_variance"],
        "its noise is multiplied by posterior_log_variance, not by posterior_sd",
    ),
    "-μ² in the KL": ("kl", T["kl"] - (MEAN**2).sum(-1), "½ Σ mean² has the other sign in it"),
    "½ forgotten at σ²": ("kl", T["kl"] + VARIANCE.sum(-1) / 2, "½ Σ variance counts 2 times in it"),
    "log σ for log σ²": (
        "kl",
        T["kl"] + T["posterior_log_variance"].sum(-1) / 4,
        "½ Σ log variance counts 0.5 times in it",
    ),
    "KL added": ("elbo", T["log_likelihood"] + T["kl"], "kl has the other sign in it"),
    "KL twice": ("elbo", T["log_likelihood"] - 2 * T["kl"], "kl counts 2 times in it"),
    "log q added": (
        "elbo_monte_carlo",
        T["log_likelihood"] + T["log_prior"] + T["log_posterior"],
        "log_posterior has the other sign in it",
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_a_wrong_part_is_named_in_the_comparison(case: str) -> None:
    tensor, found, words = NAMED[case]
    (comparison,) = against_truth(PROBLEM, {tensor: found}, TRUTH)
    assert not comparison.equal
    assert comparison.relation == words


@pytest.mark.parametrize("tensor", ["latent", "kl", "elbo", "elbo_monte_carlo", "kl_monte_carlo", "log_prior"])
def test_another_error_has_no_name(tensor: str) -> None:
    generator = np.random.default_rng(0)
    assert wrong_part(tensor, T[tensor] + generator.normal(size=T[tensor].shape), T) == ""
    assert wrong_part(tensor, T[tensor][..., :-1], T) == ""


@pytest.mark.parametrize("case", sorted(path.stem for path in EXACT.glob("*.json")))
def test_a_part_of_the_kl_is_named_only_where_the_kl_is_that_sum(case: str) -> None:
    problem = load_problem(EXACT / f"{case}.json")
    truth = truth_of(problem, "float64", gradients=False).tensors
    if not {"kl", "posterior_mean"} <= truth.keys() or truth["kl"].shape != truth["posterior_mean"].shape[:-1]:
        return
    found = truth["kl"] + (truth["posterior_mean"] ** 2).sum(-1)
    other = problem.spec.prior != "standard" or problem.spec.posterior in ("full", "rank-one")
    other |= case.startswith("chain")  # its KL is of several layers
    assert wrong_part("kl", found, truth) == ("" if other else "½ Σ mean² counts 3 times in it")
