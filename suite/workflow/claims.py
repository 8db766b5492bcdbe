"""The claims of a run: plan the cells that gather facts, judge their records, write the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..analysis.claims.verdicts import Row, judge_claims
from ..definition.notation import FRAMEWORKS, Notation
from ..definition.registry import notations
from ..execution.plan import Plan, Selection, plan_claims
from ..execution.records import CLAIMS, cell_of, done
from ..report.claims import write_claims
from .folder import RunFolder


def pending_claims(folder: RunFolder, selection: Selection) -> Plan:
    """The cells that gather facts, without those that a run has already."""
    planned, finished = plan_claims(selection), done(folder.all_records(), CLAIMS)
    return Plan(
        [task for task in planned.tasks if task.cell not in finished],
        [record for record in planned.settled if cell_of(record) not in finished],
    )


def sources_of(notation: Notation) -> dict[str, str]:
    """Framework → the text of the notation's file."""
    paths = {framework: notation.path.with_name(f"{framework}_vae.py") for framework in FRAMEWORKS}
    return {framework: path.read_text(encoding="utf-8") for framework, path in paths.items()}


def claims_of_run(folder: RunFolder, chosen: Iterable[Notation] | None = None) -> list[Row]:
    """The rows of all claims of a run; records of notations that are not here any more are left out."""
    known = {notation.id: notation for notation in (notations().values() if chosen is None else chosen)}
    rows: list[Row] = []
    for record in folder.all_records():
        if record.get("kind") == CLAIMS and record["notation"] in known:
            notation = known[record["notation"]]
            rows += judge_claims(notation, record, folder.tensors_of, sources_of(notation))
    return rows


def tabulate_claims(folder: RunFolder) -> Sequence[Row]:
    """The rows of all claims of a run; the tables are written."""
    rows = claims_of_run(folder)
    if rows:
        write_claims(rows, folder.path)
    return rows
