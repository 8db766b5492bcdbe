"""The analysis of θ on exact numbers, and on planted errors that it has to name. No framework runs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from unit.theta_planted import planted

from elbostone.notations.registry import notations
from elbostone.reference.arithmetic import Exact
from elbostone.reference.truth import Truth
from elbostone.theta import expected as reference
from elbostone.theta.cases import BASE, Case, absorptions, cases, evaluations
from elbostone.theta.expected import Tensors
from elbostone.theta.judge import agreement, readings, small_models, sources, trained
from elbostone.theta.judge.statement import Statement, number
from elbostone.theta.plan import BY_NAME, Adagrad, Regime, collect, expand, readouts, start
from elbostone.theta.records import TrainingRecord

QUICK = ("learned", "vamp", "tied", "linear")
"""The cases of one latent and the exact one; all of two latents costs a minute of NumPy."""
CASES = {case.name: case for case in cases() if case.name in QUICK}


def tensors_of(case: Case) -> dict[str, Any]:
    """What a backend without rounding errors of its own would return."""
    return {
        f"{case.name}/{e.key}/{name}": tensor[0]
        for e in evaluations(case)
        for name, tensor in reference.evaluate(case, e, Exact()).items()
    }


@cache
def right() -> tuple[Truth, Tensors]:
    tensors = {name: tensor for case in CASES.values() for name, tensor in tensors_of(case).items()}
    return reference.truth_of(CASES.values()), tensors


def judged(case: Case, tensors: Tensors) -> dict[str, Statement]:
    found = {"backend": tensors}
    return {
        "dependency": small_models.dependency_statement(case, small_models.dependency_table(case, found), "backend"),
        "joint": small_models.joint_statement(case, small_models.residuals(case, right()[0], found)),
    }


@pytest.mark.parametrize("name", QUICK)
def test_the_right_models_hold(name: str) -> None:
    for statement in judged(CASES[name], right()[1]).values():
        assert statement.holds, statement.sentence


PLANTS = {
    "leak": ("dependency", "p(z) by decoder.logits.bias: expected exactly 0; found backend 1.73e-12"),
    "posterior of another prior": ("joint", "base exchanged in nothing: expected at most"),
    "posterior of the encoder": ("dependency", "p(z|x) by encoder.hidden.0.weight: expected exactly 0"),
    "unshared likelihood": ("joint", "base exchanged in nothing: expected at most"),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_error_is_named(plant: str) -> None:
    case = planted()[plant]
    kind, message = PLANTS[plant]
    statement = judged(case, tensors_of(case))[kind]
    assert not statement.holds
    assert statement.sentence.startswith(message), statement.sentence


def test_every_plant_is_tried() -> None:
    assert planted().keys() == PLANTS.keys()


def changed(name: str, value: Callable[[float], float]) -> dict[str, Any]:
    tensor = right()[1][name]
    return {**right()[1], name: np.full(tensor.shape, value(float(np.max(tensor))))}


def verdicts(tensors: Tensors) -> dict[str, agreement.Agreement]:
    found = {name: agreement.agreements(name, right()[0], {"torch": tensors}, f"{name}/") for name in CASES}
    return {name: one for name, (one,) in found.items()}


def test_the_truth_agrees_with_itself() -> None:
    assert {agreement.verdict for agreement in verdicts(right()[1]).values()} == {"equal"}


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        (f"{BASE}/value/p(x)", lambda old: old + 1e-12),
        (f"{BASE}/value/p(x)", lambda old: np.nan),
        (f"{BASE}/gradient/decoder.logits.bias/p(z)", lambda old: 1e-300),
        ("prior/1/value/p(z|x)", lambda old: 0.0),
    ],
    ids=["a digit", "NaN", "nearly zero", "another value"],
)
def test_a_changed_number_differs_and_is_named(tensor: str, value: Callable[[float], float]) -> None:
    found = verdicts(changed(f"learned/{tensor}", value))
    assert found["learned"].verdict == "differs"
    assert (found["learned"].first_divergence or "").startswith(tensor)
    assert {found[name].verdict for name in QUICK if name != "learned"} == {"equal"}


def test_a_tensor_that_is_not_there_differs() -> None:
    tensors = {name: tensor for name, tensor in right()[1].items() if name != "vamp/x/3/value/p(x)"}
    found = verdicts(tensors)["vamp"]
    assert found.verdict == "differs"
    assert "shape" in (found.first_divergence or "")


def test_a_residual_that_should_not_be_zero_fails() -> None:
    case = CASES["learned"]
    tensors = dict(right()[1])
    for point in range(3):  # as if the marginal ignored the other θ
        tensors[f"learned/all/{point}/value/p(x)"] = tensors["learned/base/0/value/p(x)"]
    statement = judged(case, tensors)["joint"]
    assert not statement.holds
    assert statement.sentence.startswith("all exchanged in p(x): expected more than")


def test_totals_hold_and_notice_a_p_of_x_that_is_no_distribution() -> None:
    case = CASES["vamp"]
    found, tensors = right()
    assert small_models.total(case, found, {"torch": tensors}).holds
    less = changed("vamp/x/5/value/p(x)", lambda old: old - 1e-10)
    total = small_models.total(case, found, {"torch": less})
    assert not total.holds
    assert not small_models.total_statement(case, total).holds


def test_absorption_holds_and_notices_an_encoder_that_was_left_behind() -> None:
    case, moved = next(pair for pair in absorptions() if pair[0].name == "learned")
    both = reference.truth_of((case, moved))
    tensors = {**tensors_of(case), **tensors_of(moved)}
    assert small_models.absorption_statement(case, moved, both, {"torch": tensors}).holds
    behind = replace(moved, weights={**moved.weights, "encoder.mean.bias": case.weights["encoder.mean.bias"]})
    tensors |= tensors_of(behind)
    found = small_models.absorption_statement(case, behind, both, {"torch": tensors})
    assert not found.holds
    assert float(found.sentence.partition("change by ")[2].split()[0]) > 1e-3


# Trainings


def record(
    regime: str, seed: int, nats: float, readout: str = "as trained", rounding: int | None = None
) -> TrainingRecord:
    return TrainingRecord(
        regime=regime,
        seed=seed,
        rounding=rounding,
        backend="torch",
        readout=readout,
        held_out_log_likelihood_nats=nats,
        standard_error_nats=0.5,
        theta_change=1.0,
        training_s=1.0,
        evaluation_scale_nats=1e-14,
    )


def records(**changes: float) -> list[TrainingRecord]:
    """Trainings as they should come out; a keyword replaces a regime's score."""
    nats = {"learned": -18.0, "frozen": -44.0, "tied": -19.0, "one-copy": -18.2, "two-copies": -18.2} | changes
    found = [record(regime, 0, value) for regime, value in nats.items()]
    found += [record(regime, 0, value + 1e-14, rounding=0) for regime, value in nats.items()]
    for readout in ("θ¹ throughout", "θ² throughout"):
        found += [record("two-copies", 0, -40.0, readout, rounding) for rounding in (None, 0)]
    return found


