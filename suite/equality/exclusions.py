"""Known failures: the entries of exclusions.toml, matched against cells."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from ..notations.decode import read_toml
from ..reference.errors import BadInput
from ..workers.records import CELL_FIELDS, Cell

OWN = Path(__file__).with_name("exclusions.toml")


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cells (patterns by field) that are known to differ, with the reason and the upstream link."""

    cell: dict[str, str]
    reason: str
    link: str
    strict: bool

    def __post_init__(self) -> None:
        for field in self.cell:
            if field not in CELL_FIELDS:
                raise ValueError(f"cell: expected fields out of {', '.join(CELL_FIELDS)}; found '{field}'")

    def matches(self, cell: Cell) -> bool:
        return all(fnmatchcase(getattr(cell, field), pattern) for field, pattern in self.cell.items())


class Exclusions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exclusions file."""

    exclusion: list[Exclusion] = []


def load_exclusions(path: Path = OWN) -> list[Exclusion]:
    """Read an exclusions file. Raises BadInput if it is not TOML, or an entry has other fields than `Exclusion`."""
    try:
        return msgspec.convert(read_toml(path), Exclusions).exclusion
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: expected TOML with the fields of an exclusion in each entry; found {error}") from None


def exclusion_of(cell: Cell, exclusions: Sequence[Exclusion]) -> Exclusion | None:
    """The entry that covers a cell."""
    return next((e for e in exclusions if e.matches(cell)), None)
