"""What tests share: the generator of the exact cases, which imports nothing of the suite, and an answer to θ."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from elbostone.notations.registry import notations
from elbostone.reference.arithmetic import Exact
from elbostone.reference.problem import Problem
from elbostone.reference.truth import Truth
from elbostone.theta import expected as reference
from elbostone.theta.cases import all_cases, evaluations
from elbostone.theta.judge.answer import Answer, Expected, answer_of
from elbostone.theta.judge.sources import source_line
from elbostone.theta.judge.trained import scores
from elbostone.theta.plan import REGIMES
from elbostone.theta.trainings import load_trained


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "exact"))
    return importlib.import_module("generate")


@pytest.fixture(scope="session")
def answer() -> Answer:
    """With one backend that computes what the definition does, and no trained VAE."""
    tensors = {
        f"{case.name}/{e.key}/{name}": tensor[0]
        for case in all_cases()
        for e in evaluations(case)
        for name, tensor in reference.evaluate(case, e, Exact()).items()
    }
    # measured ones would take longer; an exact zero has none
    tolerances = {name: 1e-12 * bool(np.any(tensor)) for name, tensor in tensors.items()}
    problem = Problem("none", REGIMES[0].spec, np.zeros((1, 64)), np.zeros((1, 1, 8)), {})
    trained = load_trained()
    lines = [source_line(notation, ()) for notation in notations().values()]
    expected = Expected(Truth(tensors, tolerances, "float64"), Truth({}, {}, "float64"), problem)
    return answer_of(expected, {"torch": tensors}, {}, scores(trained.records), trained.origin, lines)
