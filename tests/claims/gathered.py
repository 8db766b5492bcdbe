"""Facts of all notations on one backend, gathered once by a real worker, as a run does."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from elbostone.claims.facts import ClaimsRecord, Facts, facts_of
from elbostone.claims.judge.evidence import Violation
from elbostone.claims.judge.verdicts import violations
from elbostone.claims.phase import plan_claims, sources_of
from elbostone.notations.notation import Notation
from elbostone.reference.problem import read_tensors
from elbostone.workers.pool import run_plan
from elbostone.workers.selection import Plan, Selection
from elbostone.workers.tasks import CellTask


def gather(backend: str, folder: Path, notations: Sequence[Notation]) -> dict[str, Facts]:
    """Notation id → its facts on a backend."""
    return run_tasks(plan_claims(Selection(tuple(notations), (backend,))).tasks, folder)


def run_tasks(tasks: Sequence[CellTask], folder: Path) -> dict[str, Facts]:
    """Notation id → its facts; one thread, since on tensors as small as these a second one only waits."""
    records: list[ClaimsRecord] = []
    run_plan(Plan(tasks), folder, cpus=1, timeout_s=300, on_record=records.append)
    failed = [f"{r.cell.notation}: {r.reason}" for r in records if r.status != "ok"]
    assert not failed, "\n".join(failed)
    return {r.cell.notation: facts_of(r.facts, read_tensors(folder / "tensors" / r.tensors)) for r in records}


def complaints(notation: Notation, facts: Facts, source: Notation | None = None) -> Iterator[Violation]:
    """What of a notation does not hold; `source` is whose code it is, where its file lies elsewhere."""
    return violations(notation, facts, sources_of(source or notation))
