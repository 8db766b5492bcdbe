"""The oracle's families against SciPy's distributions, and against layers computed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp
from unit.families import FAMILIES, GAUSSIAN, MLP, SHALLOW, VAMP, draw

from elbostone.reference.oracle import evaluate
from elbostone.reference.problem import Problem

Array = np.ndarray
LAYERED = ("chain-two", "chain-three")
#: SciPy takes eigenvalues, and loses the digits of the condition number: covariances are kept moderate.
MODERATE = 0.3
ONE_LAYER = [pytest.param(spec, id=name) for name, spec in FAMILIES.items() if name not in LAYERED]


def roots(found: dict[str, Array]) -> Array:
    """[batch, row, column] of what the noise is multiplied by."""
    for name in ("posterior_cholesky", "posterior_factor"):
        if name in found:
            return found[name]
    return np.eye(found["posterior_sd"].shape[-1]) * found["posterior_sd"][:, :, None]


def posteriors(found: dict[str, Array]) -> list[Any]:
    """SciPy's q(z|x) of each datum."""
    covariances = found.get("posterior_covariance")
    if covariances is None:
        covariances = np.eye(found["posterior_mean"].shape[-1]) * found["posterior_variance"][:, :, None]
    return [stats.multivariate_normal(m, c) for m, c in zip(found["posterior_mean"], covariances, strict=True)]


def log_prior(problem: Problem, z: Array) -> Array:
    """log p(z) of z [..., latent] by SciPy."""
    w, spec = problem.weights, problem.spec
    if spec.prior != "vamp":
        sd = np.exp(w.get("prior.log_variance", np.zeros(1)) / 2)
        return stats.norm(w.get("prior.mean", 0.0), sd).logpdf(z).sum(-1)
    # The components are what the encoder makes of the pseudo-inputs, were they data.
    pseudo = w["prior.pseudo_inputs"]
    noise = np.zeros((1, len(pseudo), spec.latent_dim))
    components = posteriors(evaluate(replace(problem, x=pseudo, noise=noise), gradients=False))
    return logsumexp([q.logpdf(z) for q in components], axis=0) - np.log(len(pseudo))


@pytest.mark.parametrize("spec", ONE_LAYER)
def test_densities_against_scipy(spec: dict[str, Any]) -> None:
    problem = draw(spec, samples=4, scale=MODERATE)
    found = evaluate(problem, gradients=False)
    z = found["posterior_mean"] + np.einsum("brc,sbc->sbr", roots(found), problem.noise)
    np.testing.assert_allclose(found["latent"], z, rtol=1e-13)
    log_q = np.stack([q.logpdf(z[:, b]) for b, q in enumerate(posteriors(found))], axis=1)
    np.testing.assert_allclose(found["log_posterior"], log_q.mean(0), rtol=1e-12)
    log_p = log_prior(problem, z)
    np.testing.assert_allclose(found["log_prior"], log_p.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found["kl_monte_carlo"], (log_q - log_p).mean(0), rtol=1e-11)
    ratio = found["elbo_monte_carlo"] - found["log_likelihood"]
    np.testing.assert_allclose(ratio, -found["kl_monte_carlo"], rtol=1e-11)


@pytest.mark.parametrize("spec", ONE_LAYER)
def test_the_kl_is_its_integral(spec: dict[str, Any]) -> None:
    """log q − log p is quadratic under a Gaussian prior: 2J points mean ± √J · column of the root integrate it."""
    problem = draw(spec, scale=MODERATE)
    found = evaluate(problem, gradients=False)
    if spec["prior"] == "vamp":  # no closed form: the draws are the definition
        np.testing.assert_array_equal(found["kl"], found["kl_monte_carlo"])
        return
    size = problem.spec.latent_dim
    for b, q in enumerate(posteriors(found)):
        columns = np.sqrt(size) * roots(found)[b].T
        points = found["posterior_mean"][b] + np.concatenate([columns, -columns])
        integral = (q.logpdf(points) - log_prior(problem, points)).mean()
        assert found["kl"][b] == pytest.approx(integral, rel=1e-12)


