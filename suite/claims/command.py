"""`elbostone symbols`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from ..backends.base import cpu_count
from ..backends.table import BACKENDS, one_of
from ..notations.equations import Equation, equations
from ..notations.glossary import Entry, glossary, of_letter, scale_words, side_by_side
from ..notations.notation import Notation
from ..notations.plain_tex import plain
from ..notations.roles import ROLES
from ..reference.errors import BadInput
from ..report.console import print_json, print_table, progress, stderr
from ..report.options import TIMEOUT_S, AsJson, Backends, Notations, Timeout, select
from ..report.tables import FAILING, exit_code
from ..workers.run_folder import RunFolder
from ..workers.scratch import own_folder
from ..workers.selection import Selection
from .judge.equations import execute, failures
from .judge.verdicts import Row
from .phase import gather_and_judge, rows_of_run
from .tables import MISPRINT_COLUMNS, misprints

COLUMNS = ("role", "notation", "symbol", "code", "equation", "known", "scale", "verified by")
ONCE = ("notation", "verified by")
SPARE = ("code", "equation", "known")


def symbols(
    notation: Annotated[list[str] | None, typer.Argument(help="Notations; all by default.", show_default=False)] = None,
    role: Annotated[str | None, typer.Option(help="Show only symbols of this role.", show_default=False)] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Show what a letter names in each source: θ, σ, logvar, ...", show_default=False)
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Show two notations side by side, by role.")] = False,
    as_equations: Annotated[
        bool, typer.Option("--equations", help="Print fifteen equations in LaTeX, in each notation's symbols.")
    ] = False,
    named: Notations = None,
    run: Annotated[
        Path | None, typer.Option(help="Show what this run has executed, and execute nothing.", show_default=False)
    ] = None,
    backend: Backends = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Say what each symbol stands for, and which cells have executed each row, now or in an earlier run."""
    if role is not None:
        one_of("role", role, tuple(ROLES))
    if symbol is not None:  # the bytes that were typed, where the locale has no such letter
        symbol = os.fsencode(symbol).decode(errors="replace")
    names = [*(notation or ()), *(named or ())]
    selection = select(names, backend or fastest(), "cpu", None, None)
    chosen = selection.notations
    if compare and (not names or len(chosen) != 2):
        raise BadInput(f"--compare: expected two notations; found {len(names)}")
    chosen_entries(chosen, (), role, symbol)  # a letter that no source prints is refused before anything is executed
    rows = rows_of_run(RunFolder(run), chosen) if run is not None else execute_claims(selection, timeout)
    shown = chosen_entries(chosen, rows, role, symbol)
    if as_json:
        print_json({"schema": 1, **_document(chosen, shown, as_equations), "misprints": misprints(rows)})
    elif as_equations:
        rows = [*rows, *_print_equations(chosen)]
    elif compare:
        _print_comparison(shown, chosen[0].id, chosen[1].id)
    else:
        title = "Symbols" if symbol is None else f"What {symbol} names"
        print_table(title, COLUMNS, [_cells(entry) for entry in shown], once=ONCE, spare=SPARE)
    if not (as_json or as_equations or role or symbol) and (found := misprints(rows)):
        print_table("Misprints of the sources", MISPRINT_COLUMNS, [tuple(row.values()) for row in found])
    _finish(rows, as_json or as_equations)


def chosen_entries(
    chosen: Sequence[Notation], rows: Sequence[Row], role: str | None, symbol: str | None
) -> list[Entry]:
    """The symbols of some notations; with a role only those of the role, with a letter only those that it names.

    Raises:
        BadInput: nothing is named by the letter.
    """
    entries = [entry for entry in glossary(chosen, rows) if role is None or entry.symbol.role == role]
    found = entries if symbol is None else list(of_letter(entries, symbol))
    if symbol is not None and not found:
        raise BadInput(f"--symbol: expected a letter that a source prints, such as θ or σ; found '{symbol}'")
    return found


def fastest() -> list[str] | None:
    """The first installed backend; where none is installed all of them, so that they are reported as missing."""
    return next(([name] for name, backend in BACKENDS.items() if not backend.lacking()), None)


