"""`elbostone bench --profile`: the framework's trace of a proven timing, and of no other."""

import gzip
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench.copies import copied
from planted_folder import marked, plant

from elbostone import cli
from elbostone.timing import command as command
from elbostone.timing.command import find_timing
from elbostone.timing.measure.profiling import CALLS
from elbostone.workers.records import read_records

LAYERS = 3
"""Matrix products of an encoder."""


def key_of(backend: str, mode: str = "eager") -> str:
    return f"encoder-digits-128-pytorch_examples-{backend}-cpu-float32-{mode}"


@pytest.fixture
def profiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`bench --profile KEY`: (exit code, stdout, stderr, the run folders)."""
    marks = plant(tmp_path, monkeypatch)

    def run(key: str, *options: str) -> tuple[int, str, str, list[Path]]:
        monkeypatch.setattr(sys, "argv", ["elbostone", "bench", "--profile", key, "--out", "out", *options])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        assert marked(marks) == [], "a file of the folder in which it runs was imported"
        assert isinstance(stop.value.code, int)
        return stop.value.code, printed.out, printed.err, list(Path("out").glob("*"))

    return run


def events(place: Path) -> Counter[str]:
    """The number of events by name in a trace of torch."""
    found = json.loads((place / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    # Each step is repeated on the time line of annotations.
    return Counter(event["name"] for event in found if event.get("cat") != "gpu_user_annotation")


def test_the_trace_is_of_the_framework_and_of_warm_calls_alone(backend: str, profiled: Any) -> None:
    key = key_of(backend)
    code, out, err, (folder,) = profiled(key)
    assert code == 0, out + err
    place = folder / "profile" / key
    assert f"trace of {CALLS} warm calls: out/{folder.name}/profile/{key}\n" in out
    (record,) = read_records(folder / "records.jsonl")
    assert (record["kind"], record["status"], record["calls"]) == ("profile", "ok", CALLS)
    assert record["active"]["backend"] == backend
    assert record["files"] == sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())
    assert json.loads((folder / "run.json").read_text())["options"]["cell"] == key
    if backend.endswith("torch"):
        found = events(place)
        assert found["call"] == CALLS
        assert found["aten::addmm"] + found["aten::mm"] == LAYERS * CALLS, found
        assert "https://ui.perfetto.dev" in out
        assert "Self CPU" in out, "the framework's own table"
        assert "Self CPU" in (place / "operations.txt").read_text()
        return
    (xplane,) = place.rglob("*.xplane.pb")
    assert f"tensorboard --logdir out/{folder.name}/profile/{key}\n" in out
    assert b"call" in xplane.read_bytes()
    assert {"keras-tensorflow": b"MatMul", "keras-jax": b"dot"}[backend] in xplane.read_bytes()
    if backend == "keras-jax":
        (trace,) = place.rglob("*.trace.json.gz")
        names = Counter(e.get("name") for e in json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"])
        assert names["call"] == CALLS
        assert f"{trace.name} at https://ui.perfetto.dev" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("return self.fc21(h1), 1.001 * self.fc22(h1)", "differs: KEY: posterior_log_variance["),
        ("import os; os.abort()", "failed: KEY: the session ended with signal SIGABRT"),
    ],
    ids=["differs", "crash"],
)
def test_what_is_not_proven_is_not_traced(
    line: str, said: str, profiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = find_timing(key_of("torch"))
    copy = copied(tmp_path, monkeypatch, "wrong", "return self.fc21(h1), self.fc22(h1)", line)
    wrong = replace(timing, package="wrong", notation_file=str(copy.path))
    monkeypatch.setattr(command, "find_timing", lambda key: wrong)
    code, out, _, (folder,) = profiled(timing.key)
    assert code == 1
    assert out.startswith(said.replace("KEY", timing.key))
    assert out.count("\n") == 1
    (record,) = read_records(folder / "records.jsonl")
    assert (record["status"], record["files"]) == ("failed", [])
