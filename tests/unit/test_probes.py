"""Probes: what a variant changes is what it says, by the definition itself."""

from dataclasses import replace

import numpy as np
import pytest

from elbostone.claims.probe_variants import variants_of
from elbostone.claims.probes import Probe, probes
from elbostone.notations.notation import Notation, Supports
from elbostone.notations.registry import notations
from elbostone.reference import oracle
from elbostone.reference.errors import BadInput
from elbostone.reference.parsing import CONDITIONS

EVERYTHING = replace(notations()["keras_io"], supports=Supports(**CONDITIONS))
FIRST_OF_EACH = [p for p in probes(EVERYTHING, 1797) if p.field.startswith("supports")]


def totals(probe: Probe, what: str | None = None) -> dict[str, float]:
    problem = probe.problem if what is None else variants_of(probe.problem)[what]
    tensors = oracle.evaluate(problem, gradients=False)
    return {name: float(tensors[name].sum()) for name in ("log_likelihood", "kl", "kl_monte_carlo", "elbo")}


def test_there_is_a_probe_for_every_word_and_a_second_layer() -> None:
    words = {(p.field.removeprefix("supports."), p.word) for p in FIRST_OF_EACH if p.word}
    wanted = {(condition, word) for condition, words in CONDITIONS.items() for word in words[1:]}
    assert words == wanted | {("depth", "2")}


@pytest.mark.parametrize("probe", FIRST_OF_EACH, ids=lambda p: p.name)
def test_the_data_twice_double_every_sum(probe: Probe) -> None:
    once, twice = totals(probe), totals(probe, "batch")
    for name, total in once.items():
        assert twice[name] == pytest.approx(2 * total, rel=1e-12), name


@pytest.mark.parametrize("probe", FIRST_OF_EACH, ids=lambda p: p.name)
def test_an_idle_latent_dimension_changes_nothing(probe: Probe) -> None:
    if probe.problem.spec.posterior == "isotropic":  # whose one σ is 1 in the variant
        spec = replace(probe.problem.spec, posterior="diagonal")
        assert spec != probe.problem.spec
        return
    once, idle = totals(probe), totals(probe, "latents")
    for name, total in once.items():
        assert idle[name] == pytest.approx(total, rel=1e-12), name


@pytest.mark.parametrize("probe", FIRST_OF_EACH, ids=lambda p: p.name)
def test_the_pixels_twice_double_the_likelihood_alone(probe: Probe) -> None:
    if probe.problem.spec.network == "conv":
        assert "pixels" not in variants_of(probe.problem)
        return
    once, twice = totals(probe), totals(probe, "pixels")
    assert twice["log_likelihood"] == pytest.approx(2 * once["log_likelihood"], rel=1e-12)
    assert twice["kl"] == pytest.approx(once["kl"], rel=1e-12)


def test_the_axes_of_a_probe_have_pairwise_different_sizes() -> None:
    problem = FIRST_OF_EACH[0].problem
    samples, batch, latent = problem.noise.shape
    sizes = [samples, batch, latent, problem.spec.data_dim, *problem.spec.hidden]
    assert len(set(sizes)) == len(sizes)


def test_the_same_words_are_the_same_problem_in_all_notations() -> None:
    by_name: dict[str, Notation] = {}
    problems = {}
    for notation in notations().values():
        for probe in probes(notation, 1797):
            if probe.problem.name in problems:
                assert problems[probe.problem.name].spec == probe.problem.spec, (notation.id, by_name)
                assert np.array_equal(problems[probe.problem.name].x, probe.problem.x)
            problems[probe.problem.name] = probe.problem


def test_a_word_that_goes_with_nothing_is_named() -> None:
    words = {**EVERYTHING.supports.words, "likelihood": ("gaussian",), "network": ("mlp", "conv")}
    with pytest.raises(BadInput, match="supports: network 'conv': no model has this"):
        probes(replace(EVERYTHING, supports=Supports(**words)), 1797)
