"""What may be imported where: definition and execution need NumPy, safetensors and msgspec, a worker its framework."""

import json
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules

import msgspec
import numpy as np
import pytest

from elbostone import page
from elbostone.equality.plan import plan_cells
from elbostone.equality.records import EqualityRecord
from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import Problem, load_problem, save_problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_shapes
from elbostone.workers.jobs import Job
from elbostone.workers.records import EQUALITY, as_record
from elbostone.workers.selection import Selection
from elbostone.workers.tasks import TasksAsked

FRAMEWORKS = ("torch", "keras", "tensorflow", "jax")
# Judges, tables, data and the command line have these to themselves.
TABLES = ("pandas", "pyarrow", "scipy", "sklearn", "typer", "rich", "tabulate")
# The files that import a framework or another library, or what draws a page; they are imported when one is needed.
DRIVERS = {
    "backends": ("keras", "keras_jax", "keras_tensorflow", "keras_torch", "on_torch", "pytorch"),
    "explain.measure": (
        "jax_function",
        "jax_gradients",
        "jax_model",
        "jax_programs",
        "jaxprs",
        "keras_built",
        "keras_call",
        "keras_fit",
        "keras_names",
        "keras_torch_model",
        "on_jax",
        "on_numpyro",
        "on_pyro",
        "on_tensorflow",
        "on_torch",
        "tensorflow_model",
        "torch_model",
        "torch_recording",
    ),
    "page": tuple(module.name for module in iter_modules(page.__path__) if module.name != "extra"),
    "theta.measure": ("on_keras", "on_torch"),
    "timing.measure": ("on_jax", "on_keras", "on_keras_torch", "on_tensorflow", "on_torch"),
    "timing.recipes": ("jax_recipes", "tensorflow_recipes", "torch_exported", "torch_recipes"),
    "timing.libraries": ("numpyro_vae", "on_torch", "pyro_vae", "pythae_vae", "tfp_vae"),
}
DRIVING = {f"elbostone.{room}.{name}" for room, names in DRIVERS.items() for name in names}
# What a worker may import, whatever it is asked.
IN_WORKERS = (
    *("reference", "notations", "backends", "workers"),
    *("equality.measure", "claims.measure", "theta.measure", "explain.measure"),
    *("timing.measure", "timing.recipes", "timing.libraries"),
)

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
    print(package)
    for module in pkgutil.walk_packages(getattr(top, "__path__", []), package + "."):
        if module.name not in {left_out!r} and ".implementations" not in module.name and ".__main__" not in module.name:
            importlib.import_module(module.name)
            print(module.name)
"""
WORK = """
from elbostone.workers.child import main
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


def test_what_a_worker_imports_needs_no_framework_and_no_tables(tmp_path: Path) -> None:
    block = BLOCK.format(blocked={*FRAMEWORKS, *TABLES})
    rooms = [f"elbostone.{name}" for name in IN_WORKERS]
    imported = run(block + IMPORT_ALL.format(packages=rooms, left_out=DRIVING), tmp_path)
    for name in ("reference.oracle", "notations.registry", "equality.measure", "workers.evaluation", "workers.child"):
        assert f"elbostone.{name}" in imported


def test_nothing_but_its_drivers_imports_a_framework(tmp_path: Path) -> None:
    block = BLOCK.format(blocked=set(FRAMEWORKS))
    imported = run(block + IMPORT_ALL.format(packages=["elbostone"], left_out=DRIVING), tmp_path)
    for name in ("cli", "runs.run", "timing.judge.throughput", "theta.judge.answer", "claims.command"):
        assert f"elbostone.{name}" in imported


@pytest.mark.backend("torch")
def test_what_is_torchs_imports_no_other_framework(tmp_path: Path) -> None:
    """Its own environment has Keras as well, for Keras on torch."""
    block = BLOCK.format(blocked={"keras", "tensorflow", "jax"})
    others = ("keras", "jax", "tensorflow", "on_keras", "on_jax", "on_tensorflow", "numpyro", "tfp")
    others += ("on_numpyro", "on_pyro")
    left_out = {
        name
        for name in DRIVING
        if name.rpartition(".")[2].startswith(others) or name.split(".")[1] == "page" or ".libraries." in name
    }
    sources = "".join(f"importlib.import_module('{package}.torch_vae')\n" for package in packages().values())
    imported = run(block + IMPORT_ALL.format(packages=["elbostone"], left_out=left_out) + sources, tmp_path)
    for name in ("backends.pytorch", "timing.recipes.torch_recipes", "workers.child"):
        assert f"elbostone.{name}" in imported


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
    parts = (("equality.measure", TasksAsked(plan.tasks, str(tensors))),)
    what = Job("torch", parts=parts)
    job.write_bytes(msgspec.json.encode(what))

    blocked = {*TABLES, "keras", "tensorflow", "jax", "pytest", "pytest_benchmark"}
    imported = run(BLOCK.format(blocked=blocked) + WORK.format(job=str(job)), tmp_path)

    found = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    found = [as_record(document, EqualityRecord) for document in found if document["kind"] == EQUALITY]
    assert len(found) == len(plan.tasks) > len(notations()) / 2
    for record in found:
        assert record.status == "ok", record.reason
        assert (tensors / str(record.tensors)).exists()
    others = ("elbostone.api", "elbostone.timing", "elbostone.claims", "elbostone.theta.measure")
    assert not [name for name in imported if name.startswith(others)], "a worker imports what it is asked for"
