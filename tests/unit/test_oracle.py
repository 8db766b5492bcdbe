"""The oracle against SciPy's distributions and differences in 80-digit arithmetic; N; training."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp
from unit.families import EVERY, FAMILIES, GAUSSIAN, MLP, PLAIN, bounds_of, draw

from elbostone.reference import oracle
from elbostone.reference.arithmetic import EPSILON, Arithmetic, Exact, Perturbed
from elbostone.reference.errors import BadInput
from elbostone.reference.oracle import evaluate, gradient_ascent, noise_scale, rounded
from elbostone.reference.problem import Problem, load_problem
from elbostone.reference.tape import Tape
from elbostone.reference.weights import weight_shapes

EXACT = Path(__file__).parents[1] / "exact"
SPECS = [pytest.param(spec, id=name) for name, spec in PLAIN.items()]


def test_tensors_come_in_the_order_of_data_flow() -> None:
    problem = draw(GAUSSIAN)
    found = evaluate(problem)
    shapes = {name: tensor.shape for name, tensor in found.items()}
    kinds = ("log_variance", "log_sd", "variance", "sd", "precision", "log_precision")
    names = (
        "log_likelihood",
        "log_prior",
        "log_posterior",
        "kl",
        "kl_monte_carlo",
        "elbo",
        "elbo_monte_carlo",
        "weighted_elbo",
        "weighted_elbo_monte_carlo",
        "iwae",
    )
    expected: dict[str, tuple[int, ...]] = {
        "posterior_mean": (3, 3), **{f"posterior_{kind}": (3, 3) for kind in kinds},
        "prior_mean": (3,), **{f"prior_{kind}": (3,) for kind in kinds},
        "latent": (2, 3, 3),
        "decoder_mean": (2, 3, 6), **{f"decoder_{kind}": (2, 3, 6) for kind in kinds},
        **dict.fromkeys(names, (3,)), "objective": (),
    }  # fmt: skip
    gradients = {f"gradient/{name}": shape for name, shape in weight_shapes(problem.spec).items()}
    assert list(shapes.items()) == list((expected | gradients).items())
    assert list(evaluate(problem, gradients=False)) == list(expected)
    assert list(noise_scale(problem, "float32")) == list(shapes)


@pytest.mark.parametrize("spec", SPECS)
def test_terms_against_scipys_distributions(spec: dict[str, Any]) -> None:
    problem = draw(spec)
    found = evaluate(problem, gradients=False)
    mean, deviation, z = found["posterior_mean"], np.exp(found["posterior_log_variance"] / 2), found["latent"]
    np.testing.assert_allclose(z, mean + deviation * problem.noise, rtol=1e-14)
    w = problem.weights
    prior = stats.norm(w.get("prior.mean", 0.0), np.exp(w.get("prior.log_variance", np.zeros(1)) / 2))
    posterior = stats.norm(mean, deviation)
    if spec["likelihood"] == "bernoulli":
        likelihood = stats.bernoulli(expit(found["decoder_logits"])).logpmf(problem.x)
    else:
        log_variance = found.get("decoder_log_variance", np.log(spec.get("variance", 1.0)))
        likelihood = stats.norm(found["decoder_mean"], np.exp(log_variance / 2)).logpdf(problem.x)
    np.testing.assert_allclose(found["log_likelihood"], likelihood.sum(-1).mean(0), rtol=1e-12)
    log_ratio = (prior.logpdf(z) - posterior.logpdf(z)).sum(-1) + likelihood.sum(-1)
    np.testing.assert_allclose(found["elbo_monte_carlo"], log_ratio.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found["iwae"], logsumexp(log_ratio, axis=0) - np.log(len(z)), rtol=1e-12)
    # Gauss-Hermite quadrature of log q − log p, which is quadratic, is exact
    nodes, shares = np.polynomial.hermite_e.hermegauss(8)
    points = mean + deviation * nodes[:, None, None]
    integrand = (posterior.logpdf(points) - prior.logpdf(points)).sum(-1)
    np.testing.assert_allclose(found["kl"], shares @ integrand / shares.sum(), rtol=1e-12)
    np.testing.assert_allclose(found["elbo"], found["log_likelihood"] - found["kl"], rtol=1e-14)
    np.testing.assert_allclose(found["objective"], found["elbo"].sum(), rtol=1e-14)


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_the_objective_and_its_gradient_against_80_digits(spec: dict[str, Any], generate: ModuleType) -> None:
    """Each bound, and its derivative along one random direction of all weights at once by central differences."""
    mpf, lift = generate.mpf, np.vectorize(generate.lift, otypes=[object])
    problem = draw(spec, seed=7, batch=spec.get("data_count", 2) if spec.get("posterior") == "free" else 2)
    bounds = bounds_of(problem.spec)
    random = np.random.default_rng(1)
    direction = {name: random.normal(size=weight.shape) for name, weight in problem.weights.items()}
    noises = {f"noise.{name}": noise for name, noise in problem.weight_noise.items()}
    tensors = {"x": problem.x, "noise": problem.noise, **noises}

    def objectives(side: Any) -> Any:
        weights = {
            name: lift(np.vectorize(mpf, otypes=[object])(weight) + side * direction[name])
            for name, weight in problem.weights.items()
        }
        return generate.solve(spec, tensors, weights, bounds)[1]

    step = mpf(10) ** -25
    here, ahead, behind = (objectives(side) for side in (mpf(0), step, -step))
    for bound in bounds:
        found = evaluate(problem, bound=bound)
        assert found["objective"] == pytest.approx(float(here[bound].value), rel=1e-14), bound
        along = [(found[f"gradient/{name}"] * direction[name]).sum() for name in problem.weights]
        difference = float((ahead[bound].value - behind[bound].value) / (2 * step))
        assert abs(sum(along) - difference) < 1e-13 * sum(abs(part) for part in along), bound


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_n_is_finite_and_positive_in_every_family(spec: dict[str, Any]) -> None:
    problem = draw(spec)
    for bound in bounds_of(problem.spec):
        n = noise_scale(problem, "float32", bound=bound)
        assert list(n) == list(evaluate(problem, bound=bound))
        assert all(0 < scale < np.inf for scale in n.values()), [name for name in n if not 0 < n[name] < np.inf]


@pytest.mark.parametrize("name", ["beta", "full-vb"])
def test_an_importance_weighted_bound_has_no_kl_to_weigh(name: str) -> None:
    with pytest.raises(ValueError, match="bound 'iwae' has no KL"):
        evaluate(draw(FAMILIES[name]), bound="iwae")


def test_n_is_seeded_finite_and_in_proportion_to_epsilon() -> None:
    problem = draw(MLP)
    n = noise_scale(problem, "float32")
    assert n == noise_scale(problem, "float32")
    assert n != noise_scale(problem, "float32", seed=1)
    assert all(0 < scale < np.inf for scale in n.values())
    coarse = noise_scale(problem, "bfloat16")  # of the same range: float16 underflows at 6e-5
    for name, scale in n.items():
        assert coarse[name] / scale == pytest.approx(EPSILON["bfloat16"] / EPSILON["float32"], rel=0.2), name


def test_the_derivative_of_a_log_sum_is_in_the_everyday_form() -> None:
    """e^(a − log Σ e^a) has the rounding of the log-sum: of one large entry it is not exactly 1, as torch has it."""

    def derivative(arithmetic: Arithmetic) -> Any:
        tape = Tape(arithmetic)
        a = tape.input(np.array([1e4]), wanted=True)
        (adjoint,) = tape.backward(a.logsumexp(-1), [a])
        return adjoint

    assert (derivative(Exact()) == 1).all()
    deviation = np.abs(derivative(Perturbed(EPSILON["float32"], 16, 0)) - 1).max() / EPSILON["float32"]
    assert 1e3 < deviation < 2e4


def test_groups_of_runs_find_a_similar_n(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = draw(MLP, batch=8)
    n = noise_scale(problem, "float32", runs=64)
    monkeypatch.setattr(oracle, "GROUP", 1)
    for name, scale in noise_scale(problem, "float32", runs=64).items():
        assert 0.5 < scale / n[name] < 2, name


def test_overflow_becomes_a_nan_that_no_comparison_passes() -> None:
    problem = draw(GAUSSIAN)
    wild = dict(problem.weights) | {"encoder.log_variance.bias": np.full(3, 2000.0)}
    n = noise_scale(Problem("wild", problem.spec, problem.x, problem.noise, wild), "float64")
    assert np.isnan(n["kl"])
    assert np.isfinite(n["posterior_mean"])


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 24), ("float16", 11), ("bfloat16", 8)])
def test_rounded_keeps_the_dtypes_bits(dtype: str, bits: int) -> None:
    problem = draw(MLP)
    coarse = rounded(problem, dtype)
    for before, after in [(problem.x, coarse.x), (problem.noise, coarse.noise), *(
        (problem.weights[name], coarse.weights[name]) for name in problem.weights
    )]:  # fmt: skip
        mantissa, _ = np.frexp(after)
        assert after.dtype == np.float64
        assert (mantissa * 2.0**bits % 1 == 0).all()
        assert (np.abs(after - before) <= np.abs(before) * 2.0**-bits + 2.0**-25).all()
    assert rounded(problem, "float64") is problem


def test_rounding_drops_expectations_that_no_longer_hold() -> None:
    problem = load_problem(EXACT / "binary-tanh.json")
    coarse = rounded(problem, "float32")
    assert problem.expected_terms
    assert not coarse.expected_terms
    assert not coarse.expected_gradients


def test_an_unknown_dtype_is_bad_input() -> None:
    for request in (rounded, noise_scale):
        with pytest.raises(BadInput, match="found 'int8'"):
            request(draw(MLP), "int8")


def ascend(arithmetic: Arithmetic, weights: dict[str, Any], gradients: dict[str, Any]) -> dict[str, Any]:
    step = {name: arithmetic.round(0.01 * gradient) for name, gradient in gradients.items()}
    return {name: arithmetic.round(weights[name] + step[name]) for name in weights}


def test_gradient_ascent_climbs_and_carries_runs_apart() -> None:
    problem = draw(MLP)
    batches, noises = [problem.x] * 20, [problem.noise] * 20

    def train(arithmetic: Arithmetic) -> tuple[list[Any], dict[str, Any]]:
        steps = list(gradient_ascent(problem.spec, problem.weights, batches, noises, ascend, arithmetic))
        return [elbo for elbo, _ in steps], steps[-1][1]

    elbos, weights = train(Exact())
    assert elbos[0][0] == pytest.approx(evaluate(problem)["elbo"].sum(), rel=1e-14)
    assert (np.diff(np.ravel(elbos)) > 0).all()
    perturbed_elbos, perturbed = train(Perturbed(EPSILON["float32"], 5, 0))
    assert perturbed_elbos[-1].shape == (5,)
    for name, weight in perturbed.items():
        assert weight.shape == (5, *problem.weights[name].shape)
        deviation = np.abs(weight - weights[name]).max(axis=tuple(range(1, weight.ndim)))
        assert ((deviation > 0) & (deviation < 1e-4)).all(), name
        assert len(set(deviation)) == 5, name
