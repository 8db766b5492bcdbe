"""The verdicts on all claims of a notation: the rows of claims.csv, from the facts of one backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from ...notations.notation import Notation
from ...reference.comparison import Tensors
from ...reference.errors import BadInput
from ..facts import ClaimsRecord, Facts, facts_of
from .dependencies import check_claims, check_sets
from .evidence import AGREES, Evidence, Violation
from .methods import check_gradients, check_methods
from .misprints import check_misprints, measured
from .names import check_distributions, check_names, check_tex
from .objective import check_objective
from .ordinary import check_ordinary_use
from .schema import entries
from .structure import check_constants, check_defaults, check_failures, check_model, check_supports
from .symbols import check_inputs, check_symbols
from .weights import check_weights, explain

#: The checks that need no run and those that need one, in the order in which a false claim is best named.
STATIC = (check_distributions, check_tex, check_names, check_defaults)
EXECUTED = (
    check_supports,
    check_model,
    check_weights,
    check_inputs,
    check_symbols,
    check_methods,
    check_objective,
    check_constants,
    check_gradients,
    check_ordinary_use,
    check_claims,
    check_sets,
    check_misprints,
)

COLUMNS = ("notation", "symbol", "field", "backend", "verdict", "claimed", "found")

Row = dict[str, str | None]


def judge_claims(
    notation: Notation,
    record: ClaimsRecord,
    load: Callable[[str], Tensors],
    sources: Mapping[str, str],
) -> list[Row]:
    """One row per entry of the notation.toml, `equal` or `differs`; one alone where nothing could be gathered.

    What several checks found of one entry is in its one row.

    Args:
        notation: the notation that makes the claims.
        record: the record of the cell that gathered facts.
        load: a record's tensors by file name.
        sources: framework → text of the notation's file.
    """
    row = partial(_row, notation.id, record.cell.backend)
    if record.status != "ok" or record.facts is None or record.tensors is None:
        return [row("all", (), record.status, "", record.reason)]
    facts = facts_of(record.facts, load(record.tensors))
    false: dict[str, list[Violation]] = {}
    for violation in violations(notation, facts, sources):
        false.setdefault(violation.where, []).append(violation)
    shown = measured(Evidence(notation, facts, sources))
    held = [entry for entry in entries(notation) if entry.where not in false]
    rows = [row(entry.where, entry.fields, "equal", entry.claimed, shown.get(entry.where)) for entry in held]
    for where, several in false.items():
        fields = [field for violation in several for field in violation.fields]
        claimed, found = ("; ".join(dict.fromkeys(getattr(v, side) for v in several)) for side in ("claimed", "found"))
        rows.append(row(where, dict.fromkeys(fields), "differs", claimed, found))
    return rows


def _row(
    notation: str, backend: str, where: str, fields: Iterable[str], verdict: str, claimed: str, found: str | None
) -> Row:
    values = (notation, where, ", ".join(fields), backend, verdict, claimed, found)
    return dict(zip(COLUMNS, values, strict=True))


def violations(notation: Notation, facts: Facts, sources: Mapping[str, str]) -> Iterator[Violation]:
    """Every claim of the notation that does not hold, each check when it is asked for.

    Args:
        notation: what its file says.
        facts: what its code did on one backend.
        sources: framework → the text of the file that is written in it.
    """
    evidence = Evidence(notation, facts, sources)
    yield from check_failures(evidence)
    for check in STATIC:
        yield from check(evidence)
    try:
        _ = evidence.probes
    except BadInput:
        yield from check_supports(evidence)
        return
    if next((probe.field for probe in evidence.ran()), "") != "supports":
        return  # the first probe did not run, and its failure is named: every other violation would follow from it
    unexplained = False
    for executed in EXECUTED:
        for violation in executed(evidence):
            unexplained = unexplained or (executed is check_symbols and AGREES not in violation.found)
            yield violation
    if unexplained:
        yield from explain(evidence)
