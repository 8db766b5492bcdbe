"""docs/performance.md: every recipe runs, has at most fifteen lines, and computes the same as the plain model."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.timing.recipes.table import steps_of
from elbostone.timing.workloads import WORKLOADS
from elbostone.workers.machine import keeps_float32

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
SECTIONS = {"torch": "torch", "keras-tensorflow": "Keras on TensorFlow", "keras-jax": "Keras on JAX"}
LINES = 15
NO_STEPS = {"autocast", "onednn", "exported", "inference", "logits", "graph", "jit", "slices", "loop", "scan"}
"""Recipes without an optimisation step: a dtype, a mode, part of every mode, of an epoch, or of some processors."""
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in SECTIONS]


def section(backend: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"\n## {SECTIONS[backend]}\n")[1].split("\n## ")[0]


def recipes(backend: str) -> list[tuple[str, str]]:
    """(title, code) of each block; the first block, without a title, makes the model."""
    parts = section(backend).split("\n### ")
    return [
        (part.partition("\n")[0], code) for part in parts for code in re.findall(r"```python\n(.*?)```", part, re.S)
    ]


def arrays(outputs: Any) -> list[Any]:
    listed = outputs if isinstance(outputs, tuple | list) else [outputs]
    return [np.asarray(o.detach().float() if hasattr(o, "detach") else o, np.float32) for o in listed]


def close(found: Any, expected: Any, share: float) -> bool:
    """Whether all errors are at most `share` of the largest expected value."""
    pairs = zip(arrays(found), arrays(expected), strict=True)
    return all(np.abs(a - b).max() <= share * np.abs(b).max() for a, b in pairs)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_recipe_runs_and_computes_what_the_plain_model_does(backend: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "recipe"}
    tried = 0
    try:
        for number, (title, code) in enumerate(recipes(backend)):
            assert sum(bool(line.strip()) for line in code.splitlines()) <= LINES, title
            file = tmp_path / f"recipe_{number}.py"  # TensorFlow reads the source of a function that it compiles
            file.write_text(code, encoding="utf-8")
            before = dict(names)
            exec(compile(code, str(file), "exec"), names)
            made = {name for name in ("fast", "step", "epoch", "loss_of") if names.get(name) is not before.get(name)}
            tried += bool(made)
            check(title, made, names)
    finally:
        put_back(names)
    assert tried >= 3


def put_back(names: dict[str, Any]) -> None:
    """Reset the settings that a block has made for the whole process."""
    if "torch" in names:
        names["torch"].backends.mkldnn.matmul.fp32_precision = "none"


def check(title: str, made: set[str], names: dict[str, Any]) -> None:
    """Compare the results of a block with the plain model."""
    if "fast" in made:
        tensor = names["z" if "plain" in names else "x"]
        found = names["fast"](tensor)
        put_back(names)
        rough = "bfloat16" in title or ("onednn" in title and not keeps_float32())
        expected = names.get("plain", names["model"].encode)(tensor)
        assert close(found, expected, 0.03 if rough else 1e-4), title
    x, eps = names["x"], names["eps"]
    if "loss_of" in made:
        weights = [names["weights"]] if "weights" in names else []
        assert close(names["loss_of"](*weights, x, eps), names["model"].objective(x, eps), 1e-4), title
    if "step" in made:
        expected = names["model"].objective(x, eps)
        assert close(names["step"](x, eps), expected, 0.03 if "bfloat16" in title else 1e-4), title
        first, *_, last = [float(names["step"](x, eps)) for _ in range(20)]
        assert last < first, title
    if "epoch" in made:
        first, second = float(names["epoch"]()), float(names["epoch"]())
        assert second < first, title


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_optimisation_step_is_a_recipe(backend: str) -> None:
    titles = " ".join(title for title, _ in recipes(backend))
    documented = set(re.findall(r"`([\w-]+)`", titles))
    steps = {
        step
        for spec in WORKLOADS.values()
        for stage in ("encoder", "decoder", "elbo", "training_step")
        for device in ("cpu", "cuda")
        for step in steps_of(backend, spec, stage, 128, "float32", device)
    }
    assert steps <= documented
    assert documented <= steps | NO_STEPS
