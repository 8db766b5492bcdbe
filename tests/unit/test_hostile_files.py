"""Files that somebody made to break their reader: each is refused in one line that says what was expected."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from elbostone.equality.exclusions import load_exclusions
from elbostone.equality.records import EqualityRecord
from elbostone.notations.decode import read, read_toml
from elbostone.notations.formulas import Formula
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notation_folder
from elbostone.reference.errors import BadInput
from elbostone.reference.files import UNFINISHED, write_whole
from elbostone.reference.problem import load_problem, read_tensors, save_problem
from elbostone.report.tables import write_table
from elbostone.runs.presets import family_problems
from elbostone.workers.records import Cell, append_record, read_records, read_records_of
from elbostone.workers.run_folder import RunFolder

CELL = Cell("p", "a", "torch", "torch", "cpu", "float64", "eager")
SPEC = '{"network": "mlp", "likelihood": "bernoulli", "prior": "standard", "activation": "tanh", "hidden": [3], '
SPEC += '"data_dim": 2, "latent_dim": 1'
PROBLEMS: dict[str, tuple[str, str]] = {
    "nested without end": ('{"spec": ' + "[" * 100_000, "deeper ones"),
    "nested deeply": (f'{{"spec": {SPEC}, "beta": {"[" * 40}{"]" * 40}}}}}', "at most 32 deep"),
    "a number beyond floats": (f'{{"spec": {SPEC}, "beta": 1{"0" * 400}}}}}', "spec.beta: expected a positive number"),
    "a number of 5,000 digits": (f'{{"spec": {SPEC}, "beta": {"7" * 5000}}}}}', "expected JSON; found"),
    "half a letter alone": (f'{{"spec": {SPEC.replace("standard", chr(92) + "ud800")}}}}}', "half of a surrogate"),
    "a key twice": (f'{{"spec": {SPEC}, "beta": 2, "beta": 3}}}}', "the key 'beta' twice"),
    "an unknown field": (f'{{"spec": {SPEC}}}, "sepc": 1}}', "unknown field 'sepc'"),
    "a size beyond memory": (f'{{"spec": {SPEC.replace("[3]", "[4294967296]")}}}}}', "spec.hidden: expected"),
    "no UTF-8": ("\udcff", "expected UTF-8; found byte 0xff at 0"),
}


@pytest.mark.parametrize(("text", "said"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_hostile_problem_is_bad_input(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=said):
        load_problem(path)


@pytest.mark.parametrize("value", ["1_000", " 1", True, [1], {}], ids=str)
def test_an_exact_term_is_a_number_as_json_or_decimals_have_it(value: object, tmp_path: Path) -> None:
    path = save_problem(family_problems()[0], tmp_path)
    document = json.loads(path.read_text())
    document["expected"] = {"kl": [value] * 16}
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput, match=r"expected.kl: expected (finite )?numbers of shape \[16\]"):
        load_problem(path)


@pytest.mark.parametrize("name", ["n" * 101, "a\x1b[31mb", "a\nb", "\udcff"], ids=["long", "escape", "line", "bytes"])
def test_a_problem_has_a_name_that_files_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected a name of"):
        load_problem(tmp_path / f"{name}.json")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.json")
    with pytest.raises(BadInput, match="expected a regular file; found a pipe"):
        load_problem(tmp_path / "p.json")


def test_tensors_of_too_many_axes_are_refused(tmp_path: Path) -> None:
    head = json.dumps({"x": {"dtype": "F64", "shape": [1] * 65, "data_offsets": [0, 8]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(8))
    with pytest.raises(BadInput, match="tensor 'x': expected at most 32 axes; found 65"):
        read_tensors(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("text", "said"),
    [("a = " + "[" * 5000, "deeper ones"), (f"a = {'[' * 40}{']' * 40}", "32 deep"), (f"a = {'7' * 5000}", "TOML")],
    ids=["nested without end", "nested deeply", "digits"],
)
@pytest.mark.parametrize("read", [read_toml, load_exclusions])
def test_hostile_toml_is_bad_input(read: Callable[[Path], object], text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(BadInput, match=said):
        read(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('layer = "fc1"', 'layer = "fc{i}"'),
        ('layer = "fc1"', 'layer = "fc{0.__class__}"'),
        ('"encoder.hidden.0"', '"encoder.{i}.{i}"'),
    ],
)
def test_layer_numbers_are_the_only_braces(old: str, new: str, tmp_path: Path) -> None:
    text = (notation_folder("elbostone.implementations.pytorch_examples") / "notation.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "notation.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput, match="expected layer numbers"):
        load_notation(tmp_path / "notation.toml", "mine")


@pytest.mark.parametrize("text", ["-" * 5000 + "x", "(" * 399, f"1{'0' * 399}"], ids=["long", "nested", "number"])
def test_a_hostile_formula_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="expected"):
        read(Formula, text, "here")


def test_a_power_of_whole_numbers_ends() -> None:
    with pytest.raises(ValueError, match="has no value"):
        Formula.read("9 ** 9 ** 9 ** 9").value({})


RECORD = {"schema": 2, "kind": "equality", **CELL.as_json(), "status": "failed", "reason": "why", "adapted": False}
RECORDS: dict[str, tuple[str, str]] = {
    "nested": ("[" * 100_000, "line 1: expected JSON"),
    "no kind": (json.dumps({**RECORD, "kind": []}), "line 1: expected a record"),
    "ok without tensors": (json.dumps({**RECORD, "status": "ok"}), "expected the file of its tensors"),
    "an escape in a cell": (json.dumps({**RECORD, "mode": "\x1b[2J"}), "printable characters"),
    "half a letter": (json.dumps({**RECORD, "status": "\ud800"}), "half of a surrogate pair"),
    "a word without end": (json.dumps({**RECORD, "mode": "m" * 300}), "at most 200"),
    "no UTF-8": ("\udcff", "expected UTF-8"),
}


@pytest.mark.parametrize(("line", "said"), RECORDS.values(), ids=RECORDS)
def test_a_hostile_record_is_bad_input(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(line + "\n", encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=said):
        read_records_of(path, EqualityRecord)


def test_what_a_record_says_is_printable(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text(json.dumps({**RECORD, "reason": "\x1b[2J\ud800 θ"}) + "\n")
    (record,) = read_records_of(tmp_path / "records.jsonl", EqualityRecord)
    assert record.reason == r"\x1b[2J\ud800 θ"


@pytest.mark.parametrize("name", ["../records.jsonl", "/etc/passwd", "..", "a/b", "a\0b"])
def test_the_tensors_of_a_record_are_in_the_folder_of_the_run(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected the name of a file in tensors/"):
        RunFolder(tmp_path).tensors_of(name)


def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path) -> None:
    texts = ["=1+1", "@SUM(A1)", "+cmd", "-cmd|' /C calc'!A0", "\x1b[2J", "-", "a = b"]
    write_table(pd.DataFrame({"text": texts, "number": -np.ones(len(texts))}), tmp_path / "table")
    found = pd.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert found["text"].tolist() == ["'=1+1", "'@SUM(A1)", "'+cmd", "'-cmd|' /C calc'!A0", r"\x1b[2J", "-", "a = b"]
    assert (found["number"] == -1).all(), "a number is no text"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    (tmp_path / "x").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "x", write)
    assert (tmp_path / "x").read_text() == "before"
    assert not list(tmp_path.glob(f"*{UNFINISHED}"))


def test_a_record_is_appended_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that may not grow stands for a full disk."""
    path = tmp_path / "records.jsonl"
    record = EqualityRecord(cell=CELL, status="failed", reason="x" * 1000, adapted=False)
    append_record(path, record)
    pid = os.fork()
    if pid == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100,) * 2)
        try:
            append_record(path, record)
        except OSError as error:
            os._exit(0 if error.filename == str(path) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(read_records(path)) == 1
    assert path.read_bytes().endswith(b"\n")
