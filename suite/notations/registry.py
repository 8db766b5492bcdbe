"""The known notations: folders of `implementations/` with a notation.toml, and entry points of other packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from ..reference.errors import BadInput, no_such
from ..reference.files import printable
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
    return found | {name: values[0] for name, values in _points().items() if name not in broken()}


def _points() -> dict[str, list[str]]:
    """Id → the packages that say they have it."""
    found: dict[str, set[str]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, set()).add(point.value)
    return {name: sorted(found[name]) for name in sorted(found)}


@cache
def broken() -> Mapping[str, str]:
    """Entry points whose notation cannot be read: id → reason. The other notations are read."""
    found = {}
    own = {file.parent.name for root in _folders(_OWN) for file in root.glob("*/notation.toml")}
    for name, (package, *others) in _points().items():
        try:
            if taken := [f"{_OWN}.{name}"] if name in own else others:
                raise BadInput(f"the id is taken by {taken[0]}")
            _load(notation_folder(package), name)
        except Exception as error:  # whatever the import of a stranger's package raises
            reason = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
            found[name] = printable(" ".join(f"entry point {ENTRY_POINTS}:{name} ({package}): {reason}".split()))
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
    """All notations by id, read and validated, without those of `broken`.

    Raises:
        BadInput: one of this package is wrong, or lacks one of its files.
    """
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
        if name in broken():
            raise BadInput(f"notation '{name}': {broken()[name]}")
        if name not in known:
            raise no_such("notation", name, known)
    return [known[name] for name in names] or list(known.values())


def uninstalled(chosen: Iterable[Notation]) -> list[Path]:
    """Files of these notations below `implementations/` of the current folder that are not as the installed ones."""
    differing = []
    for notation in chosen:
        for used in (notation.path, *(notation.path.with_name(f"{framework}_vae.py") for framework in FRAMEWORKS)):
            here = Path("implementations", notation.id, used.name)
            if here.is_file() and here.read_bytes() != used.read_bytes():
                differing.append(here)
    return differing
