"""What a run has planned against what it has: parts are found, named, tried again, and never taken for the whole."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elbostone.cli import app
from elbostone.equality.records import EqualityRecord
from elbostone.reference.errors import BadInput
from elbostone.runs.report import MARK
from elbostone.timing.records import RateRecord, SessionRecord
from elbostone.timing.sessions import Runner
from elbostone.workers.packed import unpack
from elbostone.workers.records import Cell, Identity, append_record, identity, read_records_of
from elbostone.workers.run_folder import RETRIES, RunFolder, create_run

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "reports/committed/quick"


def record(backend: str, status: str = "failed", reason: str = "why") -> EqualityRecord:
    cell = Cell("p", "wikipedia", "torch", backend, "cpu", "float64", "eager")
    return EqualityRecord(cell=cell, status=status, reason=reason, adapted=False)  # type: ignore[arg-type]


def key(backend: str) -> Identity:
    return identity(record(backend))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path, {"verb": "check"})


def test_a_run_says_which_part_of_its_plan_it_lacks(folder: RunFolder) -> None:
    folder.plan({"equality": [key("torch"), key("keras-jax")], "throughput": None})
    append_record(folder.records, record("torch"))
    assert folder.lacking() == "equality lacks 1 of 2 records, throughput has not begun"
    append_record(folder.records, record("keras-jax"))
    folder.plan({"throughput": []})
    assert folder.lacking() == ""


def test_a_record_twice_is_no_second_record(folder: RunFolder) -> None:
    folder.plan({"equality": [key("torch"), key("keras-jax")]})
    for _ in range(2):
        append_record(folder.records, record("torch"))
    assert folder.lacking() == "equality lacks 1 of 2 records"


def test_a_phase_that_is_planned_stays_so_when_the_run_goes_on(folder: RunFolder) -> None:
    folder.plan({"throughput": [key("torch")]})
    folder.plan({"equality": [], "throughput": None})
    assert folder.lacking() == "throughput lacks 1 of 1 records"


def test_a_run_of_before_there_were_plans_is_held_against_none(folder: RunFolder) -> None:
    assert folder.lacking() == ""


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        ("the worker ended with signal SIGKILL", True),
        ("MemoryError: ", True),
        ("RuntimeError: [enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory", True),
        ("OSError: [Errno 28] No space left on device", True),
        ("the worker ended with signal SIGSEGV", False),
        ("ValueError: a bug", False),
    ],
)
def test_what_the_environment_made_fail_is_tried_again_three_times(folder: RunFolder, reason: str, again: bool) -> None:
    for tries in range(1, RETRIES + 2):
        append_record(folder.records, record("torch", reason=reason))
        assert (key("torch") in folder.finished()) == (not again or tries > RETRIES)


def test_the_last_record_of_a_cell_is_its_outcome(folder: RunFolder) -> None:
    for reason in ("the worker ended with signal SIGKILL", "a bug"):
        append_record(folder.records, record("torch", reason=reason))
    (found,) = read_records_of(folder.records, EqualityRecord)
    assert found.reason == "a bug"


def test_one_process_at_a_time_writes_to_a_run(folder: RunFolder) -> None:
    """The other one is killed, and holds nothing any more."""
    code = "import sys, time, pathlib; from elbostone.workers.run_folder import RunFolder\n"
    code += "with RunFolder(pathlib.Path(sys.argv[1])).alone(): print(flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-P", "-c", code, str(folder.path)], stdout=subprocess.PIPE)
    assert other.stdout is not None
    with other.stdout:
        other.stdout.readline()
        with pytest.raises(BadInput, match="expected no process at work in this run"), folder.alone():
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    with folder.alone():
        pass


def test_what_a_kill_left_half_written_is_dropped(folder: RunFolder) -> None:
    append_record(folder.records, record("torch"))
    whole = folder.records.read_bytes()
    folder.records.write_bytes(whole + b'{"half')
    (folder.path / ".abc.part").write_text("half a table")
    with folder.alone():
        assert folder.records.read_bytes() == whole
        assert not list(folder.path.glob(".*"))


def test_what_stops_a_run_says_how_it_goes_on(folder: RunFolder) -> None:
    with pytest.raises(KeyboardInterrupt) as stopped, folder.alone():
        raise KeyboardInterrupt
    assert not hasattr(stopped.value, "__notes__"), "there is nothing yet to go on with"
    folder.plan({"equality": [key("torch")]})
    with pytest.raises(KeyboardInterrupt) as stopped, folder.alone():
        raise KeyboardInterrupt
    assert stopped.value.__notes__ == [f"to go on: elbostone check --resume {folder.path}"]


@dataclass(frozen=True)
class Options:
    verb: str
    threads: int


def test_the_options_of_a_run_that_goes_on_are_those_of_its_verb(tmp_path: Path) -> None:
    folder = create_run(tmp_path, {"verb": "run", "threads": "two"})
    with pytest.raises(BadInput, match="expected a run of 'check'; found one of 'run'"):
        folder.order(Options, ("check",))
    with pytest.raises(BadInput, match=r"expected the options of 'run'; found: .*threads"):
        folder.order(Options, ("run",))


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A run without tensors as it is before it is committed: records.jsonl, with a plan of all its cells."""
    shutil.copytree(QUICK, tmp_path / "run")
    committed = RunFolder(tmp_path / "run")
    lines = unpack(committed.packed)
    committed.packed.unlink()
    committed.records.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    committed.plan({"equality": [identity(d) for d in map(json.loads, lines) if d["kind"] == "equality"]})
    return committed.path


