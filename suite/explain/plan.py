"""What is asked: the entry, its framework, and the numbers of `--at`, `--set` and `--arguments`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..backends.table import BACKENDS
from ..reference.errors import BadInput, EnvironmentLacks

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
_KERAS_BACKEND = {"torch": "torch", "jax": "jax", "tensorflow": "tensorflow"}


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
        BadInput: it cannot be found, read or parsed.
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
    imported = _imports(path)
    keras = "keras" in imported
    for name in ("pyro", "numpyro"):
        if name in imported and find_spec(name) is None:
            raise EnvironmentLacks(f"{name} is not installed; it comes with: pip install 'elbostone[{name}]'")
    found = next((FRAMEWORKS[name] for name in imported if name in FRAMEWORKS), "tensorflow" if keras else "numpy")
    if found != "numpy" and find_spec(found) is None:
        backend = BACKENDS[{"torch": "torch", "tensorflow": "keras-tensorflow", "jax": "keras-jax"}[found]]
        raise EnvironmentLacks(backend.remedy())
    return found, keras


def environment(framework: str, keras: bool) -> dict[str, str]:
    """What the worker's environment has beside the common part."""
    variables = {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    if keras:
        variables["KERAS_BACKEND"] = _KERAS_BACKEND.get(framework, "tensorflow")
    return variables


def _imports(path: str) -> list[str]:
    """The top-level packages that a file imports, in order."""
    try:
        tree = ast.parse(Path(path).read_bytes(), filename=path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"{path}: expected Python; {error}") from None
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module.split(".")[0])
    return names


def pairs(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    """`NAME=VALUE` texts, each of which may hold several with commas between.

    Raises:
        BadInput: one has no `=`.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        for part in re.split(r",(?=\s*\w+\s*=)", text):
            name, equals, value = part.partition("=")
            if not equals or not name.strip():
                raise BadInput(f"{option}: expected NAME=VALUE; found '{part.strip()}'")
            found[name.strip()] = value.strip()
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
