"""`elbostone symbols`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from ..backends.table import BACKENDS, one_of
from ..notations.equations import Equation, equations
from ..notations.glossary import Entry, glossary, of_letter, side_by_side
from ..notations.notation import Notation
from ..notations.plain_tex import plain
from ..notations.roles import ROLES
from ..reference.errors import BadInput
from ..report.console import print_json, print_table, progress, stderr
from ..report.options import TIMEOUT_S, AsJson, Backends, Timeout, select
from ..report.tables import FAILING, exit_code
from ..workers.run_folder import RunFolder
from ..workers.selection import Selection
from ..workers.supervisor import cpu_threads
from .judge.equations import execute, failures
from .judge.verdicts import Row
from .phase import gather_and_judge, rows_of_run
from .tables import MISPRINT_COLUMNS, misprints

COLUMNS = ("role", "notation", "symbol", "code", "equation", "known", "scale", "verified by")


def symbols(
    notation: Annotated[list[str] | None, typer.Argument(help="Notations [default: all].", show_default=False)] = None,
    role: Annotated[str | None, typer.Option(help="Only symbols of this role.", show_default=False)] = None,
    symbol: Annotated[
        str | None, typer.Option(help="What this letter names in each source: θ, σ, z, ...", show_default=False)
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Two notations side by side, by role.")] = False,
    as_equations: Annotated[
        bool, typer.Option("--equations", help="Fifteen equations in LaTeX, in the notations' own symbols, executed.")
    ] = False,
    run: Annotated[
        Path | None, typer.Option(help="Say what this run has executed, and execute nothing.", show_default=False)
    ] = None,
    backend: Backends = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """What each symbol stands for: every row says which cells have executed it, on the spot or in a run."""
    if role is not None:
        one_of("role", role, tuple(ROLES))
    selection = select(notation, backend or fastest(), "cpu", None, None)
    chosen = selection.notations
    if compare and (not notation or len(chosen) != 2):
        raise BadInput(f"--compare: expected two notations; found {len(notation or ())}")
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
        print_table(title, COLUMNS, [_cells(entry) for entry in shown])
    if not (as_json or as_equations or role or symbol) and (found := misprints(rows)):
        print_table("Misprints of the sources", MISPRINT_COLUMNS, [tuple(row.values()) for row in found])
    _finish(rows, as_json or as_equations)


def chosen_entries(
    chosen: Sequence[Notation], rows: Sequence[Row], role: str | None, symbol: str | None
) -> list[Entry]:
    """The symbols of some notations, of one role where one is given, and named by one letter where one is given."""
    entries = [entry for entry in glossary(chosen, rows) if role is None or entry.symbol.role == role]
    return entries if symbol is None else list(of_letter(entries, symbol))


def fastest() -> list[str] | None:
    """The first backend that is installed; all of them, to be said missing, where none is."""
    return next(([name] for name, backend in BACKENDS.items() if not backend.lacking()), None)


def execute_claims(selection: Selection, timeout_s: float) -> list[Row]:
    """The rows of all that some notations claim, executed on the selected backends; no run folder is left."""
    with TemporaryDirectory(prefix="elbostone-") as scratch:
        total = len(selection.notations) * len(selection.backends or BACKENDS)
        with progress("claims", total) as advance:
            return gather_and_judge(
                RunFolder(Path(scratch)), selection, cpus=cpu_threads(), timeout_s=timeout_s, on_record=advance
            )


def _cells(entry: Entry) -> tuple[str | None, ...]:
    symbol = entry.symbol
    scale = symbol.scale or (f"covers {', '.join(symbol.covers)}" if symbol.covers else None)
    scale = "negative" if symbol.sign < 0 else scale
    named = (symbol.role, entry.notation.id, plain(symbol.tex), symbol.code)
    return (*named, symbol.equation, entry.how, scale, _verified(entry))


def _verified(entry: Entry) -> str:
    against = [f"NOT by {backend}" for backend in entry.refuted]
    return ", ".join([*entry.verified, *against]) or "no cell"


def _print_comparison(entries: Sequence[Entry], one: str, other: str) -> None:
    rows = comparison_rows(entries, one, other)
    print_table(f"{one} and {other}", ("role", one, other, "verified by"), list(rows))


def comparison_rows(entries: Sequence[Entry], one: str, other: str) -> Iterator[tuple[str | None, ...]]:
    """Role, the symbols of two notations and who verified them: a row per pair, its role in the first row alone."""
    for role, left, right in side_by_side(entries, one, other):
        for i in range(max(len(left), len(right))):
            pair = [side[i] if i < len(side) else None for side in (left, right)]
            texts = [None if e is None else e.short() for e in pair]
            both = "; ".join(dict.fromkeys(_verified(e) for e in pair if e is not None))
            yield role if i == 0 else None, *texts, both


def _print_equations(chosen: Sequence[Notation]) -> list[Row]:
    """LaTeX, one equation a line, under comments that say what was built and executed; the rows of what is false."""
    rows: list[Row] = []
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
    """An equation as JSON, with what became of each of its relations."""
    return {**equation.as_json(), "executed": [relation.as_json() for relation in execute(notation, equation)]}


def _finish(rows: Sequence[Row], quiet: bool) -> None:
    """What the last column means, each claim that does not hold, and the exit code."""
    if not quiet:
        print(
            "Verified by: backends on which all that the row's entry says was executed, in float64, on small problems."
        )
    for row in rows:
        if row["verdict"] in FAILING:
            said = f"{row['symbol']}: {row['field']}: claimed {row['claimed']}; found {row['found']}"
            stderr.print(
                f"{row['verdict']}: {row['notation']} on {row['backend']}: {said}", soft_wrap=True, markup=False
            )
    raise typer.Exit(exit_code(rows))
