"""The cells that gather facts for claims, and why some cannot run."""

from __future__ import annotations

from ..backends.table import BACKENDS
from ..notations.registry import packages
from ..workers.records import CLAIMS, Cell
from ..workers.selection import Plan, Selection
from .records import ClaimsRecord, ClaimsTask


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
