"""Generated parts of documents: `python -m elbostone.notations.manual README.md docs/*.md` writes them again.

The reference of notation.toml is made from its schema, the overview of the sources and their misprints from their
notations.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from ..reference.parsing import CONDITIONS
from . import rows, schema
from .constants import CONSTANTS
from .decode import expected, fields_of, one_of
from .overview import COLUMNS, comparison, overview
from .provenance import how
from .registry import notations
from .roles import ROLES

TABLES: dict[str, type[schema.Table]] = {
    "[source]": schema.Source,
    "[model]": schema.ModelTable,
    "[supports]": schema.Supports,
    "[methods]": schema.MethodsTable,
    "[objective]": schema.Objective,
    "[other_objectives]": schema.OtherObjective,
    "[symbols]": schema.Symbol,
    "[weights]": rows.WeightTable,
    "[[misprints]]": schema.Misprint,
    "torch and keras of a row of weights": schema.Place,
}
#: Words that are too many for a cell of a table, and what they are called there.
LISTED = {tuple(ROLES): "a role", schema.DROPPED: "a list of constants", schema.SPEC_FIELDS: "a table of fields"}


def reference() -> str:
    """The tables of notation.toml, the roles, the words of a specification and the constants, as Markdown."""
    parts = [_table(name, kind) for name, kind in TABLES.items()]
    others = [field for field in msgspec.structs.fields(schema.Document) if hasattr(field.type, "__metadata__")]
    small = ((f"`[{field.name}]`", _said(field)) for field in others)
    parts.append("### Other tables\n\n" + _rows(("table", "what it says"), small))
    parts.append("### Roles\n\n" + _rows(("role", "meaning", "kind", "axes"), map(_role, ROLES)))
    words = ((f"`{name}`", ", ".join(f"`{word}`" for word in words)) for name, words in CONDITIONS.items())
    parts.append("### Words of a specification (`when`, `[supports]`)\n\n" + _rows(("condition", "words"), words))
    parts.append(
        f"### Fields of a specification\n\n{_listed(schema.SPEC_FIELDS)}; `hidden.0` is the first hidden size.\n"
    )
    parts.append(f'### Constants\n\nIn nats per datum, with a sign (`"- J/2"`): {_listed(CONSTANTS)}.\n')
    return "\n".join(parts)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(name: str, kind: type[schema.Table]) -> str:
    title = name if " " in name else f"`{name}`"
    meaning = (kind.__doc__ or "").strip().replace("\n    ", "\n")
    base = kind.__bases__[0]
    fields = list(fields_of(kind).values())
    if base is not schema.Table:
        meaning += f" It has the fields of `{next(name for name, table in TABLES.items() if table is base)}` and:"
        fields = fields[len(fields_of(base)) :]
    rows = ((f"`{f.encode_name}`", _holds(f), _default(f), _said(f)) for f in fields)
    return f"### {title}\n\n{meaning}\n\n" + _rows(("field", "holds", "default", "meaning"), rows)


def _role(name: str) -> tuple[str, ...]:
    role = ROLES[name]
    scales = f"; scales: {', '.join(role.scales)}" if role.scales else ""
    return f"`{name}`", role.meaning + scales, f"{role.kind}, {role.net}", " ".join(role.axes)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _said(field: msgspec.structs.FieldInfo) -> str:
    meta = field.type.__metadata__[0]
    example = f", as `{meta.examples[0]}`" if meta.examples else ""
    return f"{meta.description}{example}"


def _holds(field: msgspec.structs.FieldInfo) -> str:
    words = one_of(field.type)
    for listed, name in LISTED.items():
        if words and set(words) >= set(listed):
            return name
    return expected(field.type)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    value: Any = field.default if field.default is not msgspec.NODEFAULT else ""
    return "" if value in (None, "", (), {}) else f"`{' '.join(value) if isinstance(value, tuple) else value}`"


def sources() -> str:
    """The overview of all sources, as Markdown."""
    return _rows(COLUMNS, (tuple(row.values()) for row in overview(notations().values())))


#: Two sources that README shows side by side, and the roles that it shows.
SHOWN = ("kingma_welling_2013", "prince_2023")
ROWS = (
    "approximate_posterior",
    "likelihood",
    "prior",
    "posterior_scale",
    "noise",
    "latent",
    "elbo",
    "objective",
    "latent_size",
)


def side_by_side() -> str:
    """Two sources by the roles of their symbols, as Markdown."""
    one, other = (notations()[name] for name in SHOWN)
    rows = comparison(one, other, ROWS)
    return _rows(("role", *SHOWN), rows)


def misprints() -> str:
    """Every line that a source prints and cannot mean, as Markdown."""
    parts = []
    for notation in notations().values():
        for misprint in notation.misprints:
            lines = [
                f"### {notation.id}, {misprint.equation}\n\n```math\n{misprint.tex}\n```\n",
                f"- printed: `{misprint.printed}`",
                f"- meant: `{misprint.meant}`, which `{misprint.symbol}` is",
                f"- {misprint.note}",
                f"- known: {how(notation, misprint)}",
            ]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


#: What a document has between `<!-- begin: generated from NAME -->` and `<!-- end -->`.
PARTS: dict[str, Callable[[], str]] = {
    "suite/notations/schema.py": reference,
    "implementations/": sources,
    "two-implementations": side_by_side,
    "misprints": misprints,
}


def written(text: str) -> str:
    """A document with new generated parts. Raises ValueError where it has none."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}\n\n{PARTS[match[2]]()}\n{match[3]}"

    new, count = re.subn(r"(<!-- begin: generated from (\S+) -->).*?(<!-- end -->)", part, text, flags=re.DOTALL)
    if not count:
        raise ValueError("expected the lines '<!-- begin: generated from ... -->' and '<!-- end -->'")
    return new


if __name__ == "__main__":
    for document in map(Path, sys.argv[1:]):
        document.write_text(written(document.read_text(encoding="utf-8")), encoding="utf-8")
