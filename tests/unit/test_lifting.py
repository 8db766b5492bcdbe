"""Embeddings: a special case and what it is written as have the same terms and gradients; the fewest are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from unit.families import CONV, FAMILIES, FIXED, GAUSSIAN, MLP, bounds_of, draw

from elbostone.notations.notation import Notation, Supports
from elbostone.notations.registry import notations
from elbostone.notations.writing import written_by
from elbostone.reference.families import LIFTINGS
from elbostone.reference.lifting import Lifted, lifted
from elbostone.reference.oracle import evaluate
from elbostone.reference.parsing import CONDITIONS, parse_spec
from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_shapes

SCALAR, IDENTITY, CHOLESKY, RANK_ONE, PRIOR, VARIANCE = (lifting.name for lifting in LIFTINGS)
ISOTROPIC, FREE = FAMILIES["isotropic"], FAMILIES["free"]
CASES = {
    f"{name}: {which}": (name, spec)
    for name, specs in {
        SCALAR: {"one": ISOTROPIC, "vamp": FAMILIES["vamp-isotropic"], "learned": FAMILIES["isotropic-learned"]},
        IDENTITY: {"one": MLP, "gaussian": GAUSSIAN, "rank-one": FAMILIES["rank-one"], "free": FREE},
        CHOLESKY: {"one": MLP, "learned": GAUSSIAN, "fixed": FIXED, "layers": FAMILIES["layers-two"]},
        RANK_ONE: {"one": MLP, "learned": GAUSSIAN, "beta": FAMILIES["beta"], "layers": FAMILIES["layers-two"]},
        PRIOR: {"one": MLP, "conv": CONV, "full": FAMILIES["full"], "free": FREE},
        VARIANCE: {"one": FIXED, "gated": FAMILIES["gated"]},
    }.items()
    for which, spec in specs.items()
}
every_lifting = pytest.mark.parametrize(("name", "spec"), CASES.values(), ids=CASES)


def check(step: Lifted, spec: dict[str, Any]) -> None:
    """Terms and gradients of a problem of the source and of the target are the same."""
    problem = draw(spec, samples=3)
    general = replace(problem, spec=step.target, weights=step.weights(problem.weights))
    assert {name: weight.shape for name, weight in general.weights.items()} == weight_shapes(step.target)
    for bound in bounds_of(problem.spec):
        truth, found = evaluate(problem, bound=bound), evaluate(general, bound=bound)
        for name, value in truth.items():
            if name in found and not name.startswith("gradient/"):
                np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-13, err_msg=f"{bound}: {name}")
        assert {"log_likelihood", "kl", "elbo", "latent", "iwae", "objective", "posterior_mean"} <= found.keys()
        by_weight = {name: found[f"gradient/{name}"] for name in general.weights}
        brought_back = step.gradients(by_weight)
        assert list(brought_back) == list(problem.weights)
        for name, gradient in brought_back.items():
            scale = np.abs(truth[f"gradient/{name}"]).max()
            np.testing.assert_allclose(
                gradient, truth[f"gradient/{name}"], rtol=0, atol=1e-12 * scale, err_msg=f"{bound}: {name}"
            )


def test_every_lifting_has_cases() -> None:
    assert {name for name, _ in CASES.values()} == {lifting.name for lifting in LIFTINGS}
    assert CHOLESKY == "a diagonal as a Cholesky factor"
    assert RANK_ONE == "a diagonal as D + uuᵀ with u = 0"


@every_lifting
def test_the_special_case_and_the_general_one_have_the_same_terms_and_gradients(
    name: str, spec: dict[str, Any]
) -> None:
    step = lifted(parse_spec(spec, "test"), name)
    assert step.names == (name,)
    assert step.target != step.source
    parse_spec(step.target.as_json(), "what it is written as")
    check(step, spec)


def adjoint_holds(step: Lifted) -> None:
    random = np.random.default_rng(0)
    v = {name: random.normal(size=shape) for name, shape in weight_shapes(step.source).items()}
    u = {name: random.normal(size=shape) for name, shape in weight_shapes(step.target).items()}
    zero = step.weights({name: np.zeros_like(value) for name, value in v.items()})
    moved = {name: value - zero[name] for name, value in step.weights(v).items()}  # J v: the constants have none
    left = sum((moved[name] * u[name]).sum() for name in u)
    back = step.gradients(u)
    right = sum((v[name] * back[name]).sum() for name in v)
    assert left == pytest.approx(right, rel=1e-13)
    assert abs(left) > 1e-3


@every_lifting
def test_gradients_come_back_by_the_adjoint(name: str, spec: dict[str, Any]) -> None:
    adjoint_holds(lifted(parse_spec(spec, "test"), name))


DEFAULTS = {condition: (words[0],) for condition, words in CONDITIONS.items()}


def defining(**words: tuple[str, ...]) -> Notation:
    """A notation of the plainest Bernoulli VAE, but for these words."""
    return replace(notations()["kingma_welling_2019"], supports=Supports(**{**DEFAULTS, **words}))


def test_what_a_notation_defines_is_written_without_a_lifting() -> None:
    spec = parse_spec(MLP, "test")
    step = written_by(defining(posterior=("diagonal", "full", "rank-one"), prior=("standard", "learned")), spec)
    assert step is not None
    assert step.names == ()
    assert step.target == spec
    weights = draw(MLP).weights
    for name, weight in step.weights(weights).items():
        np.testing.assert_array_equal(weight, weights[name])


CHAINS: dict[str, tuple[dict[str, Any], dict[str, tuple[str, ...]], set[str]]] = {
    "a scalar as D + uuᵀ": (ISOTROPIC, {"posterior": ("rank-one",)}, {SCALAR, RANK_ONE}),
    "a scalar as a factor": (ISOTROPIC, {"posterior": ("full",)}, {SCALAR, CHOLESKY}),
    "a scalar, G = I": (ISOTROPIC, {"posterior": ("rank-one",), "latents": ("layers",)}, {SCALAR, RANK_ONE, IDENTITY}),
    "a factor and a prior": (MLP, {"posterior": ("full",), "prior": ("learned",)}, {CHOLESKY, PRIOR}),
    "a variance and a prior": (
        FIXED | {"activation": "tanh"},
        {"likelihood": ("gaussian",), "prior": ("learned",)},
        {VARIANCE, PRIOR},
    ),
    "the shorter of two": (ISOTROPIC, {"posterior": ("diagonal", "full")}, {SCALAR}),
}


@pytest.mark.parametrize(("spec", "words", "names"), CHAINS.values(), ids=CHAINS)
def test_the_shortest_chain_of_liftings_is_taken(
    spec: dict[str, Any], words: dict[str, tuple[str, ...]], names: set[str]
) -> None:
    step = written_by(defining(**words), parse_spec(spec, "test"))
    assert step is not None
    assert set(step.names) == names
    assert len(step.names) == len(names)
    check(step, spec)
    adjoint_holds(step)


@pytest.mark.parametrize("name", ["full", "rank-one", "vamp", "chain-two", "layers-two", "full-vb", "beta", "gated"])
def test_a_general_case_is_no_special_one(name: str) -> None:
    plain = defining(likelihood=("bernoulli", "gaussian-fixed"))
    assert written_by(plain, parse_spec(FAMILIES[name], "test")) is None


def test_no_lifting_makes_a_specification_that_does_not_exist() -> None:
    for spec in (MLP, GAUSSIAN, FIXED, CONV, *FAMILIES.values()):
        seen = [parse_spec(spec, "test")]
        for known in seen:
            targets = [t for lifting in LIFTINGS if isinstance(t := lifting.target(known), Spec)]
            for target in targets:
                assert parse_spec(target.as_json(), f"{known}") == target
            seen += [target for target in targets if target not in seen]
        assert len(seen) < 40


def test_a_lifting_that_does_not_fit_is_named() -> None:
    for name in (SCALAR, VARIANCE, "a circle squared"):
        with pytest.raises(ValueError, match=f"lifting '{name}': expected one of {SCALAR}"):
            lifted(parse_spec(MLP, "test"), name)
