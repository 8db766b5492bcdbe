"""Which packages does a file import, and which backend of Keras does it set? The source is parsed, and not executed."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from ..reference.errors import BadInput

_VARIABLE = "KERAS_BACKEND"


@dataclass
class Imports:
    """The imports of a file, and of the files in its folder that it imports.

    Attributes:
        packages: top-level packages, in the order of the lines; `tensorflow.keras` counts as `keras` too.
        backend: the value of KERAS_BACKEND when Keras is imported; None if nothing sets it.
        keras_imported: whether Keras is imported already, so that a later change of the variable has no effect.
    """

    packages: list[str] = field(default_factory=list)
    backend: str | None = None
    keras_imported: bool = False


def imports_of(path: str, backend: str | None = None) -> Imports:
    """The imports of a file.

    Args:
        path: the file's path.
        backend: the value of KERAS_BACKEND before the file runs.

    Raises:
        BadInput: the file cannot be read or parsed.
    """
    reader = _Reader(Path(path), Imports(backend=backend))
    reader.read(Path(path))
    reader.found.packages += reader.later
    return reader.found


class _Reader(ast.NodeVisitor):
    """Collects imports in the order of execution, and follows imports of files in the same folder, each file once."""

    def __init__(self, path: Path, found: Imports):
        self.folder, self.found = path.parent, found
        self.seen: set[Path] = set()
        self.deferred = 0
        self.later: list[str] = []

    def read(self, path: Path) -> None:
        """Collect the imports of a file in the order of execution."""
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
        """A function's body runs later: its imports come last, and it sets no variable before Keras is imported."""
        self.deferred += 1
        self.generic_visit(node)
        self.deferred -= 1

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        already = _VARIABLE in test and self.found.backend is not None  # `if "KERAS_BACKEND" not in os.environ`
        if "__name__" not in test and not already:  # `if __name__ == "__main__"` does not run in an import
            self.generic_visit(node)

    def _set(self, value: ast.expr) -> None:
        text = _text(value)
        if text is not None and not self.found.keras_imported and not self.deferred:
            self.found.backend = text

    def _imported(self, module: str) -> None:
        """Note the package of a module, or read the module if it is a file in the same folder."""
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
        self.found.keras_imported |= packages[-1] == "keras" and not self.deferred


def _installed(name: str) -> bool:
    """Whether a package of this name is on sys.path, where it comes before a file in the user's folder."""
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
