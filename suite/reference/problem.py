"""Problems: a specification with data, noise and canonical weights, kept as one `.json` and one `.safetensors`."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .errors import BadInput
from .files import read_json, require_file, require_name, write_text, write_whole
from .parsing import parse_spec
from .spec import Spec
from .tensors import BOUNDS, TERMS
from .weights import drawn_shapes, weight_shapes

Array = NDArray[np.float64]

FIELDS = ("spec", "expected")
"""The fields of a problem file."""
MOST_AXES = 32
MOST_HEADER_BYTES = 2**24
"""The largest header of a safetensors file, in bytes: about a hundred thousand tensors."""
_DECIMAL = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf|nan)", re.ASCII)


@dataclass(frozen=True)
class Problem:
    """The model, data, noise and weights on which every cell runs.

    Attributes:
        name: the file's stem.
        spec: the model.
        x: data, [batch, data], float64.
        noise: standard normal draws, [sample, batch, latent], float64.
        weights: canonical name → float64 tensor.
        weight_noise: decoder weight → standard normal draws, [sample, ...] float64, where the decoder's weights have a
            posterior.
        expected_terms: exact terms as decimal strings, nested lists of shape [batch] or [batch, latent], where known.
        expected_gradients: exact gradients of the objective by bound and canonical name, where known.
    """

    name: str
    spec: Spec
    x: Array
    noise: Array
    weights: Mapping[str, Array]
    weight_noise: Mapping[str, Array] = field(default_factory=dict)
    expected_terms: Mapping[str, Any] = field(default_factory=dict)
    expected_gradients: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)


def load_problem(path: Path) -> Problem:
    """Read `NAME.json` with the `NAME.safetensors` beside it, and the gradients beside that (`gradient_file`), if any.

    Raises:
        BadInput: the file is missing or unreadable, or its spec contradicts its tensors.
    """
    require_name(path.stem, str(path))
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("spec"), dict):
        raise BadInput(f"{path}: expected an object with the field 'spec'")
    if unknown := set(document) - set(FIELDS):
        raise BadInput(f"{path}: unknown field {min(unknown)!r}; expected one of {', '.join(FIELDS)}")
    spec = parse_spec(document["spec"], str(path))
    expected = document.get("expected", {})
    if not isinstance(expected, dict):
        raise BadInput(f"{path}: expected: expected an object of terms; found {type(expected).__name__}")
    tensors = read_tensors(path.with_suffix(".safetensors"))
    shapes = weight_shapes(spec)
    source = path.with_suffix(".safetensors")
    weights = {name: check_tensor(tensors, name, shape, source) for name, shape in shapes.items()}
    drawn = drawn_shapes(spec)
    others = ("x", "noise", *(f"noise.{name}" for name in drawn))
    for name in tensors:
        if name not in shapes and name not in others:
            raise BadInput(
                f"{source}: tensor '{name}' is not part of this spec; expected only {', '.join((*shapes, *others))}"
            )
    x = check_tensor(tensors, "x", (spec.families.posterior.rows(spec), spec.data_dim), source)
    noise = check_tensor(tensors, "noise", (None, x.shape[0], spec.latent_dim), source)
    weight_noise = {
        name: check_tensor(tensors, f"noise.{name}", (noise.shape[0], *shape), source) for name, shape in drawn.items()
    }
    if spec.families.likelihood.data_is_unit and not ((x >= 0) & (x <= 1)).all():
        worst = np.unravel_index(int(np.argmax(np.abs(x - 0.5))), x.shape)
        raise BadInput(
            f"{source}: tensor 'x': a {spec.likelihood} likelihood needs values in [0, 1]; "
            f"found {x[worst]} at {[int(i) for i in worst]}"
        )
    gradients = _expected_gradients(path, shapes)
    _check_expected(expected, x.shape[0], spec.families.latents.encoded(spec), path)
    return Problem(path.stem, spec, x, noise, weights, weight_noise, expected, gradients)


def gradient_file(problem_file: Path, bound: str) -> Path:
    """Where a problem's exact gradients of a bound are kept: `NAME.gradients.safetensors` has those of the ELBO."""
    part = "" if bound == "elbo" else f".{bound}"
    return problem_file.with_name(f"{problem_file.stem}{part}.gradients.safetensors")


def _expected_gradients(problem_file: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, dict[str, Array]]:
    gradients: dict[str, dict[str, Array]] = {}
    for bound in BOUNDS:
        path = gradient_file(problem_file, bound)
        if not path.exists():
            continue
        found = read_tensors(path)
        for name in found:
            if name not in shapes:
                raise BadInput(f"{path}: tensor '{name}' is not a weight of this spec")
        gradients[bound] = {name: check_tensor(found, name, shape, path) for name, shape in shapes.items()}
    return gradients


