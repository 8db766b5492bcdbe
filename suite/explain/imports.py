"""What a file imports and which backend of Keras it asks for, read line by line; nothing is executed."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from ..reference.errors import BadInput

_VARIABLE = "KERAS_BACKEND"


@dataclass
class Imports:
    """What was read of a file, and of the files beside it that it imports.

    Attributes:
        packages: top-level packages, in the order of the lines; `keras` is among them where it is `tensorflow.keras`.
        backend: what is in KERAS_BACKEND when Keras is imported; None where nothing sets it.
        settled: whether Keras is imported by now, after which no variable has an effect.
    """

    packages: list[str] = field(default_factory=list)
    backend: str | None = None
    settled: bool = False


def imports_of(path: str, backend: str | None = None) -> Imports:
    """The imports of a file.

    Args:
        path: of the file.
        backend: what is in KERAS_BACKEND before it is imported.

    Raises:
        BadInput: it cannot be read or parsed.
    """
    reader = _Reader(Path(path), Imports(backend=backend))
    reader.read(Path(path))
    reader.found.packages += reader.later
    return reader.found


class _Reader(ast.NodeVisitor):
    """Follows imports of files in the same folder, each once."""

    def __init__(self, path: Path, found: Imports):
        self.folder, self.found = path.parent, found
        self.seen: set[Path] = set()
        self.deferred = 0
        self.later: list[str] = []

    def read(self, path: Path) -> None:
        """Read a file in the order in which its import executes it."""
        self.seen.add(path.resolve())
        try:
            tree = ast.parse(path.read_bytes(), filename=str(path))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
        except (SyntaxError, ValueError) as error:
            raise BadInput(f"{path}: expected Python; {error}") from None
        self.visit(tree)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imported(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            for alias in node.names:
                self._imported(f"{node.module}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """`tf.keras` is Keras."""
        if node.attr == "keras" and isinstance(node.value, ast.Name) and node.value.id in ("tf", "tensorflow"):
            self._imported("tensorflow.keras")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            named = isinstance(target, ast.Subscript) and _text(target.slice) == _VARIABLE
            if named and ast.unparse(target).startswith(("os.environ[", "environ[")):
                self._set(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name, arguments = ast.unparse(node.func), node.args
        if len(arguments) == 2 and _text(arguments[0]) == _VARIABLE:
            if name.endswith("environ.setdefault") and self.found.backend is None:
                self._set(arguments[1])
        elif name.endswith("environ.update"):
            for argument in arguments:
                if isinstance(argument, ast.Dict):
                    entries = zip(argument.keys, argument.values, strict=True)
                    for value in (value for key, value in entries if key is not None and _text(key) == _VARIABLE):
                        self._set(value)
            for keyword in node.keywords:
                if keyword.arg == _VARIABLE:
                    self._set(keyword.value)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """What a function does is done later: it imports, and sets no variable in time."""
        self.deferred += 1
        self.generic_visit(node)
        self.deferred -= 1

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        already = _VARIABLE in test and self.found.backend is not None  # `if "KERAS_BACKEND" not in os.environ`
        if "__name__" not in test and not already:  # what only a script does
            self.generic_visit(node)

    def _set(self, value: ast.expr) -> None:
        text = _text(value)
        if text is not None and not self.found.settled and not self.deferred:
            self.found.backend = text

    def _imported(self, module: str) -> None:
        """Note a module, or go on with it where it is a file in the same folder."""
        top, *rest = module.split(".")
        outer = [path for path in (self.folder / f"{top}.py", self.folder / top / "__init__.py") if path.is_file()]
        if outer and not _installed(top):
            inner = self.folder.joinpath(top, *rest).with_suffix(".py")
            for path in dict.fromkeys([*outer, *([inner] if inner.is_file() else [])]):
                if path.resolve() not in self.seen:
                    self.read(path)
            return
        packages = self.later if self.deferred else self.found.packages
        packages += [top, "keras"] if module.startswith("tensorflow.keras") else [top]
        self.found.settled |= packages[-1] == "keras" and not self.deferred


def _installed(name: str) -> bool:
    """Whether a package of this name is on the path: it comes before a file of the user's folder."""
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
