"""Records: append, read, resume; numbers that JSON lacks; and what a reader refuses."""

import json
import math
from pathlib import Path

import msgspec
import pytest

from elbostone.backends import Graphs
from elbostone.backends.table import host_of
from elbostone.claims.facts import ClaimsRecord, Facts, Failure
from elbostone.equality.records import EqualityRecord
from elbostone.reference.errors import BadInput
from elbostone.workers.records import (
    SCHEMA,
    Active,
    Cell,
    append_record,
    as_document,
    cell_of,
    number,
    read_records,
    read_records_of,
    verified,
)
from elbostone.workers.run_folder import RunFolder, create_run, open_for_resume

PLACE = Path(__file__).parents[2] / "reports" / "committed"
COMMITTED = [RunFolder(path) for path in sorted(PLACE.glob("*/"))]
CELL = Cell("digits", "keras_io", "keras", "keras-jax", "cpu", "float64", "eager")
ACTIVE = Active(backend="keras-jax", device="cpu", dtype="float64", threads=1, versions={"jax": "1"})
WHOLE = EqualityRecord(
    cell=CELL,
    status="ok",
    adapted=True,
    embedding="gated",
    bound="elbo",
    published_objective=1.5,
    tensors="a.safetensors",
    active=ACTIVE,
    graphs=Graphs(graphs=1, breaks=0, recompiles=0),
    clamp_logit={"x1": 16.0, "x0": None},
    elapsed_s=0.25,
)
MISSING = EqualityRecord(cell=CELL, status="missing", reason="not here", adapted=False)


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, WHOLE)
    append_record(path, ClaimsRecord(cell=CELL, status="failed", reason="why"))
    other = {"schema": SCHEMA, "kind": "throughput", **CELL.as_json(), "status": "ok", "rounds_ns": [1]}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(other) + "\n")
    append_record(path, MISSING)
    assert read_records_of(path, EqualityRecord) == [MISSING], "the last of a cell is its outcome"
    (claims,) = read_records_of(path, ClaimsRecord)
    assert (claims.cell, claims.status, claims.reason, claims.facts) == (CELL, "failed", "why", None)
    documents = read_records(path)
    assert [document["kind"] for document in documents] == ["equality", "claims", "throughput", "equality"]
    assert {cell_of(document) for document in documents} == {CELL}


def test_the_fields_of_a_line_are_those_that_they_were() -> None:
    """The cell's own stand beside the others."""
    names = ("problem", "notation", "framework", "backend", "device", "dtype", "mode")
    more = ("status", "reason", "adapted", "embedding", "bound", "published_objective", "tensors", "active", "graphs")
    document = as_document(WHOLE)
    assert {"schema", "kind", *names, *more, "clamp_logit", "traceback", "elapsed_s", "left_behind"} == document.keys()
    assert document["active"].keys() == {"backend", "device", "dtype", "threads", "versions"}
    assert document["graphs"] == {"graphs": 1, "breaks": 0, "recompiles": 0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, -0.0, 1e-320])
def test_a_number_that_json_lacks_is_read_as_it_was(value: float, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, msgspec.structs.replace(WHOLE, published_objective=number(value)))
    facts = Facts("torch", "torch", [Failure("p", "methods.encoder", "why")])
    facts.numbers["p"] = {"J": [2, number(value)]}
    facts.dependency["p"] = {"decoder": {"fc3.weight": number(value)}}
    append_record(path, ClaimsRecord(cell=CELL, status="ok", facts=facts, tensors="t"))
    text = path.read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    assert "null" not in text.partition('"published_objective": ')[2].partition(",")[0]

    (equality,), (claims,) = read_records_of(path, EqualityRecord), read_records_of(path, ClaimsRecord)
    assert equality.published_objective is not None
    assert claims.facts is not None
    again = claims.facts
    assert again.failures == facts.failures
    read = [
        float(equality.published_objective),
        float(again.numbers["p"]["J"][1]),
        float(again.dependency["p"]["decoder"]["fc3.weight"]),
    ]
    assert [repr(found) for found in read] == [repr(value)] * 3


