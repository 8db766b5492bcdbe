"""Weights: canonical → a model of each backend → canonical is bit-exact, so that torch → canonical → Keras is too."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from elbostone.definition.problem import load_problem, read_tensors
from elbostone.execution.environment import worker_environment

EXACT = Path(__file__).parent.parent / "exact"
CASES = [
    ("conv-oblong", "keras_io"),
    ("gaussian-relu", "kingma_welling_2013"),
    ("learned-prior-deep", "kingma_welling_2019"),
    ("binary-tanh", "pytorch_examples"),
]


@pytest.mark.parametrize(("case", "notation"), CASES, ids=[notation for _, notation in CASES])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_round_trip_is_bit_exact(backend: str, case: str, notation: str, dtype: str, tmp_path: Path) -> None:
    problem_file, out = EXACT / f"{case}.json", tmp_path / "weights.safetensors"
    script = Path(__file__).with_name("round_trip.py")
    subprocess.run(
        [sys.executable, str(script), backend, str(problem_file), notation, dtype, str(out)],
        env=worker_environment(backend, "cpu", 1, tmp_path, compiled_once=True),
        check=True,
        capture_output=True,
    )
    found = read_tensors(out)
    weights = load_problem(problem_file).weights
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        np.testing.assert_array_equal(found[name], weight.astype(dtype), err_msg=name)
