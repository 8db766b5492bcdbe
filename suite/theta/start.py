"""Run a task in every backend, and collect their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..backends.base import cpu_count
from ..backends.table import BACKENDS
from ..reference.problem import Array, read_tensors
from ..workers.pool import OnRecord, run_plan
from ..workers.records import Cell, CellRecord
from ..workers.selection import Plan
from .plan import BY_NAME, Training
from .records import ThetaRecord, ThetaTask


def run_backends(
    backends: Sequence[str],
    folder: Path,
    inputs: Path,
    trainings: Mapping[str, list[Training]],
    *,
    timeout_s: float,
    on_record: OnRecord,
) -> dict[str, ThetaRecord]:
    """A task in every backend, each in a process of its own on one CPU, as many at a time as there are CPUs.

    Args:
        backends: by name.
        folder: where the workers' files go.
        inputs: the folder that they read.
        trainings: backend → what to train; a backend without any evaluates the small models and the trained VAE.
        timeout_s: how long one backend may take.
        on_record: called with each record as it comes.
    """
    plan, records = Plan(), dict[str, ThetaRecord]()
    for backend in (BACKENDS[name] for name in backends):
        cell = Cell("theta", BY_NAME["learned"].notation, backend.framework, backend.name, "cpu", "float64", "eager")
        task = ThetaTask(cell, str(inputs), trainings.get(backend.name, []))
        if backend.lacking():
            plan.settled.append(task.lost("missing", backend.remedy()))
        else:
            plan.tasks.append(task)

    def keep(record: CellRecord) -> None:
        assert isinstance(record, ThetaRecord), "nothing else is planned"
        records[record.cell.backend] = record
        on_record(record)

    run_plan(plan, folder, cpus=cpu_count(), timeout_s=timeout_s, on_record=keep)
    return {name: records[name] for name in backends}


def absent(records: Iterable[ThetaRecord]) -> dict[str, str]:
    """Backend without an outcome → the reason."""
    return {r.cell.backend: f"{r.status}: {r.reason}" for r in records if r.status != "ok"}


def tensors_of(record: ThetaRecord, folder: Path) -> dict[str, Array]:
    """The tensors that a worker left in the folder of `run_backends`."""
    assert record.tensors is not None
    return read_tensors(folder / "tensors" / record.tensors)
