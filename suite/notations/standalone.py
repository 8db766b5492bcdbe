"""One file that stands alone: an implementation together with everything that it imports from its siblings."""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, entry_points
from importlib.util import find_spec, resolve_name
from pathlib import Path

from ..reference.errors import BadInput
from .notation import Notation
from .registry import ENTRY_POINTS, packages
from .training_loop import training_loop

WIDTH = 100
FUTURE = "__future__"


@dataclass(frozen=True)
class Import:
    """One imported name: `import module as name`, or `from module import attribute as name`."""

    module: str
    attribute: str | None
    name: str


@dataclass(frozen=True)
class Statement:
    """One statement of a module's top level.

    Attributes:
        text: the source text, with the comments above it.
        binds: the names that it gives a value.
        reads: all names that occur in it.
        is_definition: whether it defines a function or a class, which two blank lines set apart.
    """

    text: str
    binds: frozenset[str]
    reads: frozenset[str]
    is_definition: bool


@dataclass(frozen=True)
class Module:
    """A file in parts: its docstring as it stands there, its imports, and all other statements."""

    path: Path
    package: str
    docstring: str
    imports: tuple[Import, ...]
    statements: tuple[Statement, ...]

    def is_sibling(self, module: str) -> bool:
        """Whether a module belongs to elbostone, or to the distribution of this one."""
        return module.partition(".")[0] in ("elbostone", self.package.partition(".")[0])


def standalone(notation: Notation, framework: str) -> str:
    """The text of a notation's file that needs no other file of its package, with a training loop at its end.

    Args:
        notation: the notation of the file.
        framework: `torch` or `keras`.

    Raises:
        BadInput: the file imports from its package what cannot be written into it.
    """
    module = read_module(notation.path.with_name(f"{framework}_vae.py"), packages()[notation.id])
    imports, inlined = _gather(module, module.statements)
    _refuse_collisions(module.path, [i.name for i in imports], *(s.binds for s in inlined), _bound(module.statements))
    parts = [*_header(notation, framework), module.docstring, "", *_import_lines(imports)]
    last = None
    for statement in (*inlined, *module.statements):
        apart = statement.is_definition or (last is not None and last.is_definition)
        parts += [*[""] * (2 if apart else 1), statement.text]
        last = statement
    return "\n".join([*parts, "", "", training_loop(notation, framework)])


def read_module(path: Path, package: str) -> Module:
    """A file of a package in parts; what it imports by a relative name has its absolute one.

    Raises:
        BadInput: it imports a whole module of its own package, or every name of one.
    """
    text = path.read_text(encoding="utf-8")
    lines, tree = text.splitlines(), ast.parse(text)
    imports: list[Import] = []
    statements: list[Statement] = []
    docstring, end = "", 0
    for node in tree.body:
        assert node.end_lineno is not None, "what was parsed from text has an end"
        shown = "\n".join(lines[end : node.end_lineno]).strip("\n")
        end = node.end_lineno
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports += _imports(node, package, path)
        elif node is tree.body[0] and ast.get_docstring(tree) is not None:
            docstring = shown
        else:
            statements.append(_statement(node, shown))
    return Module(path, package, docstring, tuple(imports), tuple(statements))


def _imports(node: ast.Import | ast.ImportFrom, package: str, path: Path) -> Iterator[Import]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield Import(alias.name, None, alias.asname or alias.name)
        elif node.module is None or alias.name == "*":
            expected = "expected 'from module import name', which can be copied"
            raise BadInput(f"{path}, line {node.lineno}: {expected}; found '{ast.unparse(node)}'")
        else:
            module = resolve_name("." * node.level + node.module, package)
            yield Import(module, alias.name, alias.asname or alias.name)


def _statement(node: ast.stmt, text: str) -> Statement:
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    reads = frozenset(n.id for n in names)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return Statement(text, frozenset({node.name}), reads, is_definition=True)
    return Statement(text, frozenset(n.id for n in names if isinstance(n.ctx, ast.Store)), reads, is_definition=False)