@pytest.mark.parametrize("name", ["full", "full-learned", "rank-one", "rank-one-learned"])
def test_the_covariance_in_all_that_is_printed_of_it(name: str) -> None:
    found = evaluate(draw(FAMILIES[name], scale=MODERATE), gradients=False)
    root, covariance = roots(found), found["posterior_covariance"]
    np.testing.assert_allclose(root @ root.swapaxes(1, 2), covariance, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(np.exp(found["posterior_log_variance"]), np.diagonal(covariance, 0, 1, 2), rtol=1e-12)
    if "posterior_cholesky" in found:
        np.testing.assert_allclose(root, np.linalg.cholesky(covariance), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(np.diagonal(root, 0, 1, 2), found["cholesky_sd"], rtol=1e-15)
    else:
        precision, u = found["posterior_precision_matrix"], found["rank_one_vector"]
        np.testing.assert_allclose(np.linalg.inv(precision), covariance, rtol=1e-12, atol=1e-14)
        rest = precision - u[:, :, None] * u[:, None, :]
        np.testing.assert_allclose(np.diagonal(rest, 0, 1, 2), found["rank_one_precision"], rtol=1e-12)
        np.testing.assert_allclose(rest * (1 - np.eye(3)), 0, atol=1e-14)


def test_a_small_rank_one_part_is_no_zero_divided_by_zero() -> None:
    problem = draw(FAMILIES["rank-one"])
    names = ("encoder.rank_one.weight", "encoder.rank_one.bias")
    results = []
    for factor in (0.0, 1e-200, 1e-9):
        small = {name: factor * problem.weights[name] for name in names}
        results.append(evaluate(replace(problem, weights={**problem.weights, **small})))
    for name, value in results[0].items():
        assert np.isfinite(value).all(), name
        for other in results[1:]:
            np.testing.assert_allclose(other[name], value, rtol=1e-7, atol=1e-7)


def layer(problem: Problem, name: str, a: Array) -> Array:
    return np.asarray(a @ problem.weights[f"{name}.weight"].T + problem.weights[f"{name}.bias"])


def net(problem: Problem, name: str, a: Array) -> Array:
    """The hidden layers of one net."""
    activation = {"tanh": np.tanh, "softplus": lambda h: np.logaddexp(h, 0)}.get(problem.spec.activation)
    for i in range(len(problem.spec.hidden)):
        linear = layer(problem, f"{name}.hidden.{i}", a)
        gate = activation is None and expit(layer(problem, f"{name}.hidden.{i}.gate", a))
        a = activation(linear) if activation else linear * gate
    return a


@pytest.mark.parametrize("name", ["gated", "vamp-gated", "layers-three"])
def test_a_gated_layer_is_times_a_sigmoid(name: str) -> None:
    problem = draw(FAMILIES[name])
    mean = layer(problem, "encoder.mean", net(problem, "encoder", problem.x))
    np.testing.assert_allclose(evaluate(problem)["posterior_mean"], mean, rtol=1e-12)


@pytest.mark.parametrize("name", ["layers-one", "layers-two", "layers-three", "rank-one-layers"])
def test_a_deep_latent_starts_at_its_far_end(name: str) -> None:
    problem = draw(FAMILIES[name])
    spec, found = problem.spec, evaluate(problem)
    assert spec.latents
    parts = np.split(found["latent"], np.cumsum(spec.latents)[:-1], axis=-1)
    h: Array | None = None
    for i in reversed(range(len(parts))):
        jump = parts[i] @ problem.weights[f"decoder.latent.{i}.weight"].T
        name = f"decoder.transition.{i}"
        h = jump if h is None else layer(problem, f"{name}.output", net(problem, name, h)) + jump
    assert h is not None
    head = "logits" if spec.likelihood == "bernoulli" else "mean"
    output = layer(problem, f"decoder.{head}", net(problem, "decoder", h))
    np.testing.assert_allclose(found[f"decoder_{head}"], output, rtol=1e-11)
    np.testing.assert_allclose(found["log_prior"], stats.norm.logpdf(found["latent"]).sum(-1).mean(0), rtol=1e-12)


@pytest.mark.parametrize("name", LAYERED)
def test_a_chain_against_scipy(name: str) -> None:
    problem = draw(FAMILIES[name], samples=4)
    found, sizes = evaluate(problem), problem.spec.chain
    assert sizes
    noises = np.split(problem.noise, np.cumsum(sizes)[:-1], axis=-1)

    def given(name: str, a: Array) -> Any:
        hidden = net(problem, name, a)
        log_variance = layer(problem, f"{name}.log_variance", hidden)
        return stats.norm(layer(problem, f"{name}.mean", hidden), np.exp(log_variance / 2))

    q = [given("encoder", problem.x)]
    layers = [q[0].mean() + q[0].std() * noises[0]]
    for i in range(1, len(sizes)):
        q.append(given(f"encoder.chain.{i - 1}", layers[-1]))
        layers.append(q[-1].mean() + q[-1].std() * noises[i])
    p = [given(f"decoder.chain.{i}", above) for i, above in enumerate(layers[1:])] + [stats.norm()]
    np.testing.assert_allclose(found["latent"], np.concatenate(layers, axis=-1), rtol=1e-12)
    log_q, log_p = (sum(d.logpdf(h).sum(-1) for d, h in zip(side, layers, strict=True)) for side in (q, p))
    np.testing.assert_allclose(found["log_posterior"], log_q.mean(0), rtol=1e-11)
    np.testing.assert_allclose(found["log_prior"], log_p.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found["kl"], (log_q - log_p).mean(0), rtol=1e-11)
    np.testing.assert_allclose(found["posterior_mean"], q[0].mean(), rtol=1e-12)
    head = "logits" if problem.spec.likelihood == "bernoulli" else "mean"
    output = layer(problem, f"decoder.{head}", net(problem, "decoder", layers[0]))
    np.testing.assert_allclose(found[f"decoder_{head}"], output, rtol=1e-11)


@pytest.mark.parametrize("spec", [MLP, GAUSSIAN], ids=["standard", "learned"])
def test_rows_that_the_encoder_would_have_made_have_the_same_terms(spec: dict[str, Any]) -> None:
    problem = draw(spec)
    amortised = evaluate(problem)
    rows = {f"posterior.{part}": amortised[f"posterior_{part}"] for part in ("mean", "log_variance")}
    kept = {name: weight for name, weight in problem.weights.items() if not name.startswith("encoder.")}
    free = replace(problem.spec, posterior="free", data_count=len(problem.x))
    found = evaluate(replace(problem, spec=free, weights=rows | kept))
    for name, value in found.items():
        if not name.startswith("gradient/posterior."):
            np.testing.assert_array_equal(value, amortised[name], err_msg=name)
    # The chain rule: by a head's bias it is the sum over the rows.
    for part in ("mean", "log_variance"):
        total = found[f"gradient/posterior.{part}"].sum(0)
        np.testing.assert_allclose(total, amortised[f"gradient/encoder.{part}.bias"], rtol=1e-13)


@pytest.mark.parametrize("name", ["full-vb", "global"])
def test_decoder_weights_are_drawn_anew_for_each_sample(name: str) -> None:
    problem = draw(FAMILIES[name], samples=3)
    spec, w, found = problem.spec, problem.weights, evaluate(problem)
    likelihoods, sampled, closed = [], [], 0.0
    for sample in range(3):
        drawn = {}
        log_ratio = 0.0
        for weight, noise in problem.weight_noise.items():
            q = stats.norm(w[f"{weight}.mean"], np.exp(w[f"{weight}.log_variance"] / 2))
            drawn[weight] = q.mean() + q.std() * noise[sample]
            log_ratio += (q.logpdf(drawn[weight]) - stats.norm.logpdf(drawn[weight])).sum()
        sampled.append(log_ratio)
        others = {weight: value for weight, value in w.items() if not weight.startswith("decoder.")}
        point = replace(spec, decoder_weights="point", data_count=spec.data_count if spec.posterior == "free" else None)
        one = Problem("one", point, problem.x, problem.noise[sample : sample + 1], others | drawn)
        likelihoods.append(evaluate(one, gradients=False)["log_likelihood"])
    np.testing.assert_allclose(found["log_likelihood"], np.mean(likelihoods, axis=0), rtol=1e-13)
    assert found["weight_kl_monte_carlo"] == pytest.approx(np.mean(sampled), rel=1e-12)
    for weight in problem.weight_noise:
        q = stats.norm(w[f"{weight}.mean"], np.exp(w[f"{weight}.log_variance"] / 2))
        cross = 0.5 * (np.log(2 * np.pi) + q.mean() ** 2 + q.var())
        closed += (cross - q.entropy()).sum()
    assert found["weight_kl"] == pytest.approx(closed, rel=1e-12)
    share = len(problem.x) / spec.data_count
    assert found["objective"] == pytest.approx(found["elbo"].sum() - share * closed, rel=1e-13)


@pytest.mark.parametrize("beta", [0.25, 4.0])
@pytest.mark.parametrize("spec", [MLP, SHALLOW | VAMP], ids=["standard", "vamp"])
def test_beta_weighs_the_kl_and_nothing_else(spec: dict[str, Any], beta: float) -> None:
    problem = draw(spec)
    plain = {bound: evaluate(problem, bound=bound) for bound in ("elbo", "elbo_monte_carlo")}
    weighed = {b: evaluate(replace(problem, spec=replace(problem.spec, beta=beta)), bound=b) for b in plain}
    for bound, kl in (("elbo", "kl"), ("elbo_monte_carlo", "kl_monte_carlo")):
        for name, value in plain[bound].items():
            if not name.startswith(("weighted_", "gradient/", "objective")):
                np.testing.assert_array_equal(weighed[bound][name], value, err_msg=name)
        per_datum = plain[bound]["log_likelihood"] - beta * plain[bound][kl]
        np.testing.assert_allclose(weighed[bound][f"weighted_{bound}"], per_datum, rtol=1e-14)
        assert weighed[bound]["objective"] == pytest.approx(per_datum.sum(), rel=1e-14)
        # linear in β: the objective at β is that at 1 and the same with twice the KL, extrapolated
        double = evaluate(replace(problem, spec=replace(problem.spec, beta=2.0)), bound=bound)
        for name in problem.weights:
            one, two = plain[bound][f"gradient/{name}"], double[f"gradient/{name}"]
            line = one + (beta - 1) * (two - one)
            np.testing.assert_allclose(weighed[bound][f"gradient/{name}"], line, rtol=1e-9, atol=1e-12)
