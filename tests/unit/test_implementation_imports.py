"""An implementation writes what its source writes: it imports its own framework, what counts, and the plain network."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "implementations").glob("*/*.py"))
#: Python's own: mathematics, types, and what walks over lists of layers. No file, clock, process or random generator.
LANGUAGE = {"__future__", "math", "itertools", "typing", "collections.abc"}


def forbidden_imports(text: str, framework: str) -> list[str]:
    """The modules that a file imports beside those that it may, in the order in which they stand there."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    own = (f"{framework}.", f".._plain.{framework}_mlp.")
    return [name for name in found if name not in LANGUAGE and not f"{name}.".startswith(own)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_imports_its_framework_and_the_plain_network_alone(file: Path) -> None:
    assert forbidden_imports(file.read_text(encoding="utf-8"), file.stem.partition("_")[0]) == []


def test_every_notation_has_both_files() -> None:
    folders = {path.parent for path in (ROOT / "implementations").glob("*/notation.toml")}
    assert {(file.parent, file.stem) for file in FILES if file.parent in folders} == {
        (folder, f"{framework}_vae") for folder in folders for framework in ("torch", "keras")
    }


@pytest.mark.parametrize(
    "line",
    [
        "import keras",
        "import time",
        "import numpy as np",
        "from torchvision import transforms",
        "from .._plain.keras_mlp import MLP",
        "from ..keras_io.torch_vae import Encoder",
        "from elbostone.reference import oracle",
        "def f():\n    import os",
    ],
)
def test_finds_what_an_implementation_may_not_import(line: str) -> None:
    assert len(forbidden_imports(f"import math\nimport torch\nfrom torch import nn\n{line}\n", "torch")) == 1