def test_trainings_as_they_should_be_hold() -> None:
    found = trained.scores(records())
    assert {score.verdict for score in found} == {"equal"}
    assert all(statement.holds for statement in trained.trained_statements(found, "here"))


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"frozen": -17.0}, "frozen against learned, seeds"),
        ({"tied": -18.0}, "tied against untied"),
        ({"two_copies": -18.2000001}, "two copies of θ"),
    ],
)
def test_trainings_that_deny_a_statement_fail_it(changes: Mapping[str, float], subject: str) -> None:
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    statements = trained.trained_statements(trained.scores(records(**named)), "here")
    assert [statement.subject for statement in statements if not statement.holds] == [subject]


def test_backends_whose_trainings_part_differ() -> None:
    other = [msgspec.structs.replace(r, backend="keras-jax") for r in records() if r.rounding is None]
    other[0] = msgspec.structs.replace(other[0], held_out_log_likelihood_nats=-18.0 + 1e-11)
    assert [s.verdict for s in trained.scores([*records(), *other])][:2] == ["differs", "equal"]


@pytest.mark.parametrize("regime", BY_NAME.values(), ids=list(BY_NAME))
def test_collect_is_the_adjoint_of_expand(regime: Regime) -> None:
    generator = np.random.default_rng(0)
    free = start(regime, 0)
    learned = {n: generator.normal(size=w.shape) for n, w in free.items()}
    full = expand(regime, learned)
    u = {n: generator.normal(size=w.shape) for n, w in full.items()}
    collected = collect(regime, u)
    if regime.name == "frozen":  # what is not learned is left out of the sum on both sides
        learned = {n: w if n in collected else 0 * w for n, w in learned.items()}
        full = expand(regime, learned)
    left = sum(float((full[n] * u[n]).sum()) for n in full)
    right_ = sum(float((learned[n] * g).sum()) for n, g in collected.items())
    assert left == pytest.approx(right_, rel=1e-12)
    assert collected.keys() <= free.keys()


