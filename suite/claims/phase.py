"""The claims of a run: plan the cells that gather facts, judge their records, write the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from ..backends.table import BACKENDS
from ..notations.notation import Notation
from ..notations.registry import notations, packages
from ..notations.schema import FRAMEWORKS
from ..reference.errors import BadInput
from ..report.tables import read_rows
from ..workers.pool import OnRecord, run_plan
from ..workers.records import CLAIMS, Cell, CellRecord
from ..workers.run_folder import RunFolder
from ..workers.selection import Plan, Selection
from .facts import ClaimsRecord, ClaimsTask
from .judge.verdicts import Row, judge_claims
from .tables import write_claims


def plan_claims(selection: Selection) -> Plan:
    """One cell per notation and backend that gathers the facts for its claims, in float64, eagerly, on the CPU."""
    plan = Plan()
    where = packages()
    for backend in (BACKENDS[name] for name in selection.backends or BACKENDS):
        for notation in selection.notations:
            cell = Cell(CLAIMS, notation.id, backend.framework, backend.name, "cpu", "float64", "eager")
            if backend.lacking():
                plan.settled.append(ClaimsRecord(cell=cell, status="missing", reason=backend.remedy()))
                continue
            plan.tasks.append(ClaimsTask(cell, where[notation.id], str(notation.path)))
    return plan


def sources_of(notation: Notation) -> dict[str, str]:
    """Framework → the text of the notation's file."""
    paths = {framework: notation.path.with_name(f"{framework}_vae.py") for framework in FRAMEWORKS}
    return {framework: path.read_text(encoding="utf-8") for framework, path in paths.items()}


def gather_and_judge(
    folder: RunFolder, selection: Selection, *, cpus: int, timeout_s: float, on_record: OnRecord
) -> list[Row]:
    """Gather the facts of some notations and backends in a folder, and judge them."""
    run_plan(
        plan_claims(selection),
        folder.path,
        cpus=cpus,
        timeout_s=timeout_s,
        on_record=on_record,
        suspect=partial(differs, folder, {notation.id: notation for notation in selection.notations}),
    )
    return judge_claims_of(folder, selection.notations)


def judge_claims_of(folder: RunFolder, chosen: Iterable[Notation]) -> list[Row]:
    """The rows of all claims of a run; records of other notations are left out."""
    known = {notation.id: notation for notation in chosen}
    rows: list[Row] = []
    for record in folder.records_of(ClaimsRecord):
        if record.cell.notation in known:
            notation = known[record.cell.notation]
            rows += judge_claims(notation, record, folder.tensors_of, sources_of(notation))
    return rows


def differs(folder: RunFolder, chosen: Mapping[str, Notation], record: CellRecord) -> bool:
    """Whether a claim of the record's notation, one of the chosen, does not hold by the facts of the record."""
    if not isinstance(record, ClaimsRecord):
        return False
    notation = chosen[record.cell.notation]
    try:
        rows = judge_claims(notation, record, folder.tensors_of, sources_of(notation))
    except BadInput:
        return True
    return any(row["verdict"] != "equal" for row in rows)


def rows_of_run(folder: RunFolder, chosen: Iterable[Notation]) -> list[Row]:
    """The rows of a run's claims.parquet; they are not judged again, since the tensors may be gone.

    Raises:
        BadInput: the folder is no run, or one that has executed no claims.
    """
    folder.settings()
    ids = {notation.id for notation in chosen}
    return [row for row in read_rows(folder.path / "claims.parquet") if row["notation"] in ids]


def tabulate_claims(folder: RunFolder) -> list[Row]:
    """Judge all claims of a run, and write their tables."""
    rows = judge_claims_of(folder, notations().values())
    if rows:
        write_claims(rows, folder.path)
    return rows
