"""The steps of every process that measures a timing: build its stage, and save the outputs of the stage."""

from __future__ import annotations

import time
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ...backends import Binding
from ...backends.table import precision
from ...notations.notation import Notation
from ...notations.reader import load_notation
from ...reference.adam import Adam
from ...reference.problem import Problem, load_problem, save_tensors
from ...workers.records import Active
from ...workers.subject import Subject, prepare
from ..proof import Array, Expected, fold, load_expected
from ..timings import Timing
from .stages import Stage, make_stage


def build_subject(binding: Binding, timing: Timing) -> Subject:
    """A new model of a timing's notation with the problem's weights."""
    cell = timing.cell
    module = import_module(f"{timing.package}.{cell.framework}_vae")
    notation = open_notation(timing.notation_file, cell.notation)
    return prepare(binding, cell, notation, module, open_problem(timing.problem_file))


def build_stage(timing: Timing, subject: Subject) -> Stage:
    """The timed stage of a subject."""
    problem = open_problem(timing.problem_file)
    return make_stage(subject, problem, timing.stage, batch=timing.batch, last_step=timing.last_step)


class Called(TypedDict):
    """The fields of a record on a first call; see `TimingRecord`."""

    images: int
    adam: Adam | None
    first_call_s: float
    active: Active


class Kept(TypedDict):
    """The names of the files of the outputs of before and after timing."""

    before: str
    after: str


class FirstCall:
    """The first call of a stage: its seconds, its outputs, and whether they are equal to the reference.

    Args:
        stage: a stage that was not called yet.
        expected: the expected outputs; None for another library, whose reference the judge computes.

    Attributes:
        tensors: canonical name → array, folded over the repetitions of the problem's rows.
        equal: whether all tensors are equal to the reference; otherwise the stage is not timed.
    """

    def __init__(self, stage: Stage, expected: Expected | None):
        self.stage = stage
        self.expected = expected
        begin = time.perf_counter()
        outputs = stage()
        self.seconds = time.perf_counter() - begin
        self.rule = stage.adam()
        self.tensors, self.equal = self._proven(outputs)
        self.where = stage.where(outputs)

    def again(self) -> dict[str, Array]:
        """The outputs of one more call, from the state before the first call."""
        self.stage.restore()
        return self._proven(self.stage())[0]

    def _proven(self, outputs: Any) -> tuple[dict[str, Array], bool]:
        """The folded outputs of a call, and whether all of them equal the reference."""
        tensors = fold(self.stage.tensors(outputs), self.expected.repeats if self.expected else 1)
        compared = self.expected.comparisons(tensors, self.rule) if self.expected else ()
        return tensors, all(comparison.equal for comparison in compared)

    def about(self, binding: Binding) -> Called:
        """The fields of the call in a record."""
        device, dtype = self.where
        active = Active(
            backend=binding.active_backend(),
            device=device,
            dtype=dtype,
            threads=binding.threads(),
            versions=binding.versions(),
        )
        return {
            "images": self.stage.images,
            "adam": self.rule,
            "first_call_s": self.seconds,
            "active": active,
        }


@cache
def _expected(path: str, dtype: str, batch: int, bound: str) -> Expected:
    return load_expected(Path(path), open_problem(path), dtype, batch, bound)


def open_expected(timing: Timing) -> Expected:
    """The expected outputs of a timing; read once."""
    return _expected(timing.problem_file, precision(timing.cell.dtype), timing.batch, timing.bound)


def keep_outputs(folder: Path, stem: str, before: dict[str, Array], after: dict[str, Array]) -> Kept:
    """Write the outputs from before and after timing; a single file where they are the same bit by bit."""

    def keep(when: str, tensors: dict[str, Array]) -> str:
        name = f"{stem}-{when}.safetensors"
        save_tensors({tensor: _narrow(array) for tensor, array in tensors.items()}, folder / name)
        return name

    kept = keep("before", before)
    same = before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    return {"before": kept, "after": kept if same else keep("after", after)}


def _narrow(tensor: Array) -> Array:
    """A float64 tensor as float32 where that is exact, as it is for the outputs of a float32 cell."""
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
