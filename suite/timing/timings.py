"""What is timed: a stage of a proven cell, and the rates that it is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..workers.records import CELL_FIELDS, Cell, Document

THROUGHPUT, ROOFLINE, SESSION, PEAK, HARNESS, COMPARISON = "throughput", "roof", "session", "peak", "harness", "duel"
PROFILE = "profile"
"""Kinds of records that sessions, and what is measured beside them, leave."""

OnRecord = Callable[[Document], None]


@dataclass(frozen=True, order=True)
class Timing:
    """One stage of one cell; its problem is a workload at a batch size.

    Attributes:
        cell: what is run.
        workload, stage, batch: what is timed of it.
        problem_file, package, notation_file: what a worker needs to run it.
        rung: of the ladder, where the mode is `tuned`.
        awaited: whether each call waits for the device; else some calls are under way at a time.
        threads: `pinned`, or `default` for what the framework takes by itself.
        bound: what the objective sums over the batch.
    """

    cell: Cell
    workload: str
    stage: str
    batch: int
    problem_file: str
    package: str
    notation_file: str
    last_step: str = ""
    awaited: bool = True
    threads: str = "pinned"
    bound: str = "elbo"

    @property
    def key(self) -> str:
        """Test id and file name: it carries the whole cell."""
        return key_of(self.as_json())

    def as_json(self) -> dict[str, Any]:
        files = {"problem_file": self.problem_file, "package": self.package, "notation_file": self.notation_file}
        return {**self.cell.as_json(), **files, **self.about()}

    def about(self) -> dict[str, Any]:
        """What names a timing in its records, beside the cell."""
        names = ("workload", "stage", "batch", "awaited", "threads", "bound")
        return {**{name: getattr(self, name) for name in names}, "rung": self.last_step}


def thread_limit(timing: Timing, threads: int) -> int | None:
    """Threads of one operation; None where the framework is to take what it takes by itself."""
    return None if timing.threads == "default" else threads


def key_of(record: Mapping[str, Any]) -> str:
    """`Timing.key` of a record, or of a timing as JSON."""
    names = ("stage", "workload", "batch", *(name for name in CELL_FIELDS if name not in ("problem", "framework")))
    words = [str(record[name]) for name in names]
    words += [record["rung"]] if record.get("rung") else []
    words += [] if record.get("awaited", True) else ["unawaited"]
    words += ["default-threads"] if record.get("threads", "pinned") == "default" else []
    return "-".join(words)


@dataclass(frozen=True, order=True)
class Roofline:
    """A rate that the machine reaches: a matrix product [m, k, n], or reading a vector of so many bytes.

    Attributes:
        operation: `product` or `read`.
        shape: (m, k, n), or (bytes,).
        dtype: of the elements.
    """

    operation: str
    shape: tuple[int, ...]
    dtype: str