def execute_claims(selection: Selection, timeout_s: float) -> list[Row]:
    """The rows of all claims of some notations, executed on the selected backends, without a run folder."""
    with TemporaryDirectory(dir=own_folder()) as scratch:
        total = len(selection.notations) * len(selection.backends or BACKENDS)
        with progress("executing (--run RUN reads what a run has executed)", total) as advance:
            return gather_and_judge(
                RunFolder(Path(scratch)), selection, cpus=cpu_count(), timeout_s=timeout_s, on_record=advance
            )


def _cells(entry: Entry) -> tuple[str | None, ...]:
    symbol = entry.symbol
    scale = scale_words(symbol) or (f"covers {', '.join(symbol.covers)}" if symbol.covers else None)
    scale = "negative" if symbol.sign < 0 else scale
    named = (symbol.role, entry.notation.id, plain(symbol.tex), symbol.code)
    return (*named, symbol.equation, entry.how, scale, _verified(entry))


def _verified(entry: Entry) -> str:
    against = [f"NOT by {backend}" for backend in entry.refuted]
    return ", ".join([*entry.verified, *against]) or "no cell"


def _print_comparison(entries: Sequence[Entry], one: str, other: str) -> None:
    rows = comparison_rows(entries, one, other)
    last = ("verified by",)
    print_table(f"{one} and {other}", ("role", one, other, *last), list(rows), once=last, spare=last)


def comparison_rows(entries: Sequence[Entry], one: str, other: str) -> Iterator[tuple[str | None, ...]]:
    """A row per pair: role (only in its first row), the symbols of two notations, the backends that verified them."""
    for role, left, right in side_by_side(entries, one, other):
        for i in range(max(len(left), len(right))):
            pair = [side[i] if i < len(side) else None for side in (left, right)]
            texts = [None if e is None else e.short() for e in pair]
            both = "; ".join(dict.fromkeys(_verified(e) for e in pair if e is not None))
            yield role if i == 0 else None, *texts, both


def _print_equations(chosen: Sequence[Notation]) -> list[Row]:
    """Print each equation as LaTeX under a comment on its execution; return the rows of false relations."""
    rows: list[Row] = []
    print("% Each equation is composed of its source's symbols, and executed; the source may print another form of it.")
    for notation in chosen:
        print(f"% {notation.id}: {notation.source.title}")
        for equation in equations(notation):
            executed = execute(notation, equation)
            rows += failures(notation, equation, executed)
            built = f"; not printed there, built: {', '.join(equation.built)}" if equation.built else ""
            narrowed = ", ".join(f"{condition} {equation.words[condition]}" for condition in equation.narrowed)
            holds_for = f"; holds for {narrowed}" if narrowed else ""
            told = "; ".join(relation.describe() for relation in executed)
            print(f"% {equation.name}{built}{holds_for}\n% executed: {told}")
            print(f"\\begin{{equation}}\n  {equation.latex}\n\\end{{equation}}")
    return rows


def _document(chosen: Sequence[Notation], shown: Sequence[Entry], as_equations: bool) -> dict[str, Any]:
    if not as_equations:
        return {"symbols": [entry.as_json() for entry in shown]}
    return {"equations": {notation.id: [_executed(notation, e) for e in equations(notation)] for notation in chosen}}


def _executed(notation: Notation, equation: Equation) -> dict[str, Any]:
    """An equation as JSON, with the outcome of each of its relations."""
    return {**equation.as_json(), "executed": [relation.as_json() for relation in execute(notation, equation)]}


def _finish(rows: Sequence[Row], quiet: bool) -> None:
    """Print the meaning of the last column and each claim that does not hold; exit with the code."""
    if not quiet:
        print(
            "Verified by: backends on which every field of the row's entry was executed, in float64, on small problems."
        )
    for row in rows:
        if row["verdict"] in FAILING:
            said = f"{row['symbol']}: {row['field']}: claimed {row['claimed']}; found {row['found']}"
            stderr.print(
                f"{row['verdict']}: {row['notation']} on {row['backend']}: {said}", soft_wrap=True, markup=False
            )
    raise typer.Exit(exit_code(rows))
