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
        cell: what is run.
        workload, stage, batch: what is timed of it.
        problem_file, package, notation_file: what a worker needs to run it.
        last_step: the last optimisation step that is turned on, where the mode is `tuned`; another library's variant.
        threads: `pinned`, or `default` for what the framework takes by itself.
        bound: what the objective sums over the batch.
        arm: in an A/A test the try and its arm, e.g. `17-again`; empty elsewhere.
        slowed: by which share of its own time each call is made slower.
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
        """Test id and file name: it carries the whole cell, and is unique in a run."""
        cell = self.cell
        words = [self.stage, self.workload, str(self.batch)]
        words += [cell.notation, cell.backend, cell.device, cell.dtype, cell.mode]
        words += [self.last_step] if self.last_step else []
        words += ["default-threads"] if self.threads == "default" else []
        words += ["try", self.arm] if self.arm else []
        return "-".join(words)

    def about(self) -> About:
        """The fields that name it in its records, beside the cell."""
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
    """Threads of one operation; None where the framework is to take what it takes by itself."""
    return None if timing.threads == "default" else threads


@dataclass(frozen=True, order=True)
class Roofline:
    """A rate that the machine reaches: a matrix product [m, k, n], or reading a vector of so many bytes.

    Attributes:
        operation: `product` or `read`.
        shape: (m, k, n), or (bytes,).
        dtype: the dtype of the elements.
    """

    operation: str
    shape: tuple[int, ...]
    dtype: str
