"""What may be imported where: definition and execution need NumPy and safetensors, a worker its framework as well."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.definition.problem import Problem, load_problem, save_problem
from elbostone.definition.registry import choose
from elbostone.definition.spec import Spec
from elbostone.definition.weights import weight_shapes
from elbostone.execution.plan import Selection, plan_cells

FRAMEWORKS = ("torch", "keras", "tensorflow", "jax")
# Analysis, report, data and the command line have these to themselves.
TABLES = ("pandas", "pyarrow", "scipy", "sklearn", "typer", "rich", "tabulate", "matplotlib")
# What drives a framework imports it, and only a worker imports that.
BINDINGS = ("keras", "keras_jax", "keras_tensorflow", "keras_torch", "on_torch", "pytorch")
#: What timing and theta need of a framework beside its binding.
TIMED = ("on_jax", "on_keras", "on_keras_torch", "on_tensorflow", "on_torch", "torch_epoch")
THETA = ("on_jax", "on_keras", "on_tensorflow", "on_torch")
TUNING = (
    *("jax_steps", "jax_training", "tensorflow_steps", "tensorflow_training"),
    *("torch_calls", "torch_exported", "torch_steps", "torch_training"),
)

# What drives a peer imports it.
PEERS = ("numpyro_vae", "on_torch", "pyro_vae", "pythae_vae", "tfp_vae")

# As though they were not installed: an import raises, and a library that only asks whether they are there is told no.
BLOCK = """
import importlib, pkgutil, sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {blocked!r} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""
IMPORT_ALL = """
import elbostone
for package in {packages!r}:
    top = importlib.import_module(package)
    for module in pkgutil.walk_packages(top.__path__, package + "."):
        if module.name not in {left_out!r}:
            importlib.import_module(module.name)
            print(module.name)
"""
WORK = """
from elbostone.execution.worker import main
main([{job!r}])
"""


def run(source: str, folder: Path) -> list[str]:
    """Lines that a fresh interpreter prints; it fails the test with its traceback."""
    done = subprocess.run([sys.executable, "-c", source], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_block_blocks(tmp_path: Path) -> None:
    source = BLOCK.format(blocked={"json"}) + "try:\n    import json.decoder\nexcept ImportError:\n    print('blocked')"
    assert run(source, tmp_path) == ["blocked"]


def test_definition_and_execution_import_no_framework_and_no_tables(tmp_path: Path) -> None:
    block = BLOCK.format(blocked={*FRAMEWORKS, *TABLES})
    left_out = {f"elbostone.execution.bindings.{name}" for name in BINDINGS}
    left_out |= {f"elbostone.execution.bench.{name}" for name in TIMED}
    left_out |= {f"elbostone.execution.theta.{name}" for name in THETA}
    left_out |= {f"elbostone.execution.tuning.{name}" for name in TUNING}
    left_out |= {f"elbostone.execution.peers.{name}" for name in PEERS}
    packages = ["elbostone.definition", "elbostone.execution"]
    imported = run(block + IMPORT_ALL.format(packages=packages, left_out=left_out), tmp_path)
    for name in ("definition.oracle", "definition.registry", "execution.plan", "execution.compute", "execution.worker"):
        assert f"elbostone.{name}" in imported


def test_analysis_and_report_import_no_framework(tmp_path: Path) -> None:
    block = BLOCK.format(blocked=set(FRAMEWORKS))
    packages = ["elbostone.analysis", "elbostone.report"]
    assert run(block + IMPORT_ALL.format(packages=packages, left_out=set()), tmp_path)


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    spec = Spec("mlp", "bernoulli", "standard", "relu", (3,), data_dim=4, latent_dim=2)
    random = np.random.default_rng(0)
    weights = {name: random.standard_normal(shape) for name, shape in weight_shapes(spec).items()}
    problem = Problem("tiny", spec, random.random((5, 4)), random.standard_normal((1, 5, 2)), weights)
    return save_problem(problem, tmp_path)


@pytest.mark.backend("torch")
def test_worker_runs_a_cell_without_tables(tmp_path: Path, problem_file: Path) -> None:
    """As on a bare GPU machine: NumPy, safetensors and torch."""
    selection = Selection(tuple(choose(["pytorch_examples"])), backends=("torch",))
    plan = plan_cells(load_problem(problem_file), problem_file, selection)
    records, tensors, job = tmp_path / "records.jsonl", tmp_path / "tensors", tmp_path / "job.json"
    tensors.mkdir()
    document: dict[str, Any] = {"backend": "torch", "device": "cpu", "records": str(records), "tensors": str(tensors)}
    document |= {"cpus": sorted(os.sched_getaffinity(0)), "cells": [task.as_json() for task in plan.tasks]}
    job.write_text(json.dumps(document), encoding="utf-8")

    run(BLOCK.format(blocked={*TABLES, "keras", "tensorflow", "jax"}) + WORK.format(job=str(job)), tmp_path)

    [record] = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    assert record["status"] == "ok", record["reason"]
    assert (tensors / record["tensors"]).exists()
