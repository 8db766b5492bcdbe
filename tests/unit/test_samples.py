"""The declared samples: what the default run checks and times, and that each source's own configuration is a cell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elbostone.backends.table import BACKENDS, MODES, Backend
from elbostone.equality.plan import plan_cells
from elbostone.notations.registry import notations, packages
from elbostone.notations.writing import written_by
from elbostone.runs.presets import (
    Sample,
    bench_proofs,
    claims_sample,
    equality_sample,
    family_problems,
    source_configuration,
)
from elbostone.timing.plan import FULL, LIBRARIES_BESIDE, QUICK, BenchSample, Proven, plan_timings
from elbostone.timing.timed_problems import workloads_of
from elbostone.workers.records import Cell
from elbostone.workers.selection import Selection

EVERYTHING = Selection(tuple(notations().values()))


def cells(sample: Sample) -> set[Cell]:
    planned = [plan_cells(problem, Path("p.json"), s) for problem, selections in sample for s in selections]
    return {task.cell for plan in planned for task in plan.tasks} | {
        record.cell for plan in planned for record in plan.settled
    }


def test_the_quick_run_checks_every_eager_cell_on_two_problems_and_compiled_ones_on_one() -> None:
    (first, _), *families = equality_sample(EVERYTHING)
    ((timed, _),) = bench_proofs(EVERYTHING, QUICK, full=False)
    found = cells([*bench_proofs(EVERYTHING, QUICK, full=False), *equality_sample(EVERYTHING)])
    assert {cell.problem for cell in found} == {first.name, timed.name, *(problem.name for problem, _ in families)}
    for problem in (first.name, timed.name):
        for backend in BACKENDS.values():
            for notation in notations():
                for dtype in ("float64", "float32"):
                    cell = Cell(problem, notation, backend.framework, backend.name, "cpu", dtype, "eager")
                    assert cell in found
    compiled = {cell for cell in found if cell.mode.startswith("compiled")}
    assert {(cell.backend, cell.mode) for cell in compiled} == {
        (backend.name, mode) for backend in BACKENDS.values() for mode in backend.modes if mode.startswith("compiled")
    }
    assert len({cell.problem for cell in compiled}) == 1
    assert {cell.notation for cell in compiled} == set(QUICK.compiled_proofs or ())


def test_every_family_of_the_sample_has_the_notations_that_can_write_it_and_no_others() -> None:
    _, *families = equality_sample(EVERYTHING)
    assert len(families) == len(family_problems()), "a family that no notation writes is not in the sample"
    for problem, selections in families:
        for selection in selections:
            assert all(written_by(notation, problem.spec) for notation in selection.notations)
            left = set(notations()) - {notation.id for notation in selection.notations}
            assert not any(written_by(notations()[name], problem.spec) for name in left)


def test_every_family_is_on_every_backend_and_in_float32_where_that_is_not_compiled_anew() -> None:
    _, *families = equality_sample(EVERYTHING)
    for problem, selections in families:
        found = {(cell.backend, cell.dtype) for cell in cells([(problem, selections)])}
        slow = {name for name, backend in BACKENDS.items() if backend.compiles_each}
        assert slow
        assert found == {(name, "float64") for name in BACKENDS} | {(n, "float32") for n in set(BACKENDS) - slow}
    _, *asked_for = equality_sample(replace(EVERYTHING, backends=tuple(slow)))
    assert {cell.dtype for cell in cells(asked_for)} == {"float64", "float32"}


def test_quick_claims_are_of_each_file_once_on_a_backend_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(*installed: str) -> tuple[str, ...]:
        monkeypatch.setattr(Backend, "lacking", lambda backend, mode="": [] if backend.name in installed else ["it"])
        return claims_sample(EVERYTHING, full=False).backends

    assert chosen(*BACKENDS) == ("torch", "keras-torch")
    assert chosen("keras-tensorflow", "keras-jax") == ("torch", "keras-tensorflow")
    assert chosen() == ("torch", "keras-torch")
    asked_for = replace(EVERYTHING, backends=("keras-jax",))
    assert claims_sample(asked_for, full=False) == asked_for
    assert claims_sample(EVERYTHING, full=True) == EVERYTHING


@pytest.mark.parametrize("sample", [QUICK, FULL, LIBRARIES_BESIDE])
def test_every_cell_that_is_timed_is_proven_in_its_mode(sample: BenchSample) -> None:
    timed = tuple(n for n in EVERYTHING.notations if n.id in (sample.notations() or {n.id}))
    found = cells(bench_proofs(replace(EVERYTHING, notations=timed), sample, full=False))
    formulas = {(cell.notation, cell.backend, cell.mode) for cell in found}
    workloads = [(workload, "x.json") for workload in workloads_of(sample)]
    timings = plan_timings(sample, workloads, timed, packages(), Proven(frozenset(found)))
    assert {t.cell.mode for t in timings} == {mode for part in sample.slices for mode in part.modes}
    for timing in timings:
        if timing.cell.mode in MODES:
            assert (timing.cell.notation, timing.cell.backend, timing.cell.mode) in formulas


def test_libraries_are_timed_on_images_that_every_bernoulli_has_in_its_support() -> None:
    problems = [workload.problem for workload in workloads_of(LIBRARIES_BESIDE)]
    assert problems
    for problem in problems:
        assert set(np.unique(problem.x)) == {0, 1}, problem.name


def test_the_full_run_has_every_mode_dtype_and_own_configuration() -> None:
    sample = [*bench_proofs(EVERYTHING, FULL, full=True), *equality_sample(EVERYTHING, full=True)]
    found = cells(sample)
    assert {cell.mode for cell in found} == {"eager", "compiled", "compiled-xla", "published"}
    assert {cell.dtype for cell in found} == {"float64", "float32", "float64-as-shipped"}
    assert cells([*bench_proofs(EVERYTHING, QUICK, full=False), *equality_sample(EVERYTHING)]) <= found
    assert any(problem.spec.network == "conv" for problem, _ in sample)


def test_a_sources_own_configuration_is_not_adapted_and_has_its_sizes() -> None:
    sizes = {}
    for name, notation in notations().items():
        problem = source_configuration(notation)
        if problem is not None:
            assert notation.unsupported(problem.spec) is None
            assert not notation.adapted(problem.spec)
            sizes[name] = (problem.spec.data_dim, *problem.spec.hidden, problem.spec.latent_dim)
    assert sizes == {
        "kingma_welling_2013": (784, 500, 20),
        "kingma_welling_2013_full_vb": (784, 500, 20),
        "burda_2016": (784, 200, 200, 50),
        "tomczak_welling_2018": (784, 300, 300, 40),
        "pytorch_examples": (784, 400, 20),
        "keras_io": (784, 16, 2),
    }


def test_samples_are_seeded() -> None:
    (first, _), (again, _) = equality_sample(EVERYTHING)[0], equality_sample(EVERYTHING)[0]
    assert (first.noise == again.noise).all()
    assert all((first.weights[name] == again.weights[name]).all() for name in first.weights)
