"""The verbs of the command line as functions that return data frames, for notebooks.

Options have the same names as on the command line. Where an option takes several words, one word alone is accepted too.
Wrong input raises `BadInput`, a package that is not installed `EnvironmentLacks`. Progress is shown on stderr.

>>> import elbostone
>>> elbostone.api.symbols(["kingma_welling_2013", "wikipedia"], symbol="σ")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from .backends.table import BACKENDS, one_of
from .claims.command import chosen_entries, comparison_rows, execute_claims, fastest
from .claims.judge.verdicts import COLUMNS as CLAIM_COLUMNS
from .claims.phase import rows_of_run
from .equality.judge import COLUMNS as TERM_COLUMNS
from .equality.phase import load_problems
from .equality.plan import require_cells
from .equality.tables import cell_table
from .notations import registry
from .notations.overview import overview
from .notations.plain_tex import plain
from .notations.roles import ROLES
from .notations.schema import FRAMEWORKS
from .reference.errors import BadInput, EnvironmentLacks
from .report.options import TIMEOUT_S, checked_threads, select
from .report.tables import frame
from .runs.listing import notation_entry
from .runs.presets import CHECKED_DTYPES, check_sample
from .runs.run import Order, carried_out
from .theta.command import THETA_TIMEOUT_S, answer_with, chosen_backends
from .theta.start import absent
from .theta.tables import answer_tables
from .theta.trainings import load_trained
from .workers.run_folder import RunFolder
from .workers.scratch import own_folder

__all__ = [
    "BadInput",
    "Checked",
    "EnvironmentLacks",
    "Theta",
    "check",
    "claims",
    "implementation",
    "notations",
    "symbols",
    "theta",
]

Words = str | Iterable[str] | None
Paths = str | Path | Iterable[str | Path]


@dataclass(frozen=True)
class Checked:
    """The results of `check`.

    Attributes:
        cells: a row per cell, with its verdict and the tensor that came closest to its tolerance.
        tensors: a row per cell and tensor: error, tolerance and verdict.
        claims: a row per entry of a notation.toml that was executed; empty for problems of your own.
        passed: whether no cell and no claim fails; the command would then exit with 0.
    """

    cells: pd.DataFrame
    tensors: pd.DataFrame
    claims: pd.DataFrame
    passed: bool

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {_counted(table)}" for name, table in self._counted())

    def _repr_html_(self) -> str:
        counts = "".join(f"<p>{name}: {_counted(table)}</p>" for name, table in self._counted())
        return counts + self.cells.to_html(index=False)

    def _counted(self) -> list[tuple[str, pd.DataFrame]]:
        return [(name, t) for name, t in (("cells", self.cells), ("claims", self.claims)) if len(t)]


@dataclass(frozen=True)
class Theta:
    """The results of `theta`.

    Attributes:
        tables: title → table, in the order in which the command prints them.
        notes: title → the sentences that explain the table.
        conclusions: the answer in a few sentences.
        holds: whether all backends agree and every statement holds.
    """

    tables: dict[str, pd.DataFrame]
    notes: dict[str, tuple[str, ...]]
    conclusions: tuple[str, ...]
    holds: bool

    def __repr__(self) -> str:
        return "\n".join(self.conclusions)

    def _repr_html_(self) -> str:
        parts = [f"<p>{conclusion}</p>" for conclusion in self.conclusions]
        for title, table in self.tables.items():
            parts += [f"<h4>{title}</h4>", table.to_html(index=False)]
            parts += [f"<p>{note}</p>" for note in self.notes[title]]
        return "".join(parts)


def notations() -> pd.DataFrame:
    """A row per notation, by its id, with its source, its letters and the models that it defines."""
    known = registry.notations().values()
    rows = [
        notation_entry(notation) | letters | {"frameworks": FRAMEWORKS}
        for notation, letters in zip(known, overview(known), strict=True)
    ]
    return pd.DataFrame(rows).set_index("notation")


def implementation(notation: str, framework: str) -> type:
    """The class of a notation's model: a `torch.nn.Module` or a `keras.Model`.

    Keras runs on what the variable KERAS_BACKEND names; set it before this imports Keras.

    Raises:
        BadInput: an unknown notation or framework.
        EnvironmentLacks: the framework is not installed.
    """
    one_of("framework", framework, FRAMEWORKS)
    (chosen,) = registry.choose([notation])
    candidates = [backend for backend in BACKENDS.values() if backend.framework == framework]
    if all(backend.lacking() for backend in candidates):
        raise EnvironmentLacks(candidates[0].remedy())
    found = getattr(import_module(f"{registry.packages()[notation]}.{framework}_vae"), chosen.model_class)
    assert isinstance(found, type)
    return found


def symbols(
    notation: Words = None,
    *,
    role: str | None = None,
    symbol: str | None = None,
    compare: bool = False,
    run: str | Path | None = None,
    backend: Words = None,
    timeout: float = TIMEOUT_S,
    executed: bool = True,
) -> pd.DataFrame:
    """The meaning of each symbol: a row per symbol, or with `compare` a row per pair of symbols of two notations.

    Args:
        notation: ids; all of them by default.
        role: only symbols of this role.
        symbol: only what this letter names: θ, σ, z, ...
        compare: two notations side by side, by role.
        run: a run folder, whose results are read: nothing is executed then.
        backend: where entries are executed; the first that is installed by default.
        timeout: seconds that one backend may take for one notation.
        executed: False to execute nothing and only read notation.toml: `verified` is empty then.

    Raises:
        BadInput: an unknown word, or `compare` without two notations.
        EnvironmentLacks: a named backend is not installed.
    """
    names = _several(notation)
    if role is not None:
        one_of("role", role, tuple(ROLES))
    selection = select(names, _several(backend) or fastest(), "cpu", None, None)
    chosen = selection.notations
    if compare and (not names or len(chosen) != 2):
        raise BadInput(f"compare: expected two notations; found {len(names or ())}")
    if run is not None:
        rows = rows_of_run(RunFolder(Path(run)), chosen)
    else:
        rows = execute_claims(selection, timeout) if executed else []
    entries = chosen_entries(chosen, rows, role, symbol)
    if compare:
        one, other = (entry.id for entry in chosen)
        return pd.DataFrame(comparison_rows(entries, one, other), columns=["role", one, other, "verified"])
    columns = ("role", "notation", "symbol", "code", "equation", "scale")
    return frame([entry.as_json() | {"symbol": plain(entry.symbol.tex)} for entry in entries], columns)


def claims(notation: Words = None, *, backend: Words = None, timeout: float = TIMEOUT_S) -> pd.DataFrame:
    """Execute every entry of some notations' notation.toml: a row with a verdict for each entry and backend.

    Args:
        notation: ids; all of them by default.
        backend: the first that is installed by default.
        timeout: seconds that one backend may take for one notation.

    Raises:
        BadInput: an unknown word.
        EnvironmentLacks: a named backend is not installed.
    """
    selection = select(_several(notation), _several(backend) or fastest(), "cpu", None, None)
    return frame(execute_claims(selection, timeout), CLAIM_COLUMNS)


def check(
    problem: Paths = (),
    *,
    notation: Words = None,
    backend: Words = None,
    device: str = "cpu",
    dtype: Words = None,
    mode: Words = None,
    timeout: float = TIMEOUT_S,
    threads: int = 1,
) -> Checked:
    """Check every matching cell against the reference and every other cell, and what each notation claims.

    Args:
        problem: PROBLEM.json files; the embedded digits by default.
        notation, backend: ids and names; all of them by default.
        device, dtype, mode: those of the cells; by default cpu, float64 and float32, eager.
        timeout: seconds that one cell may take.
        threads: threads of one operation.

    Raises:
        BadInput: an unknown word, a wrong problem, or no cell that matches.
        EnvironmentLacks: a named backend, compiler or device is not there.
    """
    paths = [problem] if isinstance(problem, str | Path) else problem
    problems = load_problems([Path(path) for path in paths])
    selection = select(_several(notation), _several(backend), device, _several(dtype) or CHECKED_DTYPES, _several(mode))
    sample = check_sample(selection, problems)
    require_cells([each for each, _ in sample], selection)
    names = [each.name for each in problems]
    order = Order("check", threads=checked_threads(threads), timeout_s=timeout, problems=names)
    with TemporaryDirectory(dir=own_folder()) as scratch:
        judged = carried_out(order, selection, sample, RunFolder(Path(scratch)))
    return Checked(
        cells=cell_table(judged.rows),
        tensors=frame(judged.rows, TERM_COLUMNS),
        claims=frame(judged.claims, CLAIM_COLUMNS),
        passed=judged.exit_code() == 0,
    )


def theta(*, backend: Words = None, timeout: float = THETA_TIMEOUT_S) -> Theta:
    """Compute what the subscript θ means; the training runs are the committed ones.

    Args:
        backend: names; all that are installed by default.
        timeout: seconds that one backend may take.

    Raises:
        BadInput: an unknown backend.
        EnvironmentLacks: a named backend is not installed, or no backend is.
    """
    backends = chosen_backends(_several(backend) or [])
    with TemporaryDirectory(dir=own_folder()) as scratch:
        answer, records = answer_with(backends, load_trained(), Path(scratch), timeout)
    without = absent(records.values())
    if answer is None:
        raise EnvironmentLacks(f"theta: nothing was computed: {'; '.join(without.values())}")
    tables = answer_tables(answer, without)
    return Theta(
        tables={
            table.title: pd.DataFrame(list(table.rows), columns=[name.replace("\n", ".") for name in table.columns])
            for table in tables
        },
        notes={table.title: table.notes for table in tables},
        conclusions=tuple(answer.conclusions),
        holds=answer.holds,
    )


def _several(words: Words) -> list[str] | None:
    """The words of an option as a list, as on the command line; None where there are none."""
    return [words] if isinstance(words, str) else list(words) if words is not None else None


def _counted(table: pd.DataFrame) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in table["verdict"].value_counts().sort_index().items())
