"""The cells that gather facts for claims: what a worker is told of one, and its record."""

from __future__ import annotations

from typing import ClassVar

from ..workers.jobs import Capability
from ..workers.records import CellRecord
from ..workers.tasks import CellTask
from .facts import PlainFacts


class ClaimsRecord(CellRecord, frozen=True, kw_only=True, tag="claims"):
    """What a notation's code did on one backend; its arrays are in the file of its tensors."""

    facts: PlainFacts | None = None


class ClaimsTask(CellTask, frozen=True):
    """A cell that gathers facts, with what a worker needs to run it.

    Attributes:
        package: what the implementation is imported from.
        notation_file: a path.
    """

    capability: ClassVar[Capability] = "claims"
    record: ClassVar[type[ClaimsRecord]] = ClaimsRecord

    package: str
    notation_file: str
