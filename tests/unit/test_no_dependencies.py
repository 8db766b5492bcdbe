"""What may be imported where: definition and execution need NumPy, safetensors and msgspec, a worker its framework."""

import json
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np
import pytest

from elbostone.definition.problem import Problem, load_problem, save_problem
from elbostone.definition.registry import notations, packages
from elbostone.definition.spec import Spec
from elbostone.definition.weights import weight_shapes
from elbostone.execution.cells import EqualityRecord
from elbostone.execution.jobs import Job
from elbostone.execution.plan import plan_cells
from elbostone.execution.records import EQUALITY, as_record
from elbostone.execution.selection import Selection
from elbostone.execution.tasks import part_of

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
from elbostone.execution.child import main
main({job!r})
print(*(name for name in sys.modules if name.startswith("elbostone.")))
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
    rooms = ["elbostone.definition", "elbostone.execution"]
    imported = run(block + IMPORT_ALL.format(packages=rooms, left_out=left_out), tmp_path)
    for name in ("definition.oracle", "definition.registry", "execution.plan", "execution.compute", "execution.child"):
        assert f"elbostone.{name}" in imported


def test_analysis_and_report_import_no_framework(tmp_path: Path) -> None:
    block = BLOCK.format(blocked=set(FRAMEWORKS))
    rooms = ["elbostone.analysis", "elbostone.report"]
    assert run(block + IMPORT_ALL.format(packages=rooms, left_out=set()), tmp_path)


@pytest.mark.backend("torch")
def test_what_is_torchs_imports_no_other_framework(tmp_path: Path) -> None:
    """Its own environment has Keras as well, for Keras on torch."""
    block = BLOCK.format(blocked={"keras", "tensorflow", "jax"})
    others = ("keras", "jax", "tensorflow", "on_keras", "on_jax", "on_tensorflow", "numpyro", "tfp")
    executed = "elbostone.execution"
    names = [module.name for module in pkgutil.walk_packages(import_module(executed).__path__, f"{executed}.")]
    left_out = {name for name in names if name.rpartition(".")[2].startswith(others) or ".peers." in name}
    sources = "".join(f"importlib.import_module('{package}.torch_vae')\n" for package in packages().values())
    imported = run(block + IMPORT_ALL.format(packages=[executed], left_out=left_out) + sources, tmp_path)
    for name in ("bindings.pytorch", "tuning.torch_steps", "child"):
        assert f"{executed}.{name}" in imported


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    spec = Spec("mlp", "bernoulli", "standard", "relu", (3,), data_dim=4, latent_dim=2)
    random = np.random.default_rng(0)
    weights = {name: random.standard_normal(shape) for name, shape in weight_shapes(spec).items()}
    problem = Problem("tiny", spec, random.random((5, 4)), random.standard_normal((1, 5, 2)), weights)
    return save_problem(problem, tmp_path)


@pytest.mark.backend("torch")
def test_worker_runs_all_notations_without_tables(tmp_path: Path, problem_file: Path) -> None:
    """As on a bare GPU machine: NumPy, safetensors and torch."""
    selection = Selection(tuple(notations().values()), backends=("torch",))
    plan = plan_cells(load_problem(problem_file), problem_file, selection)
    records, tensors, job = tmp_path / "records.jsonl", tmp_path / "tensors", tmp_path / "job.json"
    tensors.mkdir()
    what = Job("torch", "cpu", sorted(os.sched_getaffinity(0)), str(records), (part_of(plan.tasks, str(tensors)),))
    job.write_bytes(msgspec.json.encode(what))

    blocked = {*TABLES, "keras", "tensorflow", "jax", "pytest", "pytest_benchmark"}
    imported = run(BLOCK.format(blocked=blocked) + WORK.format(job=str(job)), tmp_path)

    found = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    found = [as_record(document, EqualityRecord) for document in found if document["kind"] == EQUALITY]
    assert len(found) == len(plan.tasks) > len(notations()) / 2
    for record in found:
        assert record.status == "ok", record.reason
        assert (tensors / str(record.tensors)).exists()
    others = ("elbostone.execution.bench", "elbostone.execution.claims", "elbostone.execution.theta")
    assert not [name for name in imported if name.startswith(others)], "a worker imports what it is asked for"
