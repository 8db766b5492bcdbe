"""Records of timing: those of the committed runs are read whole, and what is wrong with a line is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from elbostone.reference.errors import BadInput
from elbostone.timing.records import KINDS, as_measured, dropped, left_out, timing_records
from elbostone.workers.records import as_document, read_records

COMMITTED = [
    file
    for file in sorted(Path(__file__).parents[2].glob("reports/committed/*/records.parquet"))
    if file.parent.name != "training"  # it times nothing
]
GONE = {"awaited", "draws", "path"}
"""Fields of older records that nothing reads."""
ROOF = {"schema": 1, "kind": "roof", "device": "cpu", "operation": "read", "shape": [8], "dtype": "float32"}
ROOF |= {"library": "torch", "route": "sum", "seconds": 1.0}


def lacking(read: Any, written: Any) -> list[str]:
    """The fields of a line that a record lacks, or has another value for."""
    if isinstance(written, dict):
        lost = [name for name in written if name not in read and name not in GONE]
        return lost + [f for name in written.keys() & read.keys() for f in lacking(read[name], written[name])]
    if isinstance(written, list) and len(written) == len(read):
        return [field for one, other in zip(read, written, strict=True) for field in lacking(one, other)]
    return [] if read == written else [f"{read!r} for {written!r}"]


def test_there_are_committed_records() -> None:
    assert COMMITTED


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.parent.name)
def test_committed_records_keep_every_field(file: Path) -> None:
    lines = [document for document in read_records(file) if document["kind"] in KINDS and dropped(document) is None]
    assert lines
    for line, record in zip(lines, timing_records(file), strict=True):
        assert lacking(json.loads(json.dumps(as_document(record))), line) == []


def test_a_record_that_lacks_a_field_is_named_by_file_line_and_kind(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    right, wrong = json.dumps(ROOF), json.dumps({**ROOF, "seconds": "fast"})
    file.write_text(f"{right}\n{wrong}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"records\.jsonl: line 2: expected a record of roof; found: .*seconds"):
        timing_records(file)
    assert as_measured(ROOF).status == "ok"


def test_a_run_without_records_has_none(tmp_path: Path) -> None:
    assert timing_records(tmp_path / "records.jsonl") == []
    assert left_out(tmp_path / "records.jsonl") == ""


def test_what_is_no_longer_measured_is_left_out_and_said(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    older = [{"schema": 1, "kind": kind} for kind in ("duel", "harness", "duel", "peak", "equality")]
    older += [
        {"schema": 1, "kind": "throughput", "stage": "epoch"},
        {"schema": 1, "kind": "throughput", "awaited": False},
    ]
    file.write_text("".join(json.dumps(document) + "\n" for document in [*older, ROOF]), encoding="utf-8")
    assert timing_records(file) == [as_measured(ROOF)]
    said = left_out(file)
    assert said.startswith(
        f"{file}: records of what is no longer measured are left out: 2 of paired comparisons, 1 of "
    )
    assert "1 of passes over a data set, 1 of calls that did not wait for the device" in said
    assert "\n" not in said
