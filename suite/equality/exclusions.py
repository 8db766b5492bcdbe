"""Known failures as data: exclusions.toml, matched against cells."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ..reference.errors import BadInput
from ..workers.records import CELL_FIELDS, Cell

OWN = Path(__file__).with_name("exclusions.toml")


@dataclass(frozen=True)
class Exclusion:
    """Cells (patterns by field) that are known to differ, why, and where upstream knows of it."""

    cell: tuple[tuple[str, str], ...]
    reason: str
    link: str
    strict: bool

    def matches(self, cell: Cell) -> bool:
        return all(fnmatchcase(getattr(cell, field), pattern) for field, pattern in self.cell)


def load_exclusions(path: Path = OWN) -> list[Exclusion]:
    """Read an exclusions file.

    Raises:
        BadInput: it is no TOML, or an entry has other fields than cell, reason, link and strict.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: expected TOML; found {error}") from None
    exclusions = []
    for number, entry in enumerate(document.get("exclusion", [])):
        where = f"{path}: exclusion[{number}]"
        if set(entry) != {"cell", "reason", "link", "strict"}:
            raise BadInput(f"{where}: expected the fields cell, reason, link, strict; found {', '.join(entry)}")
        for field in entry["cell"]:
            if field not in CELL_FIELDS:
                raise BadInput(f"{where}.cell: expected fields out of {', '.join(CELL_FIELDS)}; found '{field}'")
        cell = tuple(entry["cell"].items())
        exclusions.append(Exclusion(cell, entry["reason"], entry["link"], entry["strict"]))
    return exclusions


def exclusion_of(cell: Cell, exclusions: Sequence[Exclusion]) -> Exclusion | None:
    """The entry that covers a cell."""
    return next((e for e in exclusions if e.matches(cell)), None)
