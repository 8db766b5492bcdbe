"""Weights: canonical → a model of each backend → canonical is bit-exact, so that torch → canonical → Keras is too."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from elbostone.reference.problem import load_problem, read_tensors
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job

EXACT = Path(__file__).parent.parent / "exact"
CASES = [
    ("conv-oblong", "keras_io"),
    ("gaussian-relu", "kingma_welling_2013"),
    ("learned-prior-deep", "kingma_welling_2019"),
    ("binary-tanh", "pytorch_examples"),
]


DTYPES = ("float64", "float32")


@pytest.fixture(scope="module")
def read_back(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Backend → the folder with what came out of each model, `NOTATION-DTYPE.safetensors`: made once."""

    @cache
    def run(backend: str) -> Path:
        folder = tmp_path_factory.mktemp(backend)
        job = [
            (str(EXACT / f"{case}.json"), notation, dtype, str(folder / f"{notation}-{dtype}.safetensors"))
            for case, notation in CASES
            for dtype in DTYPES
        ]
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("round_trip.py")), backend, str(folder / "job.json")],
            env=worker_environment(Job(backend), folder),
            check=True,
            capture_output=True,
        )
        return folder

    return run


@pytest.mark.parametrize(("case", "notation"), CASES, ids=[notation for _, notation in CASES])
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip_is_bit_exact(
    backend: str, case: str, notation: str, dtype: str, read_back: Callable[[str], Path]
) -> None:
    found = read_tensors(read_back(backend) / f"{notation}-{dtype}.safetensors")
    weights = load_problem(EXACT / f"{case}.json").weights
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        np.testing.assert_array_equal(found[name], weight.astype(dtype), err_msg=name)
