"""Files: read within limits or refused with one line, written completely or not at all."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import BadInput

MOST_BYTES = 2**26
"""The largest file written by a person: 64 MiB, a hundred times the largest known one."""
MOST_RECORD_BYTES = 2**32
"""The largest file that a run writes, in bytes."""
MOST_DEPTH = 32
"""The deepest nesting of lists and tables; readers are recursive, and Python allows a thousand nested calls."""
MOST_NAME_BYTES = 100
"""The longest name that becomes part of a file name: Linux allows 255 bytes, and a cell's key adds up to 120."""
UNFINISHED = ".part"
"""The end of the name of a file that is still being written."""


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """A regular file of UTF-8.

    Raises:
        BadInput: it cannot be read, is no regular file, has more bytes, or is not UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at {error.start}"
        raise BadInput(f"{path}: expected UTF-8; found {found}") from None


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """A regular file. Raises BadInput where it cannot be read, is no regular file, or has more bytes."""
    require_file(path, most)
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None


def require_file(path: Path, most: int = MOST_RECORD_BYTES) -> None:
    """Raises BadInput where there is no regular file, or it has more bytes: a device or a pipe would never end."""
    try:
        about = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(about.st_mode):
        raise BadInput(f"{path}: cannot be read: expected a regular file; found {_type_of(about.st_mode)}")
    if about.st_size > most:
        raise BadInput(f"{path}: expected at most {most} bytes; found {about.st_size}")


def _type_of(mode: int) -> str:
    kinds = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((name for is_kind, name in kinds.items() if is_kind(mode)), "a device")


def read_json(path: Path) -> Any:
    """A JSON file: each key once in its table, not nested deeper than `MOST_DEPTH`.

    Raises:
        BadInput: as `read_text`, or it is not such a file.
    """
    text = read_text(path)
    try:
        value = json.loads(text, object_pairs_hook=_each_key_once)
    except RecursionError:
        raise BadInput(f"{path}: expected values at most {MOST_DEPTH} deep; found deeper ones") from None
    except ValueError as error:
        raise BadInput(f"{path}: expected JSON; found {error}") from None
    require_shallow(value, str(path))
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadInput(f"{path}: expected whole letters; found half of a surrogate pair") from None
    return value


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} twice in one table")
    return table


def require_shallow(value: Any, where: str) -> None:
    """Raises BadInput where lists and tables are nested deeper than `MOST_DEPTH`."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise BadInput(f"{where}: expected values at most {MOST_DEPTH} deep; found deeper ones")


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def require_name(name: str, where: str) -> str:
    """A name that becomes part of a file name.

    Raises:
        BadInput: it is empty, too long, leads elsewhere, or has characters that cannot be printed.
    """
    if not name or name in (".", "..") or "/" in name or not name.isprintable():
        raise BadInput(f"{where}: expected a name of printable characters without '/'; found {name!r}")
    if len(name.encode()) > MOST_NAME_BYTES:
        raise BadInput(f"{where}: expected a name of at most {MOST_NAME_BYTES} bytes; found {len(name.encode())}")
    return name


def printable(text: str) -> str:
    """A text that is safe to print on a terminal: control characters and lone surrogates become escapes."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the target and rename, so that a reader never sees half a file.

    Raises:
        OSError: it cannot be written; the error names the target.
    """
    with naming(path):
        # Hidden, and with another suffix, so that no pattern for tables matches a file that a kill left unfinished.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=UNFINISHED)
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """A text as UTF-8, whole; a lone surrogate as its escape. Raises OSError as `write_whole`."""
    write_whole(path, lambda whole: whole.write_text(text, encoding="utf-8", errors="backslashreplace"))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an OSError of the block the name of a file: most errors of writing have none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def remove_unfinished(folder: Path) -> None:
    """Remove unfinished files that a kill left in a folder to which no other process writes."""
    for file in folder.glob(f".*{UNFINISHED}"):
        file.unlink(missing_ok=True)
