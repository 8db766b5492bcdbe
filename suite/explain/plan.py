"""What is asked: the entry, its framework, and the numbers of `--at`, `--set` and `--arguments`."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..backends.table import BACKENDS
from ..reference.errors import BadInput, EnvironmentLacks
from .imports import imports_of

FRAMEWORKS = {
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "flax": "jax",
    "numpyro": "jax",
    "pyro": "torch",
    "pythae": "torch",
    "diffusers": "torch",
    "lightning": "torch",
    "pytorch_lightning": "torch",
    "scvi": "torch",
    "tf_keras": "tensorflow",
    "tensorflow_probability": "tensorflow",
}
"""Top-level package → framework."""
#: Names of sizes: batch, observed and latent values per datum, draws, entries of a list.
COUNTS = ("N", "D", "J", "k", "T")


def entry(text: str) -> tuple[str, str]:
    """FILE_OR_MODULE:NAME as its two parts; the file's path is absolute.

    Raises:
        BadInput: there is no colon, no file, or no name.
    """
    target, colon, name = text.partition(":")
    if not colon or not target or not name:
        raise BadInput(f"'{text}': expected FILE.py:NAME or MODULE:NAME, such as losses.py:vae_loss")
    if target.endswith(".py"):
        path = Path(target)
        if not path.is_file():
            raise BadInput(f"{target}: expected a Python file; there is none")
        return str(path.resolve()), name
    return target, name


def framework_of(target: str) -> tuple[str, bool]:
    """The framework of a file or a module, from what it imports, and whether it uses Keras. Nothing is executed.

    Raises:
        BadInput: it cannot be found, read or parsed, or asks for a backend that Keras has not.
        EnvironmentLacks: its framework is not installed.
    """
    path = target
    if not target.endswith(".py"):
        try:
            spec = find_spec(target)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None:
            raise BadInput(f"{target}: expected a file that ends in .py, or an importable module; found neither")
        path = spec.origin
    imports = imports_of(path, os.environ.get("KERAS_BACKEND"))
    for name in ("pyro", "numpyro"):
        if name in imports.packages and find_spec(name) is None:
            raise EnvironmentLacks(f"{name} is not installed; it comes with: pip install 'elbostone[{name}]'")
    found = [FRAMEWORKS[name] for name in imports.packages if name in FRAMEWORKS]
    if "keras" in imports.packages:
        return _backend_of_keras(path, imports.backend, found), True
    if found and find_spec(found[0]) is None:
        name = {"torch": "torch", "tensorflow": "keras-tensorflow", "jax": "keras-jax"}[found[0]]
        raise EnvironmentLacks(BACKENDS[name].remedy())
    return (found[0] if found else "numpy"), False


def _backend_of_keras(path: str, wanted: str | None, imported: list[str]) -> str:
    """The framework that Keras runs on: of KERAS_BACKEND, else one that the file imports, else one that is installed.

    Raises:
        BadInput: KERAS_BACKEND is none that Keras is explained on.
        EnvironmentLacks: it is not installed.
    """
    known = [name.removeprefix("keras-") for name in BACKENDS if name.startswith("keras-")]
    if wanted and wanted not in known:
        raise BadInput(f"{path}: KERAS_BACKEND: expected {', '.join(known)}; found '{wanted}'")
    complete = [name for name in known if not BACKENDS[f"keras-{name}"].lacking()]
    chosen = wanted or next((name for name in [*imported, *complete] if name in known), None)
    if chosen is None:
        extras = ", ".join(f"keras-{name}" for name in known)
        raise EnvironmentLacks(f"Keras needs a backend, one of {extras}: pip install 'elbostone[keras-{known[0]}]'")
    if chosen not in complete:
        also = f"; installed: {', '.join(complete)}, with KERAS_BACKEND={complete[0]}" if complete else ""
        raise EnvironmentLacks(BACKENDS[f"keras-{chosen}"].remedy() + also)
    return chosen


def environment(framework: str, keras: bool) -> dict[str, str]:
    """What the worker's environment has beside the common part."""
    variables = {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    if keras:
        variables["KERAS_BACKEND"] = framework if framework in FRAMEWORKS else "tensorflow"
    return variables


def pairs(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    """`NAME=VALUE` texts, each of which may hold several with commas between.

    Raises:
        BadInput: one has no `=`.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        for part in _parts(text):
            name, equals, value = part.partition("=")
            if not equals or not name.strip():
                raise BadInput(f"{option}: expected NAME=VALUE; found '{part.strip()}'")
            found[name.strip()] = value.strip()
    return found


def _parts(text: str) -> list[str]:
    """A text at the commas before a name and `=`, but for those within brackets."""
    found: list[str] = []
    for part in re.split(r",(?=\s*\w+\s*=)", text):
        inside = bool(found) and found[-1].count("(") > found[-1].count(")")
        found[-1:] = [f"{found[-1]},{part}"] if inside else [*found[-1:], part]
    return found


def sizes(texts: Mapping[str, str]) -> dict[str, float]:
    """The numbers of `--at`.

    Raises:
        BadInput: one is no number, or a size is no count.
    """
    found: dict[str, float] = {}
    for name, text in texts.items():
        try:
            found[name] = float(text)
        except ValueError:
            raise BadInput(f"--at {name}: expected a number; found '{text}'") from None
        if name in COUNTS and not (found[name] >= 1 and found[name].is_integer()):
            raise BadInput(f"--at {name}: expected a whole number from 1 on; found '{text}'")
    return found


def values(texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of `--set`: Python literals, and text where one is none."""
    found: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found
