"""The timed problems: their data, the reference beside each, and the tolerance of an outcome."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from ..backends.base import cpu_count
from ..backends.table import precision
from ..reference import oracle
from ..reference.adam import AFTER, Adam, with_one_update
from ..reference.arithmetic import EPSILON, Arithmetic, Perturbed
from ..reference.data import MNIST_PIXELS, digits, digits_enlarged
from ..reference.problem import Array, Problem, load_problem, save_problem
from ..reference.tolerance import K
from ..reference.truth import Truth
from ..workers.run_folder import RunFolder
from .judge.throughput import Expectations
from .libraries.table import LIBRARY_MODE
from .plan import BenchSample
from .proof import (
    OF_SUM,
    Expected,
    is_sum,
    load_expected,
    load_reference,
    reference_file,
    save_reference,
)
from .timings import Timing
from .workloads import DIGITS, MNIST_SIZE, ROWS, WORKLOADS, Workload, make_workload

# N does not depend on the scale of an objective, nor noticeably on where ε is added.
_RULE = Adam(scale=1.0, epsilon=1e-8, corrected=True)

ACCUMULATED = {"bfloat16": "float32", "tf32": "float32", "float16": "float32"}
"""The dtype of the sums of products of a lower dtype; a first-to-last sum in bfloat16 would lose all digits."""


def workloads_of(sample: BenchSample) -> list[Workload]:
    """Every workload of a sample at every batch size."""
    sizes = dict.fromkeys((part.workload, batch) for part in sample.slices for batch in part.batches)
    return [make_workload(name, batch, images_of(name)) for name, batch in sizes]


def images_of(workload: str) -> Array | None:
    """The images of a workload, [image, data], in [0, 1]: digits, enlarged for MNIST's size; None for synthetic data.

    They are binarised where other libraries are timed: to NumPyro's Bernoulli a grey pixel has log-probability −∞.
    """
    if workload == DIGITS:
        return digits(binarised=True)
    if WORKLOADS[workload].data_dim != MNIST_PIXELS:
        return None
    grey = digits_enlarged(ROWS) / 255.0
    return np.rint(grey) if workload == MNIST_SIZE else grey


def write_expected(timings: Iterable[Timing]) -> None:
    """Write the references of the timings' problems, with which the sessions compare their outputs."""
    trained: dict[tuple[Path, str, str], bool] = {}
    for timing in timings:
        bound = "elbo" if timing.cell.mode == LIBRARY_MODE else timing.bound  # the judge computes another library's
        key = Path(timing.problem_file), precision(timing.cell.dtype), bound
        trained[key] = trained.get(key, False) or timing.stage == "training_step"
    write_references(trained, cpu_count())


def lacks_reference(problem_file: Path, precision: str, bound: str, *, trained: bool) -> bool:
    """Whether a problem's reference is missing, or lacks the outputs of a training step."""
    path = reference_file(problem_file, precision, bound)
    return not path.exists() or (trained and AFTER not in load_reference(path, precision).tolerances)


def write_reference(problem_file: Path, precision: str, bound: str, *, trained: bool) -> None:
    """Write a problem's reference beside the problem, for the children of a run."""
    reference = stage_reference(load_problem(problem_file), precision, trained=trained, bound=bound)
    save_reference(reference, reference_file(problem_file, precision, bound))


def write_references(trained: Mapping[tuple[Path, str, str], bool], processes: int) -> None:
    """Write the missing references beside their problems.

    Args:
        trained: (problem file, precision, bound) → whether a training step is among the stages.
        processes: the number of parallel processes; the reference computes on one CPU.
    """
    todo = {key: steps for key, steps in trained.items() if lacks_reference(*key, trained=steps)}
    if len(todo) < 2 or processes < 2:
        for key, steps in todo.items():
            write_reference(*key, trained=steps)
        return
    # New processes, and no forks: a fork would inherit the locks of this process's threads, but not the threads.
    with ProcessPoolExecutor(min(processes, len(todo)), multiprocessing.get_context("spawn")) as pool:
        for future in [pool.submit(write_reference, *key, trained=steps) for key, steps in todo.items()]:
            future.result()


def stage_reference(problem: Problem, dtype: str, *, trained: bool, bound: str = "elbo") -> Truth:
    """The expected outputs of a problem's stages, in one precision.

    The objective after an update depends on the framework's ε: its tolerance is computed here, its value when it is
    compared. A sum over the batch has a second tolerance, of the addition alone, for batches that repeat the problem
    (`Expected.tolerance`).

    Args:
        problem: a problem with one draw of noise per datum.
        dtype: a key of `arithmetic.EPSILON`.
        trained: whether a training step is among the stages: with gradients, and the objective after an update.
        bound: what the objective sums over the batch.
    """
    rounded = oracle.rounded(problem, dtype)

    def compute(arithmetic: Arithmetic) -> dict[str, Array]:
        if trained:
            return with_one_update(rounded, _RULE, arithmetic, bound)
        return oracle.run(rounded, arithmetic, gradients=False, bound=bound)

    numbers = max(weight.size for weight in rounded.weights.values())  # each run has its perturbed weights
    allowed = oracle.noise_scale_of(rounded, compute, dtype, numbers=numbers)
    tensors = oracle.evaluate(rounded, gradients=trained, bound=bound)
    for name in list(filter(is_sum, allowed)):
        # An update changes the objective by little.
        largest = float(np.abs(tensors["objective" if name == AFTER else name]).max())
        allowed[name + OF_SUM] = largest * rounding_of_a_sum(len(rounded.x), ACCUMULATED.get(dtype, dtype))
    return Truth(tensors, {name: K * n for name, n in allowed.items()}, dtype)


def rounding_of_a_sum(parts: int, dtype: str) -> float:
    """N of a first-to-last sum of `parts` equal numbers, relative to the sum: the median of 64 measurements."""
    arithmetic = Perturbed(EPSILON[dtype], runs=64 * 16, seed=0)
    sums = arithmetic.sum(np.ones((arithmetic.runs, parts)), axis=1)
    return float(np.median(np.abs(sums / parts - 1).reshape(64, 16).max(axis=1)))


@cache
def expected_of(folder: RunFolder) -> Expectations:
    """The function that gives the expected outputs of stages; it reads a reference once, and again after a change."""

    @cache
    def read(file: Path, dtype: str, batch: int, bound: str, written_ns: int) -> Expected:
        return load_expected(file, load_problem(file), dtype, batch, bound)

    def expected(name: str, dtype: str, batch: int, bound: str) -> Expected:
        file = folder.problems / f"{name}.json"
        return read(file, dtype, batch, bound, reference_file(file, dtype, bound).stat().st_mtime_ns)

    return expected


def kept_workloads(folder: RunFolder, sample: BenchSample) -> list[tuple[Workload, str]]:
    """The workloads of a sample, each with the path of its problem file."""
    return [(workload, _kept(folder, workload)) for workload in workloads_of(sample)]


def _kept(folder: RunFolder, workload: Workload) -> str:
    """The path of a workload's problem file; the file is written if it is missing."""
    file = folder.problems / f"{workload.problem.name}.json"
    return str(file if file.exists() else save_problem(workload.problem, folder.problems))
