"""A notation of another distribution is found by its entry point, and executed like the ones that ship."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.reference.oracle import evaluate
from elbostone.reference.problem import Problem, save_problem
from elbostone.reference.spec import Spec
from elbostone.reference.tensors import TERMS
from elbostone.reference.weights import weight_shapes

EXAMPLE = Path(__file__).parent / "example"
NOTATION = "example_swapped"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which the example is installed: its package and its metadata are on Python's path."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = tmp_path / "site" / f"elbostone_example-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(head, encoding="utf-8")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = [str(metadata.parent), str(EXAMPLE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}


def elbostone(*arguments: str, environment: dict[str, str], folder: Path) -> Any:
    """What the command line prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "elbostone", *arguments, "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_list_has_the_notation(environment: dict[str, str], tmp_path: Path) -> None:
    listed = {n["notation"] for n in elbostone("list", environment=environment, folder=tmp_path)["notations"]}
    assert NOTATION in listed
    without = elbostone("list", environment=dict(os.environ), folder=tmp_path)["notations"]
    assert listed - {n["notation"] for n in without} == {NOTATION}


BROKEN = {
    "a taken id": ("pytorch_examples = elbostone_example", "the id is taken by elbostone.implementations"),
    "no package": ("mine = nowhere.at_all", "ModuleNotFoundError"),
    "no notation": ("mine = json", "expected a file notation.toml"),
    "no name": ("mine = 1 + 1:x", "mine"),
}


@pytest.mark.parametrize(("line", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_one_costs_the_others_nothing(
    line: str, said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    [points] = tmp_path.glob("site/*/entry_points.txt")
    points.write_text(f"{points.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    command = [sys.executable, "-m", "elbostone", "list", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    listed = {n["notation"] for n in json.loads(done.stdout)["notations"]}
    assert {NOTATION, "pytorch_examples"} <= listed
    assert "mine" not in listed
    assert done.stderr.startswith("warning: entry point elbostone.notations:")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_its_copy_names_the_distribution_that_it_comes_from(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "elbostone", "copy", NOTATION, "--framework", "torch"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head = done.stdout.partition('"""')[0]
    assert "example_swapped/torch_vae.py of elbostone-example 1.0, " in " ".join(head.replace("\n#", "").split())
    assert head.endswith("# Licence: that of elbostone-example.\n")
    assert "K = 8\n    model = Example(V=images.shape[1], J=32, K=K, activation=" in done.stdout


def test_a_worker_evaluates_it(backend: str, environment: dict[str, str], tmp_path: Path) -> None:
    spec = Spec("mlp", "bernoulli", "standard", "tanh", (5,), data_dim=7, latent_dim=3)
    random = np.random.default_rng(0)
    weights = {name: random.standard_normal(shape) for name, shape in weight_shapes(spec).items()}
    problem = Problem("tiny", spec, random.random((4, 7)), random.standard_normal((2, 4, 3)), weights)
    file = save_problem(problem, tmp_path)

    command = ("evaluate", str(file), "--notation", NOTATION, "--backend", backend, "--gradients")
    [record] = elbostone(*command, environment=environment, folder=tmp_path)["records"]

    assert record["status"] == "ok", record["reason"]
    assert not record["adapted"]
    truth = evaluate(problem)
    for term in TERMS:
        if term in ("elbo_monte_carlo", "iwae"):
            assert record["terms"][term] is None, f"{NOTATION} defines no {term}"
            continue
        np.testing.assert_allclose(record["terms"][term], truth[term], rtol=1e-12, err_msg=f"{backend}: {term}")
    assert record["gradients"].keys() == weight_shapes(spec).keys()
    for name, gradient in record["gradients"].items():
        np.testing.assert_allclose(
            gradient, truth[f"gradient/{name}"], rtol=1e-10, atol=1e-12, err_msg=f"{backend}: gradient of {name}"
        )
