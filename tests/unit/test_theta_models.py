"""The small models of θ against SciPy: other formulas, other quadratures, other derivatives. No framework runs."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from elbostone.reference import oracle
from elbostone.reference.arithmetic import Exact
from elbostone.reference.node import Node
from elbostone.reference.tape import Tape
from elbostone.theta import expected
from elbostone.theta.cases import BASE, Case, Evaluation, absorptions, all_data, block_of, cases, evaluations, exchange
from elbostone.theta.models import ROWS, Tanh

CASES = {case.name: case for case in cases()}
LINE = [name for name, case in CASES.items() if isinstance(case.model, Tanh) and case.points.shape[1] == 1]


def base(case: Case) -> Evaluation:
    return next(evaluation for evaluation in evaluations(case) if evaluation.key == BASE)


def rows(case: Case) -> dict[str, float]:
    tensors = evaluate(case, base(case))
    return {row: float(tensors[f"value/{row}"]) for row in ROWS}


def evaluate(case: Case, evaluation: Evaluation) -> dict[str, Any]:
    return {name: tensor[0] for name, tensor in expected.evaluate(case, evaluation, Exact()).items()}


def on_a_tape(case: Case, *arrays: Any) -> tuple[dict[str, Node], ...]:
    """The weights of a case, and further arrays, on one exact tape."""
    tape = Tape(Exact())
    return {name: tape.input(weight) for name, weight in case.weights.items()}, *map(tape.input, arrays)


def at(case: Case, density: Callable[..., Any], *arguments: Any) -> Callable[[float], float]:
    """A log density of z as a function of one number."""
    return lambda z: float(density(*on_a_tape(case, *arguments, np.array([[z]]))).value[0, 0])


@pytest.mark.parametrize("name", LINE)
def test_one_latent_agrees_with_adaptive_quadrature(name: str) -> None:
    case = CASES[name]
    prior, recognition = at(case, case.model.log_prior), at(case, case.model.log_recognition, case.x)
    likelihood = at(case, case.model.log_likelihood, case.x)

    def integral(f: Callable[[float], float]) -> float:
        return float(integrate.quad(f, -30, 30, epsabs=1e-13, epsrel=1e-13, limit=400, points=(-3, 0, 3))[0])

    found = rows(case)
    marginal = integral(lambda z: np.exp(likelihood(z) + prior(z)))
    elbo = integral(lambda z: np.exp(recognition(z)) * (likelihood(z) + prior(z) - recognition(z)))
    z = float(case.points[0, 0])
    assert integral(lambda z: np.exp(prior(z))) == pytest.approx(1, abs=1e-12)
    assert integral(lambda z: np.exp(recognition(z))) == pytest.approx(1, abs=1e-12)
    assert found["p(x)"] == pytest.approx(np.log(marginal), abs=1e-12)
    assert found["ELBO"] == pytest.approx(elbo, abs=1e-11)
    assert found["ELBO"] < found["p(x)"]
    assert found["p(z|x)"] == pytest.approx(likelihood(z) + prior(z) - np.log(marginal), abs=1e-12)
    assert found["p(x, z)"] == pytest.approx(found["p(x|z)"] + found["p(z)"], abs=1e-15)


def test_two_latents_agree_with_gauss_hermite() -> None:
    case = CASES["plane"]
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    scale = np.exp(case.weights["prior.log_variance"] / 2)
    grid = np.array([[a, b] for a in nodes for b in nodes]) * scale + case.weights["prior.mean"]
    mass = np.outer(weights, weights).ravel() / (2 * np.pi)
    likelihood = case.model.log_likelihood(*on_a_tape(case, case.x, grid)).value[0]
    assert rows(case)["p(x)"] == pytest.approx(np.log(mass @ np.exp(likelihood)), abs=1e-12)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.binary])
def test_marginal_sums_to_one(name: str) -> None:
    case = CASES[name]
    total = sum(np.exp(float(case.model.log_marginal(*on_a_tape(case, x)).value[0])) for x in all_data(3))
    assert total == pytest.approx(1, abs=1e-13)


def test_densities_are_those_of_scipy() -> None:
    case, w = CASES["plane"], CASES["plane"].weights
    z = case.points[0]
    hidden = np.tanh(w["encoder.hidden.0.weight"] @ case.x + w["encoder.hidden.0.bias"])
    mean, log_variance = (
        w[f"encoder.{head}.weight"] @ hidden + w[f"encoder.{head}.bias"] for head in ("mean", "log_variance")
    )
    decoded = np.tanh(w["decoder.hidden.0.weight"] @ z + w["decoder.hidden.0.bias"])
    y = special.expit(w["decoder.logits.weight"] @ decoded + w["decoder.logits.bias"])
    found = rows(case)
    prior = stats.norm(w["prior.mean"], np.exp(w["prior.log_variance"] / 2))
    assert found["q(z|x)"] == pytest.approx(stats.norm(mean, np.exp(log_variance / 2)).logpdf(z).sum(), abs=1e-14)
    assert found["p(z)"] == pytest.approx(prior.logpdf(z).sum(), abs=1e-14)
    assert found["p(x|z)"] == pytest.approx(stats.bernoulli(y).logpmf(case.x).sum(), abs=1e-14)


def test_linear_gaussian_is_that_of_conditioning_a_joint_gaussian() -> None:
    case, w = CASES["linear"], CASES["linear"].weights
    z, W = case.points[0], w["decoder.mean.weight"]
    prior, noise = w["prior.factor"] @ w["prior.factor"].T, np.exp(w["decoder.log_variance"]) * np.eye(3)
    centre, covariance = W @ w["prior.mean"] + w["decoder.mean.bias"], W @ prior @ W.T + noise
    gain = prior @ W.T @ np.linalg.inv(covariance)
    posterior = stats.multivariate_normal(
        w["prior.mean"] + gain @ (case.x - centre), prior - gain @ W @ prior, allow_singular=False
    )
    q_mean, q_factor = w["encoder.mean.weight"] @ case.x + w["encoder.mean.bias"], w["encoder.factor"]
    q = q_factor @ q_factor.T
    inverse = np.linalg.inv(posterior.cov)
    shift = posterior.mean - q_mean
    kl = 0.5 * (np.trace(inverse @ q) + shift @ inverse @ shift - 2)
    kl += 0.5 * (np.linalg.slogdet(posterior.cov)[1] - np.linalg.slogdet(q)[1])
    found = rows(case)
    assert found["p(z)"] == pytest.approx(stats.multivariate_normal(w["prior.mean"], prior).logpdf(z), abs=1e-13)
    assert found["p(x)"] == pytest.approx(stats.multivariate_normal(centre, covariance).logpdf(case.x), abs=1e-13)
    assert found["p(z|x)"] == pytest.approx(posterior.logpdf(z), abs=1e-13)
    assert found["q(z|x)"] == pytest.approx(stats.multivariate_normal(q_mean, q).logpdf(z), abs=1e-13)
    assert found["ELBO"] == pytest.approx(found["p(x)"] - kl, abs=1e-12)


def test_marginal_kl_is_that_of_two_gaussians() -> None:
    generator = np.random.default_rng(0)
    W, b, log_variance = generator.normal(size=(3, 3)), generator.normal(size=3), np.array([-1.0])
    weights = {"decoder.mean.weight": W, "decoder.mean.bias": b, "decoder.log_variance": log_variance}
    covariance = W @ W.T + np.exp(-1) * np.eye(3)
    draws = generator.multivariate_normal(b, covariance, 200_000)
    ratio = stats.multivariate_normal(b, covariance).logpdf(draws) - stats.multivariate_normal(np.zeros(3)).logpdf(
        draws
    )
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(expected.marginal_kl(weights, Exact())["kl"][0] - ratio.mean()) < 5 * error


@pytest.mark.parametrize("name", [name for name in CASES if name != "plane"])
def test_derivatives_are_those_of_central_differences(name: str) -> None:
    case, h = CASES[name], 1e-5
    exact = evaluate(case, base(case))
    for weight, value in case.weights.items():
        for index in np.ndindex(value.shape):
            sides = []
            for sign in (1, -1):
                nudged = value.copy()
                nudged[index] += sign * h
                moved = replace(base(case), weights={**case.weights, weight: nudged}, gradients=False)
                sides.append(evaluate(case, moved))
            for row in ROWS:
                slope = (sides[0][f"value/{row}"] - sides[1][f"value/{row}"]) / (2 * h)
                assert exact[f"gradient/{weight}/{row}"][index] == pytest.approx(slope, abs=1e-8), (weight, row)


def test_rounding_moves_what_is_not_zero_and_nothing_else() -> None:
    case = CASES["learned"]
    scale = oracle.largest_deviations(partial(expected.evaluate, case, base(case)), "float64", numbers=1, runs=4)
    for name, tensor in evaluate(case, base(case)).items():
        assert (scale[name] == 0) == (not np.any(tensor)), name
        assert scale[name] <= 1e-13, name


@pytest.mark.parametrize("pair", absorptions(), ids=lambda pair: pair[0].name)
def test_absorption_keeps_marginal_and_elbo_and_changes_densities_of_z_by_the_jacobian(pair: tuple[Case, Case]) -> None:
    before, after = rows(pair[0]), rows(replace(pair[1], tabled=True))
    for row in ("p(x|z)", "p(x)", "ELBO"):
        assert after[row] == pytest.approx(before[row], abs=1e-12), row
    jacobian = after["p(z)"] - before["p(z)"]
    assert abs(jacobian) > 1e-3
    for row in ("p(x, z)", "p(z|x)", "q(z|x)"):
        assert after[row] - before[row] == pytest.approx(jacobian, abs=1e-12), row
    assert not any(block_of(name) == "prior" for name in pair[1].weights)


def test_exchange_takes_the_named_blocks_and_no_others() -> None:
    case = CASES["learned"]
    changed = {name for name, w in exchange(case, ("prior",)).items() if not np.array_equal(w, case.weights[name])}
    assert changed == {"prior.mean", "prior.log_variance"}
