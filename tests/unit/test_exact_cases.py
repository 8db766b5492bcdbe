"""The exact cases: what the generator writes is what is committed, the oracle agrees, and errors in it are noticed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from unit.families import bounds_of

from elbostone.reference import networks
from elbostone.reference import oracle as definition
from elbostone.reference.families import chain, latents, posterior, prior
from elbostone.reference.families.decoder_weights import WeightPosterior
from elbostone.reference.node import Node
from elbostone.reference.normal import log_normal_of_squares
from elbostone.reference.oracle import evaluate, noise_scale
from elbostone.reference.parsing import CONDITIONS
from elbostone.reference.problem import Problem, load_problem
from elbostone.reference.tape import stack

EXACT = Path(__file__).parents[1] / "exact"
GOLDEN = EXACT.parents[2] / "shared" / "golden"
CASES = [*sorted(EXACT.glob("*.json")), *sorted(GOLDEN.glob("*.json"))]
every_case = pytest.mark.parametrize("path", CASES, ids=[f"{path.parent.name}-{path.stem}" for path in CASES])


def relative(found: np.ndarray, truth: np.ndarray) -> float:
    assert found.shape == truth.shape
    return float(np.abs(found - truth).max() / (np.abs(truth).max() or 1))


def wrong(problem: Problem, bound: str) -> list[str]:
    """The tensors in which the oracle is not the exact case, in the order of data flow."""
    found = evaluate(problem, bound=bound)
    limits = dict.fromkeys(problem.expected_terms, 1e-14)
    truths = {term: np.array(strings).astype(np.float64) for term, strings in problem.expected_terms.items()}
    for name, gradient in problem.expected_gradients[bound].items():
        limits[f"gradient/{name}"], truths[f"gradient/{name}"] = 1e-13, gradient
    return [name for name in found if name in truths and not relative(found[name], truths[name]) <= limits[name]]


@every_case
def test_the_oracle_is_exact(path: Path) -> None:
    problem = load_problem(path)
    assert len(problem.expected_terms) == 7, f"{path}: expectations are missing"
    assert "elbo" in problem.expected_gradients, f"{path}: gradients are missing"
    for bound in problem.expected_gradients:
        assert not wrong(problem, bound), f"{path.stem}, {bound}: {wrong(problem, bound)}"


@every_case
def test_the_oracles_own_float64_error_is_within_n(path: Path) -> None:
    """What K has to cover is the frameworks' rounding, not the truth's."""
    problem = load_problem(path)
    exact = {term: np.array(strings).astype(np.float64) for term, strings in problem.expected_terms.items()}
    for bound, gradients in problem.expected_gradients.items():
        found, n = evaluate(problem, bound=bound), noise_scale(problem, "float64", bound=bound)
        for name, truth in {**exact, **{f"gradient/{name}": each for name, each in gradients.items()}}.items():
            error = np.abs(found[name] - truth).max()
            assert error <= n[name], f"{path.stem}: {name}: error {error:.1e} against N {n[name]:.1e}"


def test_each_word_of_a_specification_has_a_case() -> None:
    specs = [load_problem(path).spec for path in EXACT.glob("*.json")]
    for condition, words in CONDITIONS.items():
        assert {spec.word(condition) for spec in specs} == set(words), condition


def test_each_bound_has_gradients_of_each_family_that_has_it() -> None:
    problems = [load_problem(path) for path in EXACT.glob("*.json")]
    for condition in ("posterior", "prior", "activation", "latents", "decoder_weights", "beta"):
        for word in CONDITIONS[condition]:
            own = [problem for problem in problems if problem.spec.word(condition) == word]
            assert {bound for p in own for bound in p.expected_gradients} >= {"elbo"}, (condition, word)
    for bound in ("elbo_monte_carlo", "iwae"):
        assert sum(bound in problem.expected_gradients for problem in problems) >= 5, bound
    for problem in problems:
        assert set(problem.expected_gradients) <= set(bounds_of(problem.spec)), problem.name


# The generator


@pytest.mark.parametrize(
    "name", ["singletons-learned", "collapsed-wide", "conv-one-layer", "rank-one-layers", "global"]
)
def test_a_case_is_regenerated_byte_for_byte(name: str, generate: ModuleType, tmp_path: Path) -> None:
    generate.write(name, generate.CASES[name], tmp_path)
    files = {path.name for path in EXACT.glob(f"{name}.*")}
    assert {path.name for path in tmp_path.iterdir()} == files
    for file in files:
        kept = (EXACT / file).read_bytes()
        assert (tmp_path / file).read_bytes() == kept, f"{file} is not what `python tests/exact/generate.py` writes"


def test_every_case_is_committed_and_nothing_else(generate: ModuleType) -> None:
    assert {path.stem for path in EXACT.glob("*.json")} == set(generate.CASES)
    gradients = {path.name for path in EXACT.glob("*.gradients.safetensors")}
    assert gradients == {
        f"{name}.gradients.safetensors" if bound == "elbo" else f"{name}.{bound}.gradients.safetensors"
        for name, case in generate.CASES.items()
        for bound in case.bounds
    }


@pytest.mark.parametrize("name", ["isotropic", "full", "rank-one", "free"])
def test_the_root_that_draws_z_is_one_of_the_covariance(name: str, generate: ModuleType) -> None:
    scalar, definitions = (importlib.import_module(module) for module in ("scalar", "scalar_vae"))
    case = generate.CASES[name]
    tensors = generate.draw(name, case)
    weights = {weight: generate.numbers(tensors[weight]) for weight in generate.shapes(case.spec)}
    q = definitions.posterior(case.spec, list(generate.numbers(tensors["x"][0])), weights)
    covariance = scalar.product(q.root, scalar.transpose(q.root))
    one = scalar.product(covariance, q.precision)
    for i, row in enumerate(one):
        for j, entry in enumerate(row):
            assert abs(entry.value - (i == j)) < 1e-70
            assert abs(covariance[i][j].value - q.covariance[i][j].value) < 1e-70


# Errors planted in the definition

Patch = Callable[[pytest.MonkeyPatch], None]


def _no_square_root(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Node, "sqrt", lambda a: a)


def _no_log_k(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(prior, "math", SimpleNamespace(log=lambda value: 0.0))


def _prior_without_gradient(patch: pytest.MonkeyPatch) -> None:
    def detached(spec: Any, x: Node, w: Any) -> Any:
        return {name: Node(node.tape, node.value) for name, node in networks.encode(spec, x, w).items()}

    patch.setattr(prior, "encode", detached)


def _mask_with_the_diagonal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(posterior, "np", SimpleNamespace(**vars(np) | {"tri": lambda size, k: np.tri(size)}))


def _one_scale_counted_once(patch: pytest.MonkeyPatch) -> None:
    drawn = posterior.Isotropic.draw

    def draw(family: Any, spec: Any, *arguments: Any) -> Any:
        found = drawn(family, spec, *arguments)
        return replace(found, log_variance=found.log_variance / spec.latent_dim)

    patch.setattr(posterior.Isotropic, "draw", draw)


def _rows_in_another_order(patch: pytest.MonkeyPatch) -> None:
    def encode(*arguments: Any) -> Any:
        heads = networks.encode(*arguments)
        rows = reversed(range(heads["mean"].shape[0]))
        return {**heads, "mean": stack([heads["mean"][row] for row in rows])}

    patch.setattr(definition, "encode", encode)


def _no_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Node, "sigmoid", lambda a: a.tanh())


def _no_g(patch: pytest.MonkeyPatch) -> None:
    def enter(family: Any, spec: Any, noises: Node, w: Any) -> Node:
        return networks.layer_of(noises, spec.latents, 0)

    patch.setattr(latents.DeepLatents, "enter", enter)


def _layers_independent_in_p(patch: pytest.MonkeyPatch) -> None:
    def log_prior(family: Any, spec: Any, latents: Node, w: Any) -> Node:
        return log_normal_of_squares(latents.constant(0.0), latents**2)

    patch.setattr(chain.Chain, "log_prior", log_prior)


def _changed_spec(**fields: Any) -> Patch:
    """The objective is that of a specification with another of its numbers."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        own = definition.objective
        patch.setattr(definition, "objective", lambda spec, *others: own(replace(spec, **fields), *others))

    return apply


