"""Strict reading of TOML by a typed schema: an error is one line with file, table, field, expected and found."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from ..reference.errors import BadInput
from ..reference.files import MOST_DEPTH, read_text, require_shallow
from .fields import AxisNames, Misread, When
from .formulas import Formula

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R", When, AxisNames, Formula)
NOUNS: dict[Any, str] = {
    bool: "true or false",
    str: "text",
    When: "text",
    AxisNames: "text",
    Formula: "text",
    int: "a whole number",
    float: "a number",
    tuple[str, ...]: "a list of texts",
    tuple[float, ...]: "a list of numbers",
    dict: "a table",
    tuple[dict[str, Any], ...]: "a list of tables",
}


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's document.

    Raises:
        BadInput: it cannot be read, or is no TOML.
    """
    text = read_text(path)
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise BadInput(f"{path}: expected values at most {MOST_DEPTH} deep; found deeper ones") from None
    except ValueError as error:  # TOMLDecodeError is one; so is a number of too many digits
        raise BadInput(f"{path}: expected TOML; found {error}{_unquoted(text, str(error))}") from None
    require_shallow(document, str(path))
    return document


def _unquoted(text: str, error: str) -> str:
    """The most common cause of an error: TOML's bare keys are ASCII."""
    line = re.search(r"at line (\d+)", error)
    key = text.splitlines()[int(line[1]) - 1].partition("=")[0] if line else ""
    return "; a key that is not ASCII needs quotes" if not key.isascii() and '"' not in key else ""


def decode(kind: type[T], value: Any, where: str) -> T:
    """A table as a struct whose fields have `schema.says`.

    msgspec's own messages name neither the key of an entry nor what was found, so each field is converted alone.

    Args:
        kind: the struct.
        value: the table.
        where: file and table, as messages begin with it.

    Raises:
        BadInput: a field is unknown or missing, has another type, or a word outside its vocabulary.
    """
    if not isinstance(value, Mapping):
        raise BadInput(f"{where}: expected a table; found {value!r}")
    fields = fields_of(kind)
    for name in value:
        if name not in fields:
            raise BadInput(f"{where}: unknown field '{name}'; expected one of {', '.join(fields)}")
    for name, field in fields.items():
        if name in value:
            _check(field.type, value[name], f"{where}.{name}")
        elif field.required:
            raise BadInput(f"{where}: the field '{name}' is missing; expected {expected(field.type)}")
    return msgspec.convert(value, kind, dec_hook=_read)


@cache
def fields_of(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """A struct's fields in TOML by name; msgspec evaluates every annotation again for each call."""
    implied = getattr(kind, "implied", ())
    return {field.encode_name: field for field in msgspec.structs.fields(kind) if field.name not in implied}


def read(kind: type[R], text: str, where: str) -> R:
    """A text as a class of values that has a method `read`. Raises BadInput where it cannot be one."""
    try:
        return kind.read(text)
    except Misread as error:
        raise BadInput(f"{where}: {error}") from None


def _read(kind: Any, text: Any) -> Any:
    if not isinstance(text, str):
        raise ValueError("no text")
    return kind.read(text)


def _check(kind: Any, value: Any, where: str) -> None:
    words = one_of(kind)
    for key, word in _words(value):
        if words and isinstance(word, str) and word not in words:
            raise BadInput(f"{where}{key}: expected {expected(kind)}; found {word!r}")
    try:
        msgspec.convert(value, kind, dec_hook=_read)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, Misread):
            raise BadInput(f"{where}: {error.__cause__}") from None
        for key, word in value.items() if isinstance(value, Mapping) else ():
            if not isinstance(word, str):
                raise BadInput(f"{where}.{key}: expected text; found {word!r}") from None
        raise BadInput(f"{where}: expected {expected(kind)}; found {value!r}") from None


def _words(value: Any) -> list[tuple[str, Any]]:
    """Each word of a text, list or table, with the key under which a table has it."""
    if isinstance(value, Mapping):
        return [(f".{key}", word) for key, word in value.items()]
    return [("", word) for word in (value if isinstance(value, list) else [value])]


def one_of(kind: Any) -> tuple[str, ...]:
    """The words that a field may hold; () for any."""
    said = getattr(kind, "__metadata__", ())
    return tuple(said[0].extra["one_of"]) if said else ()


def expected(kind: Any) -> str:
    """The values that a field may have, in words."""
    words = one_of(kind)
    if words:
        return f"{'a list' if tuple in _types(kind) else 'one'} of {', '.join(words)}"
    return " or ".join(noun for type_, noun in NOUNS.items() if type_ in _types(kind))


def _types(kind: Any) -> set[Any]:
    """The types of value that an annotation allows, a tuple with its items' type."""
    if hasattr(kind, "__metadata__"):
        return _types(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return set().union(*(_types(part) for part in get_args(kind)))
    return {kind, get_origin(kind)}
