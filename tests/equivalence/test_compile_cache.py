"""Workers share what JAX compiled: the next one finds it, what is half written is compiled anew, no number changes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from equivalence.cells import run_and_judge

from elbostone.notations.registry import notations
from elbostone.reference.problem import read_tensors
from elbostone.workers import environment
from elbostone.workers.selection import Selection

CASE = Path(__file__).parent.parent / "exact" / "binary-tanh.json"


def tensors_of_a_run(folder: Path) -> dict[str, np.ndarray]:
    """What a new worker made of one cell, which is equal to the definition."""
    notation = notations()["pytorch_examples"]
    selection = Selection((notation,), ("keras-jax",), "cpu", ("float64",), ("eager",), gradients=False)
    _, (record,) = run_and_judge(folder, [CASE], selection)
    assert record.status == "ok", record.reason
    return read_tensors(folder / "tensors" / str(record.tensors))


@pytest.mark.backend("keras-jax")
def test_what_a_worker_compiled_the_next_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(environment, "compile_cache", lambda: cache)
    first = tensors_of_a_run(tmp_path / "first")
    entries = {path: path.read_bytes() for path in cache.rglob("*-cache")}
    assert len(entries) > 10
    second = tensors_of_a_run(tmp_path / "second")
    assert set(cache.rglob("*-cache")) == set(entries), "nothing was compiled anew"
    for path, content in entries.items():
        path.write_bytes(content[: len(content) // 2])
    third = tensors_of_a_run(tmp_path / "third")
    for again in (second, third):
        assert again.keys() == first.keys()
        assert all(np.array_equal(again[name], first[name]) for name in first)


def test_the_folder_goes_with_the_process() -> None:
    code = "from elbostone.workers.environment import compile_cache as c; print(c() if c().is_dir() else '')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert folder.is_absolute()
    assert not folder.exists()