def _check_expected(expected: Mapping[str, Any], batch: int, latent_dim: int, where: Path) -> None:
    """Exact terms are numbers (or decimal strings) of the contract's terms and shapes; BadInput where one is not."""
    for name, values in expected.items():
        if name not in TERMS:
            raise BadInput(f"{where}: expected.{name}: expected one of {', '.join(TERMS)}; found '{name}'")
        shape = (batch, latent_dim) if name.startswith("posterior_") else (batch,)
        try:
            array = np.asarray(_each_number(values), dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise BadInput(
                f"{where}: expected.{name}: expected numbers of shape {list(shape)}; found other values"
            ) from None
        if array.shape != shape or not np.isfinite(array).all():
            raise BadInput(
                f"{where}: expected.{name}: expected finite numbers of shape {list(shape)}; "
                f"found shape {list(array.shape)}"
            )


def _each_number(values: Any) -> Any:
    """Nested lists of numbers and decimal strings, as they are. Raises TypeError for anything else."""
    if isinstance(values, list):
        return [_each_number(value) for value in values]
    # NumPy would take "1_000", " 1" and true for numbers.
    if isinstance(values, bool) or (isinstance(values, str) and not _DECIMAL.fullmatch(values)):
        raise TypeError(f"expected a number; found {values!r}")
    return values


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of a safetensors file. Raises BadInput where the file is missing, truncated or something else."""
    require_file(path)
    try:
        with path.open("rb") as head:
            header = int.from_bytes(head.read(8), "little")
        if header > MOST_HEADER_BYTES:
            raise BadInput(f"{path}: expected a safetensors file; found a header of {header} bytes")
        with safe_open(str(path), framework="numpy") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
            for name, part in parts.items():
                if part.get_dtype() not in ("F64", "F32"):
                    raise BadInput(f"{path}: tensor '{name}': expected dtype F64; found {part.get_dtype()}")
                if len(part.get_shape()) > MOST_AXES:
                    axes = len(part.get_shape())
                    raise BadInput(f"{path}: tensor '{name}': expected at most {MOST_AXES} axes; found {axes}")
            return {name: file.get_tensor(name) for name in parts}
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from None
    except SafetensorError as error:
        raise BadInput(f"{path}: expected a safetensors file; found {error}") from None


def check_tensor(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int | None, ...], where: Path) -> Array:
    """The tensor `name`, if it is there, float64, of `shape` (None: any size but zero) and finite.

    Raises:
        BadInput: naming the file, the tensor, what was expected and what was found.
    """
    if name not in tensors:
        raise BadInput(f"{where}: tensor '{name}' is missing")
    tensor = tensors[name]
    if tensor.dtype != np.float64:
        raise BadInput(f"{where}: tensor '{name}': expected dtype float64; found {tensor.dtype}")
    fits = len(tensor.shape) == len(shape) and all(
        found == size if size is not None else found > 0 for found, size in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        wanted = ["any" if size is None else size for size in shape]
        raise BadInput(f"{where}: tensor '{name}': expected shape {wanted}; found {list(tensor.shape)}")
    bad = np.argwhere(~np.isfinite(tensor))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise BadInput(f"{where}: tensor '{name}': expected finite values; found {tensor[index]} at {list(index)}")
    return tensor


def save_tensors(tensors: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write a safetensors file. Non-contiguous arrays are copied first: safetensors would write their memory order.

    Raises:
        OSError: it cannot be written.
    """
    arrays = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}

    def write(whole: Path) -> None:
        try:
            save_file(arrays, str(whole))
        except SafetensorError as error:  # an OSError in words
            number = re.search(r"\(os error (\d+)\)", str(error))
            code = int(number[1]) if number else errno.EIO
            raise OSError(code, os.strerror(code)) from error

    write_whole(path, write)


def save_problem(problem: Problem, folder: Path) -> Path:
    """Write the problem's files into `folder` and return the path of its `.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{problem.name}.json"
    drawn = {f"noise.{name}": noise for name, noise in problem.weight_noise.items()}
    tensors = {"x": problem.x, "noise": problem.noise, **drawn, **problem.weights}
    save_tensors(tensors, path.with_suffix(".safetensors"))
    for bound, gradients in problem.expected_gradients.items():
        save_tensors(gradients, gradient_file(path, bound))
    document: dict[str, Any] = {"spec": problem.spec.as_json()}
    if problem.expected_terms:
        document["expected"] = dict(problem.expected_terms)
    write_text(path, json.dumps(document, indent=1) + "\n")
    return path
