"""Records: append, read, resume; and what a reader refuses."""

import json
from pathlib import Path

import pytest

from elbostone.definition.errors import BadInput
from elbostone.execution.records import (
    SCHEMA,
    Cell,
    append_record,
    cell_of,
    make_record,
    read_records,
    trim_partial_line,
)

CELL = Cell("digits", "keras_io", "keras", "keras-jax", "cpu", "float64", "eager")


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, make_record(CELL, "ok", tensors="a"))
    append_record(path, make_record(CELL, "missing", "not here"))
    first, second = read_records(path)
    assert cell_of(first) == cell_of(second) == CELL
    assert (second["status"], second["reason"]) == ("missing", "not here")


def test_a_line_cut_off_by_a_kill_is_left_out_and_trimmed(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, make_record(CELL, "ok"))
    with path.open("a") as file:
        file.write('{"schema": 1, "prob')
    assert len(read_records(path)) == 1
    trim_partial_line(path)
    append_record(path, make_record(CELL, "ok"))
    assert len(read_records(path)) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (json.dumps({"schema": SCHEMA + 1}), f"line 1: expected schema {SCHEMA} or older; found {SCHEMA + 1}"),
        ("{", "line 1: expected JSON"),
        ("[]", "line 1: expected a record"),
    ],
)
def test_what_the_reader_does_not_understand_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(BadInput, match=message):
        read_records(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_records(tmp_path / "none.jsonl")
