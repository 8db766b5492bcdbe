"""Embeddings run by real notations: a special case, written as the general model, is equal to the special case's truth.

Each is forced on every notation that defines the general model, also on one that defines the special case itself: the
truth of the special case then says whether the general equations have it as their special case.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from equivalence.cells import complaints

from elbostone.backends.table import BACKENDS
from elbostone.equality.exclusions import load_exclusions
from elbostone.equality.judge import Row, by_cell, judge
from elbostone.equality.records import EqualityRecord, Task
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations, packages
from elbostone.reference.families import LIFTINGS
from elbostone.reference.lifting import lifted
from elbostone.reference.problem import Problem, read_tensors, save_problem
from elbostone.reference.spec import Spec
from elbostone.runs.presets import problem_of
from elbostone.workers.pool import run_plan
from elbostone.workers.records import Cell
from elbostone.workers.selection import Plan

DTYPES = ("float64", "float32")
BATCH, SAMPLES = 3, 2


def spec(likelihood: str = "bernoulli", prior: str = "standard", **more: object) -> Spec:
    # The sizes on which errors are planted: JAX compiles each operation once per shape.
    return Spec("mlp", likelihood, prior, "tanh", (5,), 7, 4, **more)  # type: ignore[arg-type]


UNIT = spec("gaussian-fixed", variance=1.0)
#: Name of the problem → its specification, the embedding, and notations that have to be among those that write it.
CASES: dict[str, tuple[Spec, str, tuple[str, ...]]] = {
    "scalar-tiled": (
        spec(posterior="isotropic"),
        "a scalar σ tiled",
        ("kingma_welling_2013", "kingma_welling_2019", "keras_io", "pytorch_examples"),
    ),
    "scalar-tiled-unit": (
        spec("gaussian-fixed", variance=1.0, posterior="isotropic"),
        "a scalar σ tiled",
        ("kingma_welling_2019", "doersch_2016", "prince_2023"),
    ),
    "diagonal-as-factor": (UNIT, "a diagonal as a Cholesky factor", ("kingma_welling_2019", "wikipedia")),
    "diagonal-as-rank-one": (spec(latents=(3, 1)), "a diagonal as D + uuᵀ with u = 0", ("rezende_2014",)),
    "layers-of-one": (spec(), "G = I", ("rezende_2014",)),
    "standard-as-learned": (spec(), "N(0, I) as a learned prior", ("kingma_welling_2019",)),
    "constant-variance": (
        spec("gaussian-fixed", variance=0.3),
        "a constant σ² as a head that does not vary",
        ("kingma_welling_2013", "kingma_welling_2019"),
    ),
}


def problem(name: str) -> Problem:
    x = np.random.default_rng(5).random((BATCH, CASES[name][0].data_dim))
    return problem_of(name, CASES[name][0], x, samples=SAMPLES, seed=11)


def writing(name: str) -> list[Notation]:
    """The notations that define what a problem is embedded into."""
    target = lifted(*CASES[name][:2]).target
    return [notation for notation in notations().values() if notation.unsupported(target) is None]


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Row]]:
    """Runs all embeddings on a backend, once."""

    @cache
    def run(backend: str) -> list[Row]:
        return _run(backend, tmp_path_factory.mktemp(backend))

    return run


def _run(backend: str, folder: Path) -> list[Row]:
    tasks = []
    for name, (_, embedding, _) in CASES.items():
        file = str(save_problem(problem(name), folder / "problems"))
        for notation in writing(name):
            for dtype in DTYPES:
                cell = Cell(name, notation.id, BACKENDS[backend].framework, backend, "cpu", dtype, "eager")
                where = packages()[notation.id]
                tasks.append(
                    Task(cell, file, where, str(notation.path), gradients=True, embedding=embedding, forced=True)
                )
    records: list[EqualityRecord] = []
    # One thread: on tensors as small as these a second one only waits.
    run_plan(Plan(tasks), folder, cpus=1, timeout_s=300, on_record=records.append)
    rows: list[Row] = []
    for name in CASES:
        own = [record for record in records if record.cell.problem == name]
        rows += judge(problem(name), own, lambda file: read_tensors(folder / "tensors" / file), load_exclusions())
    return rows


@pytest.mark.parametrize("name", CASES)
def test_a_special_case_written_as_the_general_model_is_equal(
    backend: str, name: str, rows_of: Callable[[str], list[Row]]
) -> None:
    rows = [row for row in rows_of(backend) if row["problem"] == name]
    assert not complaints(rows, ("equal",)), complaints(rows, ("equal",))
    assert {(cell.notation, cell.dtype) for cell in by_cell(rows)} == {
        (notation.id, dtype) for notation in writing(name) for dtype in DTYPES
    }
    assert {row["embedding"] for row in rows} == {CASES[name][1]}
    gradients = {row["term"] for row in rows if row["term"].startswith("gradient/")}
    assert gradients == {f"gradient/{weight}" for weight in problem(name).weights}


def test_every_lifting_is_forced_on_the_notations_that_have_to_write_it() -> None:
    assert {embedding for _, embedding, _ in CASES.values()} == {lifting.name for lifting in LIFTINGS}
    for name, (_, _, needed) in CASES.items():
        assert set(needed) <= {notation.id for notation in writing(name)}, name
