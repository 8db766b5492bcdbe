"""Strict reading of TOML: every field is taken once, by its type, and what nobody takes is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..reference.errors import BadInput

_REQUIRED: Any = object()


class Table:
    """One TOML table under reading: each field is taken once, and what is left over is refused."""

    def __init__(self, values: Any, path: Path, name: str):
        self.path, self.name = path, name
        if not isinstance(values, Mapping):
            raise BadInput(f"{path}: {name}: expected a table; found {values!r}")
        self._left = dict(values)
        self._known: list[str] = []

    def fail(self, field: str, expected: str, found: Any) -> BadInput:
        return BadInput(f"{self.path}: {self.name}.{field}: expected {expected}; found {found!r}")

    def take(self, field: str, kind: type | tuple[type, ...], expected: str, default: Any = _REQUIRED) -> Any:
        self._known.append(field)
        if field not in self._left:
            if default is _REQUIRED:
                raise BadInput(f"{self.path}: {self.name}: the field '{field}' is missing; expected {expected}")
            return default
        value = self._left.pop(field)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(field, expected, value)
        return value

    def text(self, field: str, default: Any = _REQUIRED) -> Any:
        return self.take(field, str, "text", default)

    def choice(self, field: str, choices: Iterable[str], default: Any = _REQUIRED) -> Any:
        expected = f"one of {', '.join(choices)}"
        value = self.take(field, str, expected, default)
        if value is not default and value not in choices:
            raise self.fail(field, expected, value)
        return value

    def texts(self, field: str, choices: Iterable[str] | None = None, default: Any = _REQUIRED) -> tuple[str, ...]:
        expected = f"a list out of {', '.join(choices)}" if choices else "a list of texts"
        values = self.take(field, list, expected, default)
        if not all(isinstance(v, str) and (choices is None or v in choices) for v in values):
            raise self.fail(field, expected, values)
        return tuple(values)

    def table(self, field: str, default: Any = _REQUIRED) -> Table:
        return Table(self.take(field, Mapping, "a table", default), self.path, f"{self.name}.{field}".lstrip("."))

    def tables(self, field: str, default: Any = _REQUIRED) -> list[Table]:
        values = self.take(field, list, "an array of tables", default)
        return [Table(v, self.path, f"{self.name}.{field}[{i}]".lstrip(".")) for i, v in enumerate(values)]

    def holds(self, field: str, kind: type) -> bool:
        """Whether a field that is still to be taken is of a type."""
        return isinstance(self._left.get(field), kind)

    def fields(self) -> list[str]:
        return list(self._left)

    def finish(self) -> None:
        for field in self._left:
            raise BadInput(
                f"{self.path}: {self.name or 'document'}: unknown field '{field}'; "
                f"expected one of {', '.join(self._known)}"
            )


def read_toml(path: Path) -> Table:
    """A file's top table.

    Raises:
        BadInput: it cannot be read, or is no TOML.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: expected TOML; found {error}") from None
    return Table(document, path, "")
