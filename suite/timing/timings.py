"""The timing of a stage of a proven cell, and the rates with which it is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from ..workers.records import Cell


class About(TypedDict):
    """The fields that name a timing in its records, beside the cell."""

    workload: str
    stage: str
    batch: int
    last_step: str
    threads: str
    bound: str
    arm: str
    slowed: float


@dataclass(frozen=True, order=True)
class Timing:
    """One stage of one cell; its problem is a workload at a batch size.

    Attributes:
        cell: the cell.
        workload, stage, batch: the workload, its stage, and the images per call.
        problem_file, package, notation_file: the problem, the implementation and the notation, for a worker.
        last_step: the last optimisation step that is turned on, where the mode is `tuned`; another library's variant.
        threads: `pinned`, or `default` for the framework's default number.
        bound: what the objective sums over the batch.
        arm: in an A/A test the try and its arm, e.g. `17-again`; empty elsewhere.
        slowed: the relative slowdown of each call.
    """

    cell: Cell
    workload: str
    stage: str
    batch: int
    problem_file: str = ""
    package: str = ""
    notation_file: str = ""
    last_step: str = ""
    threads: str = "pinned"
    bound: str = "elbo"
    arm: str = ""
    slowed: float = 0.0

    @property
    def key(self) -> str:
        """Test id and file name, unique in a run: it contains the whole cell."""
        cell = self.cell
        words = [self.stage, self.workload, str(self.batch)]
        words += [cell.notation, cell.backend, cell.device, cell.dtype, cell.mode]
        words += [self.last_step] if self.last_step else []
        words += ["default-threads"] if self.threads == "default" else []
        words += ["try", self.arm] if self.arm else []
        return "-".join(words)

    def about(self) -> About:
        """The fields that name the timing in its records, beside the cell."""
        return {
            "workload": self.workload,
            "stage": self.stage,
            "batch": self.batch,
            "last_step": self.last_step,
            "threads": self.threads,
            "bound": self.bound,
            "arm": self.arm,
            "slowed": self.slowed,
        }


def thread_limit(timing: Timing, threads: int) -> int | None:
    """Threads of one operation; None for the framework's default."""
    return None if timing.threads == "default" else threads


@dataclass(frozen=True, order=True)
class Roofline:
    """A piece of work whose rate limits a stage: a matrix product [m, k] by [k, n], or the reading of a vector.

    Attributes:
        operation: `product` or `read`.
        shape: (m, k, n), or (bytes,).
        dtype: the dtype of the elements.
    """

    operation: str
    shape: tuple[int, ...]
    dtype: str
