"""Every line of an implementation is run by a proof: of claims, or of training where a file trains."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations

#: What `tests/equivalence/test_training.py` and `test_blei.py` run: ordinary training, and two printed algorithms.
TRAINING = {
    "algorithm_1": {"kingma_welling_2013"},
    "minibatches": {"kingma_welling_2013"},
    "call": {"kingma_welling_2013"},  # with minibatches that bring their noise
    "gradient_ascent": {"blei_2017"},
}


@pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("torch", "keras-torch")]
)
def test_every_line_is_run_by_a_proof(backend: str, tmp_path: Path) -> None:
    """One backend of each framework: the files are the same on the others."""
    found = tmp_path / "missed.json"
    subprocess.run([sys.executable, Path(__file__).with_name("covered.py"), backend, found], check=True, timeout=300)
    missed: dict[str, list[int]] = json.loads(found.read_text(encoding="utf-8"))
    assert missed.keys() == notations().keys()
    left = []
    for name, lines in missed.items():
        file = notations()[name].path.with_name(f"{BACKENDS[backend].framework}_vae.py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        left += [f"{name}/{file.name}:{line}" for line in lines if not _proven_elsewhere(tree, name, line)]
    assert not left, "no proof runs:\n" + "\n".join(left)


def _proven_elsewhere(tree: ast.Module, name: str, line: int) -> bool:
    """Whether training runs the line, or it refuses what the source does not define."""
    around = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno]
    functions = [node.name for node in around if isinstance(node, ast.FunctionDef)]
    return any(isinstance(node, ast.Raise) for node in around) or name in TRAINING.get(functions[-1], ())


def test_a_line_that_nothing_runs_is_no_training() -> None:
    tree = ast.parse("def objective(x):\n    return x\n\ndef gradient_ascent(x):\n    return x\n")
    assert not _proven_elsewhere(tree, "blei_2017", 2)
    assert _proven_elsewhere(tree, "blei_2017", 5)