def test_two_copies_are_read_as_the_prior_of_one_and_the_likelihood_of_the_other() -> None:
    regime = BY_NAME["two-copies"]
    free = {name: np.full(w.shape, 1.0 if "first" in name else 2.0) for name, w in start(regime, 0).items()}
    found = dict(readouts(regime, free))
    assert found["as trained"]["prior.mean"][0] == 1
    assert found["as trained"]["decoder.logits.bias"][0] == 2
    assert found["θ¹ throughout"]["decoder.logits.bias"][0] == 1
    assert found["θ² throughout"]["prior.mean"][0] == 2


def test_adagrad_ascends_and_leaves_what_has_no_gradient() -> None:
    weights = {"a": np.array([1.0]), "b": np.array([2.0])}
    rule = Adagrad()
    for _ in range(200):
        weights = rule.update(weights, {"a": -2 * weights["a"]})
    assert abs(weights["a"][0]) < 0.05
    assert weights["b"][0] == 2


# Readings


def test_pixels_that_do_not_covary_fail() -> None:
    logits = np.tile(np.linspace(-2, 2, 64), (4096, 1))
    expected = Truth({"decoded/learned/prior": logits}, {"decoded/learned/prior": 1e-13}, "float64")
    assert not readings._covariance({"decoded/learned/prior": logits}, expected).holds
    logits = logits + np.random.default_rng(0).normal(size=(4096, 1))
    assert readings._covariance({"decoded/learned/prior": logits}, expected).holds


def test_a_theta_that_costs_nothing_when_frozen_fails() -> None:
    learned = np.random.default_rng(0).normal(-18, 3, 40)
    noise = np.random.default_rng(1).normal(0, 1, 40)
    for gap, holds in ((0.0, False), (26.0, True)):
        found = {"learned/log_likelihoods": learned, "frozen/log_likelihoods": learned - gap + noise}
        assert readings._frozen(found).holds == holds


def test_the_backend_that_denies_a_statement_is_named() -> None:
    yes, no = Statement("R1", "counts", "so.", True), Statement("R1", "counts", "not so.", False)
    assert readings.agreed({"torch": [yes], "keras-jax": [yes]}) == [yes]
    (merged,) = readings.agreed({"torch": [yes], "keras-jax": [no]})
    assert (merged.holds, merged.sentence) == (False, "keras-jax: not so.")


# Sources


def test_every_notation_has_a_line_from_its_own_claims() -> None:
    for notation in notations().values():
        line = sources.source_line(notation, ())
        assert (line.verified, line.claims) == (0, len(notation.claims))
        assert all(claim.distribution in line.covers for claim in notation.claims), line.covers


def test_a_line_keys_on_roles_and_counts_verified_claims() -> None:
    notation = notations()["kingma_welling_2013"]
    swap = {"θ": "φ", "φ": "θ"}
    swapped = replace(
        notation, symbols=tuple(msgspec.structs.replace(s, code=swap.get(s.code, s.code)) for s in notation.symbols)
    )
    assert sources.source_line(notation, ()).letters == "θ: the generative weights; φ: the inference weights"
    assert sources.source_line(swapped, ()).letters == "φ: the generative weights; θ: the inference weights"
    assert sources.source_line(notation, {notation.claims[0].distribution}).verified == 1
    assert sources.source_line(replace(notation, claims=()), set()).claims == 0


def test_only_zero_is_printed_as_zero() -> None:
    assert [number(v) for v in (0.0, 1e-300, 0.12345)] == ["0", "1e-300", "0.123"]
