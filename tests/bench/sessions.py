"""Real sessions of one small workload: its timings, the records of a run, and the rows of the records."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from elbostone.backends.base import cpu_count
from elbostone.backends.table import BACKENDS
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import read_tensors, save_problem
from elbostone.timing.judge.rooflines import rooflines
from elbostone.timing.judge.throughput import throughput_rows
from elbostone.timing.plan import BenchSample, Proven, Slice, plan_timings
from elbostone.timing.proof import load_expected
from elbostone.timing.records import as_measured
from elbostone.timing.sessions import run_sessions
from elbostone.timing.timed_problems import write_expected
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import Workload, make_workload
from elbostone.workers.records import Cell, read_records

BATCH = 8
DIGITS = np.random.default_rng(0).integers(0, 2, (20, 64)).astype(float)
WORKLOAD = make_workload("digits", BATCH, DIGITS)
STAGES = ("encoder", "decoder", "elbo", "training_step")
NOTATION = "pytorch_examples"


def cell(backend: str, notation: str = NOTATION, mode: str = "eager", workload: Workload = WORKLOAD) -> Cell:
    name = workload.problem.name
    return Cell(name, notation, BACKENDS[backend].framework, backend, "cpu", "float32", mode)


def plan(folder: Path, cells: Iterable[Cell], stages: tuple[str, ...] = STAGES, **copies: Notation) -> list[Timing]:
    """Timings of cells, with their references; `copies` are in no registry, and their package is their id."""
    workloads = [(WORKLOAD, str(save_problem(WORKLOAD.problem, folder / "problems")))]
    sample = BenchSample((Slice("digits", (BATCH,), stages, ("eager",)),), passes=1, max_time_s=0.01)
    proven = Proven(frozenset(cells))
    names = sorted({cell.notation for cell in proven.cells} & notations().keys())
    chosen = [*(notations()[name] for name in names), *copies.values()]
    where = {**{name: name for name in copies}, **packages()}
    timings = plan_timings(sample, workloads, chosen, where, proven)
    write_expected(timings)
    return timings


def run(folder: Path, timings: list[Timing], *, passes: int = 1, timeout_s: float = 120) -> list[dict[str, Any]]:
    shapes = {
        roofline for timing in timings for roofline in rooflines(WORKLOAD.problem.spec, timing.stage, BATCH, "float32")
    }
    run_sessions(
        timings,
        folder,
        passes=passes,
        max_time_s=0.01,
        threads=cpu_count(),
        rooflines=sorted(shapes),
        timeout_s=timeout_s,
    )
    return read_records(folder / "records.jsonl")


def rows_of(folder: Path, records: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    file = folder / "problems" / f"{WORKLOAD.problem.name}.json"
    rows = throughput_rows(
        [as_measured(record) for record in records],
        lambda _, dtype, batch, bound: load_expected(file, WORKLOAD.problem, dtype, batch, bound),
        lambda name: read_tensors(folder / "tensors" / name),
    )
    # An eager row is named by its notation, another row also by its mode.
    return {
        (row["notation"] + ("" if row["mode"] == "eager" else f", {row['mode']}"), row["stage"]): row for row in rows
    }
