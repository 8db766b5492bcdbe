"""The cells of equality: the task that a worker is given for a cell, and its record."""

from __future__ import annotations

from typing import ClassVar

from ..backends import Graphs
from ..workers.jobs import Measure
from ..workers.records import CellRecord, Number, Status
from ..workers.tasks import CellTask


class EqualityRecord(CellRecord, frozen=True, kw_only=True, tag="equality"):
    """The outcome of a problem in one cell.

    Attributes:
        adapted: whether the problem leaves the source's own architecture.
        embedding: the liftings by which the notation writes the problem; None where it defines it.
        bound: what its objective sums over the batch; None where nothing ran.
        published_objective: the objective as the source defines it.
        graphs: what was compiled, if anything was.
        clamp_logit: only in the mode `published`: see `clamp.clamp_logit`.
    """

    adapted: bool
    embedding: str | None = None
    bound: str | None = None
    published_objective: Number | None = None
    graphs: Graphs | None = None
    clamp_logit: dict[str, float | None] | None = None

    def __post_init__(self) -> None:
        if self.status == "ok" and self.tensors is None:
            raise ValueError("expected the file of its tensors in a record that is ok; found none")


class Task(CellTask, frozen=True):
    """A cell of equality with what a worker needs to run it.

    Attributes:
        problem_file, notation_file: paths.
        package: what the implementation is imported from.
        gradients: whether the gradients of the objective are computed.
        adapted: whether the problem leaves the source's own architecture.
        embedding: the liftings by which the notation writes the problem; None where it defines it.
        forced: whether the notation uses this lifting although it may define the problem.
    """

    measure: ClassVar[Measure] = "equality.measure"
    record: ClassVar[type[EqualityRecord]] = EqualityRecord

    problem_file: str
    package: str
    notation_file: str
    gradients: bool
    adapted: bool = False
    embedding: str | None = None
    forced: bool = False

    def lost(self, status: Status, reason: str, traceback: str | None = None) -> EqualityRecord:
        return EqualityRecord(
            cell=self.cell,
            status=status,
            reason=reason,
            adapted=self.adapted,
            embedding=self.embedding,
            traceback=traceback,
        )
