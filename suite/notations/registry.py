"""Which notations there are: folders of `implementations/` with a notation.toml, and entry points of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from ..reference.errors import BadInput
from .notation import Notation
from .reader import load_notation
from .schema import FRAMEWORKS

ENTRY_POINTS = "elbostone.notations"
_OWN = "elbostone.implementations"


@cache
def packages() -> Mapping[str, str]:
    """Notation id → the package that holds its three files. Nothing is imported but the packages' parents."""
    found: dict[str, str] = {}
    for root in _folders(_OWN):
        for file in sorted(root.glob("*/notation.toml")):
            found[file.parent.name] = f"{_OWN}.{file.parent.name}"
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name):
        if point.name in found and found[point.name] != point.value:
            raise BadInput(
                f"entry point {ENTRY_POINTS}:{point.name} ({point.value}): the id is taken by {found[point.name]}"
            )
        found[point.name] = point.value
    return found


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise BadInput(f"package {package}: not installed, or a module and no package")
    return [Path(location) for location in spec.submodule_search_locations]


def notation_folder(package: str) -> Path:
    """The folder of a notation's package. Raises BadInput if it holds no notation.toml."""
    for folder in _folders(package):
        if (folder / "notation.toml").is_file():
            return folder
    raise BadInput(f"package {package}: expected a file notation.toml in it; found none")


@cache
def notations() -> Mapping[str, Notation]:
    """All notations by id, read and validated. Raises BadInput where one is wrong, or lacks one of its files."""
    return {name: _load(notation_folder(package), name) for name, package in packages().items()}


def _load(folder: Path, name: str) -> Notation:
    for framework in FRAMEWORKS:
        if not (folder / f"{framework}_vae.py").is_file():
            raise BadInput(f"{folder}: expected a file {framework}_vae.py beside notation.toml; found none")
    return load_notation(folder / "notation.toml", name)


def choose(names: Iterable[str]) -> list[Notation]:
    """The notations of these ids; all of them where none is named. Raises BadInput for an unknown id."""
    known = notations()
    for name in names:
        if name not in known:
            raise BadInput(f"notation '{name}': expected one of {', '.join(known)}")
    return [known[name] for name in names] or list(known.values())
