"""Verdicts on claims: a record of facts becomes the rows of claims.csv."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ...notations.schema import Notation
from ...reference.comparison import Tensors
from ..facts import facts_of
from ..records import ClaimsRecord
from .check import violations
from .evidence import Violation
from .schema import entries

COLUMNS = ("notation", "symbol", "field", "backend", "verdict", "claimed", "found")

Row = dict[str, str | None]


def judge_claims(
    notation: Notation,
    record: ClaimsRecord,
    load: Callable[[str], Tensors],
    sources: Mapping[str, str],
) -> list[Row]:
    """One row per entry of the notation.toml, `equal` or `differs`; one alone where nothing could be gathered.

    Args:
        notation: whose claims they are.
        record: of the cell that gathered facts.
        load: a record's tensors by file name.
        sources: framework → text of the notation's file.
    """
    backend = record.cell.backend
    if record.status != "ok" or record.facts is None or record.tensors is None:
        return [_row(notation, "all", (), backend, record.status, "", record.reason)]
    found = list(violations(notation, facts_of(record.facts, load(record.tensors)), sources))
    return [*_rows(notation, backend, found)]


def _rows(notation: Notation, backend: str, found: list[Violation]) -> Iterator[Row]:
    wrong = {violation.where for violation in found}
    for entry in entries(notation):
        if entry.where not in wrong:
            yield _row(notation, entry.where, entry.fields, backend, "equal", entry.claimed, None)
    for violation in found:
        yield _row(notation, violation.where, violation.fields, backend, "differs", violation.claimed, violation.found)


def _row(
    notation: Notation,
    where: str,
    fields: tuple[str, ...],
    backend: str,
    verdict: str,
    claimed: str,
    found: str | None,
) -> Row:
    values = (notation.id, where, ", ".join(fields), backend, verdict, claimed, found)
    return dict(zip(COLUMNS, values, strict=True))
