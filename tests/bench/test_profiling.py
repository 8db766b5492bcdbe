"""`elbostone bench --profile`: the framework's own trace of what was first proven, and of nothing else."""

import gzip
import json
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

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
    monkeypatch.chdir(tmp_path)

    def run(key: str, *options: str) -> tuple[int, str, str, list[Path]]:
        monkeypatch.setattr(sys, "argv", ["elbostone", "bench", "--profile", key, "--out", "out", *options])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, printed.out, printed.err, list((tmp_path / "out").glob("*"))

    return run


def events(place: Path) -> Counter[str]:
    """How often each name stands in a trace of torch."""
    found = json.loads((place / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    # Each step is there once more on the time line of annotations.
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


@pytest.mark.parametrize("last_step", ["inference", "no-such"])  # the first is there on any processor
def test_a_tuned_cell_is_traced_at_its_step(last_step: str, profiled: Any) -> None:
    key = f"encoder-784-400-20-128-pytorch_examples-torch-cpu-float32-tuned-{last_step}"
    code, out, err, folders = profiled(key)
    if last_step == "inference":
        assert code == 0, out + err
        assert events(folders[0] / "profile" / key)["call"] == CALLS
    else:
        assert (code, out, folders) == (2, "", [])
        assert "expected a timing, the closest known are " in err
        assert "-float32-tuned-" in err
        assert err.endswith(f"found '{key}'\n")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("return self.fc21(h1), 1.001 * self.fc22(h1)", "differs: KEY: posterior_log_variance["),
        ("import os; os.abort()", "failed: KEY: the session ended with signal SIGABRT"),
        ("raise MemoryError('no room')", "failed: KEY: MemoryError: no room"),
    ],
    ids=["differs", "crash", "exception"],
)
def test_what_is_not_proven_is_not_traced(
    line: str, said: str, profiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = find_timing(key_of("torch"))
    source = Path(timing.notation_file).parent
    shutil.copytree(source, tmp_path / "wrong")
    file = tmp_path / "wrong" / "torch_vae.py"
    text, right = file.read_text(encoding="utf-8"), "return self.fc21(h1), self.fc22(h1)"
    assert text.count(right) == 1
    file.write_text(text.replace(right, line), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    wrong = replace(timing, package="wrong", notation_file=str(tmp_path / "wrong" / "notation.toml"))
    monkeypatch.setattr(command, "find_timing", lambda key: wrong)
    code, out, _, (folder,) = profiled(timing.key)
    assert code == 1
    assert out.startswith(said.replace("KEY", timing.key))
    assert out.count("\n") == 1
    (record,) = read_records(folder / "records.jsonl")
    assert (record["status"], record["files"]) == ("failed", [])
