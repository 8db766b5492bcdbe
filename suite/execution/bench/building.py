"""What every process that measures does with a timing: build its stage, and keep what the stage returned."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ...definition.notation import Notation
from ...definition.notation_file import load_notation
from ...definition.problem import Problem, load_problem, save_tensors
from ..bindings import Binding
from ..stages import Stage, make_stage
from ..subject import Subject, prepare
from .timings import Timing


def build_subject(binding: Binding, timing: Timing, problem: Problem) -> Subject:
    """A new model of a timing's notation with the problem's weights."""
    cell = timing.cell
    module = import_module(f"{timing.package}.{cell.framework}_vae")
    return prepare(binding, cell, open_notation(timing.notation_file, cell.notation), module, problem)


def build_stage(binding: Binding, timing: Timing) -> Stage:
    """A timing's stage, with a model of its own."""
    problem = open_problem(timing.problem_file)
    return make_stage(build_subject(binding, timing, problem), problem, timing.stage, rung=timing.rung)


def keep_outputs(folder: Path, stem: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Write the outputs of before and after timing; one file where they are the same bit by bit.

    Returns:
        `before` and `after`: the files' names.
    """
    names: dict[str, str] = {}
    for when, tensors in (("before", before), ("after", after)):
        if when == "after" and _same(before, after):
            names[when] = names["before"]
            continue
        names[when] = f"{stem}-{when}.safetensors"
        save_tensors({name: _narrow(tensor) for name, tensor in tensors.items()}, folder / names[when])
    return names


def active(binding: Binding, device: str, dtype: str) -> dict[str, Any]:
    """What really ran, for the parent to hold against what it asked for."""
    return {
        "backend": binding.active_backend(),
        "device": device,
        "dtype": dtype,
        "threads": binding.threads(),
        "versions": binding.versions(),
    }


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _narrow(tensor: Any) -> Any:
    """float64 as float32 where that loses nothing: what a float32 cell returned fits."""
    narrow = tensor.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), tensor) else tensor


@cache
def open_problem(path: str) -> Problem:
    """A problem file, read once."""
    return load_problem(Path(path))


@cache
def open_notation(path: str, name: str) -> Notation:
    """A notation file, read once."""
    return load_notation(Path(path), name)