def _gather(module: Module, kept: Sequence[Statement]) -> tuple[list[Import], list[Statement]]:
    """The needs of some statements of a module: imports from elsewhere, and the statements of its siblings."""
    reads = {name for statement in kept for name in statement.reads}
    imports: list[Import] = []
    siblings: dict[str, set[str]] = {}
    for entry in module.imports:
        if entry.module != FUTURE and entry.name.partition(".")[0] not in reads:
            continue
        if not module.is_sibling(entry.module):
            imports.append(entry)
            continue
        if entry.attribute != entry.name:
            raise BadInput(f"{module.path}: expected '{entry.module}' imported by its names; found '{_line(entry)}'")
        siblings.setdefault(entry.module, set()).add(entry.name)
    inlined: list[Statement] = []
    for name, names in siblings.items():
        sibling = _sibling(name, module.path)
        needed = _needed(sibling, names)
        more, deeper = _gather(sibling, needed)
        imports += more
        inlined += [*deeper, *needed]
    return list(dict.fromkeys(imports)), list(dict.fromkeys(inlined))


def _sibling(name: str, importing: Path) -> Module:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise BadInput(f"{importing}: expected a module '{name}', which it imports; found none")
    return read_module(Path(spec.origin), name.rpartition(".")[0])


def _needed(module: Module, names: set[str]) -> list[Statement]:
    """The statements of a module that give some names their values, in their order, with what those read in turn."""
    if unknown := names - _bound(module.statements):
        raise BadInput(f"{module.path}: expected a definition of '{min(unknown)}', which is imported; found none")
    found: set[Statement] = set()
    while more := {s for s in module.statements if s.binds & names} - found:
        found |= more
        names = names | {name for statement in more for name in statement.reads}
    return [statement for statement in module.statements if statement in found]


def _bound(statements: Iterable[Statement]) -> frozenset[str]:
    return frozenset(name for statement in statements for name in statement.binds)


def _refuse_collisions(path: Path, *names: Iterable[str]) -> None:
    """Raise BadInput where one name would have two meanings in the copy."""
    seen: set[str] = set()
    for group in names:
        for name in group:
            if name in seen:
                raise BadInput(
                    f"{path}: '{name}' would be two things in one file: expected another name for one of them"
                )
            seen.add(name)


def _header(notation: Notation, framework: str) -> list[str]:
    """Comment lines: where the file came from, what it is, and its licence."""
    origin, source = _distribution(notation), notation.source
    licence = origin.metadata.json.get("license_expression")
    said = (
        f"Written by `elbostone copy {notation.id} --framework {framework}`: {notation.id}/{framework}_vae.py of "
        f"{origin.name} {origin.version}, with what it imports from there written into it.",
        f"Source: {', '.join(source.authors)}: {source.title} ({source.year}), {source.identifier}.",
        "The last lines train it on scikit-learn's digits, where the file is run as a script.",
    )
    lines = [line for text in said for line in textwrap.wrap(text, WIDTH, break_long_words=False)]
    lines += _copyright(origin)
    lines.append(f"SPDX-License-Identifier: {licence}" if licence else f"Licence: that of {origin.name}.")
    return [f"# {line}" for line in lines]


def _distribution(notation: Notation) -> Distribution:
    """The distribution that provides a notation."""
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == notation.id and point.dist is not None:
            return point.dist
    return distribution("elbostone")


def _copyright(origin: Distribution) -> list[str]:
    """The copyright lines of a distribution's licence files."""
    files = [
        file for file in origin.files or () if file.name.startswith("LICEN") and file.suffix in ("", ".txt", ".md")
    ]
    lines = [line.strip() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.startswith("Copyright")]


def _import_lines(imports: Iterable[Import]) -> list[str]:
    """Import statements, sorted as ruff sorts them: of the future, of Python's library, and of others."""
    sections: dict[int, list[Import]] = {}
    for entry in imports:
        top = entry.module.partition(".")[0]
        place = 0 if top == FUTURE else 1 if top in sys.stdlib_module_names else 2
        sections.setdefault(place, []).append(entry)
    lines: list[str] = []
    for place in sorted(sections):
        names: dict[str, list[Import]] = {}
        for entry in sections[place]:
            if entry.attribute is not None:
                names.setdefault(entry.module, []).append(entry)
        modules = sorted(_line(entry) for entry in sections[place] if entry.attribute is None)
        lines += [*([""] if lines else []), *modules, *(_line(*names[module]) for module in sorted(names))]
    return lines


def _line(*entries: Import) -> str:
    """`import module as name`, or names of one module: constants, classes, then all others."""

    def place(entry: Import) -> tuple[int, str]:
        name = entry.attribute or ""
        return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name

    names = [(entry.attribute or entry.module, entry.name) for entry in sorted(set(entries), key=place)]
    aliases = [ast.alias(own, name if name != own else None) for own, name in names]
    if entries[0].attribute is None:
        return ast.unparse(ast.Import(aliases))
    return ast.unparse(ast.ImportFrom(entries[0].module, aliases, 0))