def _one_draw_of_the_weights(patch: pytest.MonkeyPatch) -> None:
    own = WeightPosterior.decode

    def decode(family: Any, spec: Any, latent: Node, weight_noise: Any, w: Any) -> Any:
        same = {name: stack([n[0]] * n.shape[0]) for name, n in weight_noise.items()}
        return own(family, spec, latent, same, w)

    patch.setattr(WeightPosterior, "decode", decode)


def _mean_of_logs(patch: pytest.MonkeyPatch) -> None:
    def average(a: Node, axis: int) -> Node:
        return a.mean(axis) + np.log(a.shape[axis])

    patch.setattr(Node, "logsumexp", average)


#: What is done → (how, the case that notices, the bound, the first tensor that is wrong).
PLANTED: dict[str, tuple[Patch, str, str, str]] = {
    "η for √η in R": (_no_square_root, "rank-one", "elbo", "log_likelihood"),
    "no log K": (_no_log_k, "vamp", "elbo", "kl"),
    "no gradient through q(z|u)": (_prior_without_gradient, "vamp", "elbo", "gradient/encoder.hidden.0.weight"),
    "a mask with the diagonal": (_mask_with_the_diagonal, "full", "elbo", "posterior_log_variance"),
    "log det σ²I is log σ²": (_one_scale_counted_once, "isotropic", "elbo", "kl"),
    "rows of another datum": (_rows_in_another_order, "free", "elbo", "posterior_mean"),
    "tanh for the sigmoid of a gate": (_no_gate, "gated-deep", "elbo", "posterior_mean"),
    "no G": (_no_g, "layers-two", "elbo", "log_likelihood"),
    "layers of p that do not depend on each other": (_layers_independent_in_p, "chain-two", "iwae", "kl"),
    "β forgotten": (_changed_spec(beta=1.0), "beta", "elbo", "gradient/encoder.hidden.0.weight"),
    "β forgotten where the KL is sampled": (
        _changed_spec(beta=1.0),
        "beta-below-one-vamp",
        "elbo_monte_carlo",
        "gradient/encoder.hidden.0.weight",
    ),
    "the KL of the weights counted for each datum": (
        _changed_spec(data_count=1),
        "full-vb",
        "elbo",
        "gradient/decoder.hidden.0.weight.mean",
    ),
    "one ζ for all draws": (_one_draw_of_the_weights, "full-vb", "elbo_monte_carlo", "log_likelihood"),
    "mean of logs for log of mean": (_mean_of_logs, "binary-tanh", "iwae", "iwae"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_an_error_in_the_definition_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, case, bound, first = PLANTED[name]
    problem = load_problem(EXACT / f"{case}.json")
    assert not wrong(problem, bound)
    plant(monkeypatch)
    assert [*wrong(problem, bound), None][0] == first