def test_a_report_of_a_part_says_so_and_replaces_no_table_of_more(unpacked: Path) -> None:
    records, table = unpacked / "records.jsonl", unpacked / "equivalence.parquet"
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(lines[: len(lines) // 2]))
    (unpacked / "tensors").mkdir()
    before = table.read_bytes()
    done = CliRunner().invoke(app, ["report", str(unpacked)])
    assert done.exit_code == 1
    assert "cells without a record: the tables are left as they are" in done.stderr
    assert "equality lacks " in done.stderr
    assert table.read_bytes() == before


def test_a_report_without_the_tables_marks_those_that_it_writes(folder: RunFolder) -> None:
    folder.plan({"equality": [key("torch")], "throughput": None})
    folder.records.touch()
    (folder.path / "tensors").mkdir()
    for _ in range(2):
        done = CliRunner().invoke(app, ["report", str(folder.path)])
        assert done.exit_code == 1
        assert "incomplete: equality lacks 1 of 1 records, throughput has not begun" in done.stderr
        text = (folder.path / "equivalence.md").read_text()
        assert text.splitlines()[2].startswith(MARK)
        assert text.count(MARK) == 1
    assert not (folder.path / "index.html").exists(), "a page of a part would stand in for one of the whole"


def test_a_comparison_with_a_part_is_a_negative_outcome(unpacked: Path) -> None:
    whole = CliRunner().invoke(app, ["compare", str(QUICK), str(unpacked)])
    assert whole.exit_code == 0, whole.output
    RunFolder(unpacked).plan({"A/A": None})
    part = CliRunner().invoke(app, ["compare", str(QUICK), str(unpacked)])
    assert part.exit_code == 1
    assert f"incomplete: {unpacked}: A/A has not begun" in part.stderr


def test_a_session_that_goes_on_does_not_say_again_what_it_measured_beside(folder: RunFolder) -> None:
    def runner() -> Runner:
        return Runner(folder.path, 1.0, 1, (), 10.0, lambda record: None, folder.path)

    def measured() -> list[SessionRecord | RateRecord]:
        about = {"backend": "torch", "device": "cpu", "number": 1}
        rate = {"operation": "product", "shape": (2, 3, 4), "dtype": "float32", "library": "torch", "route": "mm"}
        started = time.time()
        return [
            SessionRecord(**about, versions={}, import_s=started, session="torch-cpu"),  # type: ignore[arg-type]
            SessionRecord(**about, versions={}, import_s=started, session="torch-cpu-x64"),  # type: ignore[arg-type]
            RateRecord(**about, **rate, seconds=started, rounds_ns=[1]),  # type: ignore[arg-type]
        ]

    for _ in range(2):  # two processes of one session, in a run that goes on
        one = runner()
        for each in (*measured(), *measured()):
            one._write_once(each)
    assert len(folder.records.read_text().splitlines()) == 3
