"""Each file that `elbostone copy` writes trains, in a Python that has no elbostone: its objective gets better."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations
from elbostone.notations.standalone import standalone

# Runs each file as a script, one after the other in one process, and prints what each of them printed.
SCRIPT = """
import contextlib, io, json, runpy, sys, traceback
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "elbostone" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
printed = {}
for file in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as lines:
        try:
            runpy.run_path(file, run_name="__main__")
        except Exception:
            traceback.print_exc(file=lines)
    printed[file] = lines.getvalue()
print(json.dumps(printed))
"""
#: TensorFlow and JAX compile each model for seconds: there a file or two stand for all, which Keras on torch runs.
FEW = {"keras-tensorflow": ("kingma_welling_2013", "keras_io"), "keras-jax": ("kingma_welling_2013",)}
COPIES = [
    pytest.param(name, backend.name, marks=pytest.mark.backend(backend.name))
    for backend in BACKENDS.values()
    for name in FEW.get(backend.name, tuple(notations()))
]
#: Of the first epoch's objective, how much the last one's is better by at least.
GAIN = 0.2
Train = Callable[..., Mapping[str, str]]


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Copy files into an empty folder and run them in a backend: name → what was printed."""
    found: dict[str, Mapping[str, str]] = {}

    def run(backend: str, texts: Mapping[str, str]) -> Mapping[str, str]:
        folder = tmp_path_factory.mktemp("copies")
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        environment = {**os.environ, "KERAS_BACKEND": backend.removeprefix("keras-"), "CUDA_VISIBLE_DEVICES": "-1"}
        environment["OMP_NUM_THREADS"] = "1"  # threads of so small products wait for each other, where CPUs are shared
        done = subprocess.run(
            [sys.executable, "-P", "-c", SCRIPT, *(f"{name}.py" for name in texts)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {Path(file).stem: text for file, text in json.loads(done.stdout.splitlines()[-1]).items()}

    def once(backend: str, texts: Mapping[str, str] | None = None) -> Mapping[str, str]:
        if texts is not None:
            return run(backend, texts)
        if backend not in found:
            names = [param.values[0] for param in COPIES if param.values[1] == backend]
            copies = {name: standalone(notations()[name], BACKENDS[backend].framework) for name in names}
            found[backend] = run(backend, copies)
        return found[backend]

    return once


def gain(printed: str, sense: str) -> float:
    """By how much of the first epoch's objective the last one's is better. Raises where none was printed."""
    first, *_, last = (float(number) for number in re.findall(r"(?:imised: |\bloss: )(-?[\d.]+)", printed))
    return (last - first if sense == "maximised" else first - last) / abs(first)


@pytest.mark.parametrize(("name", "runs_on"), COPIES)
def test_the_bound_rises(name: str, runs_on: str, train: Train) -> None:
    printed = train(runs_on)[name]
    assert "Traceback" not in printed, printed
    sense = notations()[name].objective.sense if runs_on == "torch" else "minimised"  # Keras minimises
    assert gain(printed, sense) > GAIN, printed


@pytest.mark.backend("torch")
def test_a_wrong_copy_is_found(train: Train) -> None:
    """One that imports elbostone, one that descends where it should ascend, and one whose gradient is cut."""
    text = standalone(notations()["kingma_welling_2013"], "torch")
    wrong = {
        "imports": text.replace("import math\n", "import math\n\nimport elbostone\n", 1),
        "descends": text.replace(", maximize=True)\n    for epoch", ")\n    for epoch"),
        "cut": text.replace("optimizer.step()\n            found", "found"),
    }
    assert all(other != text for other in wrong.values())
    printed = train("torch", wrong)
    assert "No module named 'elbostone'" in printed["imports"]
    assert gain(printed["descends"], "maximised") < 0
    assert abs(gain(printed["cut"], "maximised")) < GAIN / 10
