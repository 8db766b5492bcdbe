"""What do the command's arguments mean? The entry, its framework, and the values of --at, --set and --arguments."""

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
COUNTS = ("N", "D", "J", "k", "T")
"""Names of sizes: batch, observed and latent values per datum, draws, tensors in a list."""


def entry(text: str) -> tuple[str, str]:
    """The two parts of FILE.py:NAME or MODULE:NAME; the file's path is made absolute.

    Raises:
        BadInput: the text has no colon or no name, or the file does not exist.
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
    """The framework that a file or a module imports, and whether it imports Keras. Nothing is executed.

    Raises:
        BadInput: the file cannot be found, read or parsed, or sets an unknown backend of Keras.
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


def _backend_of_keras(path: str, variable: str | None, imported: list[str]) -> str:
    """The framework that Keras runs on: the value of KERAS_BACKEND, else an imported one, else an installed one.

    Raises:
        BadInput: KERAS_BACKEND is no backend of `backends.table`.
        EnvironmentLacks: the backend is not installed.
    """
    known = [name.removeprefix("keras-") for name in BACKENDS if name.startswith("keras-")]
    if variable and variable not in known:
        raise BadInput(f"{path}: KERAS_BACKEND: expected {', '.join(known)}; found '{variable}'")
    complete = [name for name in known if not BACKENDS[f"keras-{name}"].lacking()]
    chosen = variable or next((name for name in [*imported, *complete] if name in known), None)
    if chosen is None:
        extras = ", ".join(f"keras-{name}" for name in known)
        raise EnvironmentLacks(f"Keras needs a backend, one of {extras}: pip install 'elbostone[keras-{known[0]}]'")
    if chosen not in complete:
        also = f"; installed: {', '.join(complete)}, with KERAS_BACKEND={complete[0]}" if complete else ""
        raise EnvironmentLacks(BACKENDS[f"keras-{chosen}"].remedy() + also)
    return chosen


def environment(framework: str, keras: bool) -> dict[str, str]:
    """The environment variables of the worker beside the common ones: float64 in JAX, no GPU, Keras's backend."""
    variables = {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    if keras:
        variables["KERAS_BACKEND"] = framework if framework in FRAMEWORKS else "tensorflow"
    return variables


def pairs(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    """Name → value of texts `NAME=VALUE`, or of several such in one text with commas between.

    Raises:
        BadInput: a part has no `=`.
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
    """Name → number of `--at`.

    Raises:
        BadInput: a value is no number, or a size is no whole number from 1 on.
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
    """Argument → value of `--set`: a Python literal, or text if it is none."""
    found: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found
