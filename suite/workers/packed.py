"""records.parquet: the records of a finished run in one compressed file, in place of its records.jsonl.

A row has a record's kind, to choose by, and its line of JSON. Columns for the fields of each kind would hold the same
in more bytes, and not all of it: a field may be a text or a number, or a table whose keys are data.

pyarrow is imported where it is used: a worker, which reads and writes records, may not have it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..reference.errors import BadInput
from ..reference.files import require_file, write_whole

PACKED = "records.parquet"


def pack(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the documents of all records, each with its `kind`, in order."""
    import pyarrow
    from pyarrow import parquet

    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    table = pyarrow.table({"kind": [record["kind"] for record in records], "record": lines})
    # A dictionary of lines that are all different would only add to them.
    options: dict[str, Any] = {"compression": "zstd", "compression_level": 19, "use_dictionary": ["kind"]}
    write_whole(path, lambda whole: parquet.write_table(table, whole, **options))


def unpack(path: Path) -> list[str]:
    """The lines of JSON that `pack` wrote.

    Raises:
        BadInput: the file cannot be read, or is another table.
    """
    from pyarrow import ArrowException, parquet

    if path.exists():
        require_file(path)
    try:
        lines: list[Any] = parquet.read_table(path, columns=["record"])["record"].to_pylist()
    except (OSError, ValueError, KeyError, ArrowException) as error:
        found = str(error).partition("\n")[0]
        raise BadInput(f"{path}: expected Parquet with a column 'record'; found {found}") from None
    if not all(isinstance(line, str) for line in lines):
        raise BadInput(f"{path}: expected texts in the column 'record'; found something else")
    return lines