def test_a_nan_where_no_record_may_have_one_is_refused_and_not_written_as_null(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_record(tmp_path / "records.jsonl", msgspec.structs.replace(WHOLE, elapsed_s=math.nan))
    assert not (tmp_path / "records.jsonl").exists()


def test_a_text_of_a_class_of_its_own_is_a_text() -> None:
    """As torch.__version__ is."""

    class Version(str):
        __slots__ = ()

    active = msgspec.structs.replace(ACTIVE, versions={"torch": Version("2.13.0")})
    assert as_document(msgspec.structs.replace(WHOLE, active=active))["active"]["versions"] == {"torch": "2.13.0"}
    with pytest.raises(TypeError, match="expected what JSON has; found object"):
        as_document(ClaimsRecord(cell=CELL, status="ok", facts=Facts("t", "t", defaults={"a": object()})))


def test_a_record_of_schema_1_that_has_no_kind_is_of_equality(tmp_path: Path) -> None:
    old = {name: value for name, value in as_document(WHOLE).items() if name not in ("kind", "traceback")}
    (tmp_path / "records.jsonl").write_text(json.dumps({**old, "schema": 1}) + "\n")
    (read,) = read_records_of(tmp_path / "records.jsonl", EqualityRecord)
    assert read == msgspec.structs.replace(WHOLE, schema=1)


def test_committed_records_are_of_this_schema_and_their_facts_are_whole() -> None:
    records = [record for folder in COMMITTED for record in folder.records_of(EqualityRecord)]
    assert len(records) > 600
    assert {record.schema for record in records} == {SCHEMA}
    claims = RunFolder(PLACE / "quick").records_of(ClaimsRecord)
    assert len(claims) >= 32
    assert all(record.facts.numbers for record in claims if record.facts is not None)


def test_a_line_cut_off_by_a_kill_is_left_out_and_trimmed(tmp_path: Path) -> None:
    folder = create_run(tmp_path, {})
    path = folder.records
    append_record(path, WHOLE)
    with path.open("a") as file:
        file.write('{"schema": 1, "prob')
    assert len(read_records(path)) == 1
    with open_for_resume(folder.path).alone():
        append_record(path, MISSING)
    assert len(read_records(path)) == 2
    assert read_records_of(path, EqualityRecord) == [MISSING]


def changed(**fields: object) -> str:
    return json.dumps({**as_document(WHOLE), **fields})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (changed(schema=SCHEMA + 1), f"line 1: expected schema {SCHEMA} or older; found {SCHEMA + 1}"),
        ("{", "line 1: expected JSON"),
        ("[]", "line 1: expected a record"),
        (changed(status="great"), r"line 1: expected a record of equality; found: .*'great'.*status"),
        (changed(adapted="no"), r"line 1: expected a record of equality; found: Expected `bool`, got `str`.*adapted"),
        (changed(dtype=3), r"line 1: expected a record of equality; found: Expected `str`, got `int`.*cell.dtype"),
        (json.dumps({"schema": 1, "status": "ok"}), r"line 1: expected a record of equality; found: .*missing.*"),
        (changed(active={"backend": "torch"}), r"line 1: expected a record of equality; found: .*missing.*active"),
    ],
)
def test_what_the_reader_does_not_understand_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(BadInput, match=message) as refused:
        read_records_of(path, EqualityRecord)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_records(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("fields", "threads", "reason"),
    [
        ({}, 1, None),
        ({}, None, None),
        ({}, 2, "asked for threads 2, but 1 was active"),
        ({"backend": "torch"}, 1, "asked for backend keras-jax, but torch was active"),
        ({"device": "cuda"}, 1, "asked for device cpu, but cuda was active"),
        ({"dtype": "float32"}, 1, "asked for dtype float64, but float32 was active"),
    ],
)
def test_what_ran_is_held_against_what_was_asked_for(
    fields: dict[str, object], threads: int | None, reason: str | None
) -> None:
    assert host_of(CELL.backend) == CELL.backend
    record = msgspec.structs.replace(WHOLE, active=msgspec.structs.replace(ACTIVE, **fields))
    found = verified(record, threads)
    assert (found.status, found.reason) == (("ok", None) if reason is None else ("failed", reason))
    assert verified(MISSING, 7) is MISSING
