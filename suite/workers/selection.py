"""The selection of a command: notations, backends, device, dtypes and modes; and the plan of its tasks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from ..notations.notation import Notation
from .records import CellRecord, Identity, identity
from .tasks import CellTask


@dataclass
class Plan:
    """The tasks that will run, and the records of cells that cannot."""

    tasks: list[CellTask] = field(default_factory=list)
    settled: list[CellRecord] = field(default_factory=list)

    def add(self, other: Plan) -> None:
        self.tasks += other.tasks
        self.settled += other.settled

    @property
    def total(self) -> int:
        """How many records there will be."""
        return len(self.tasks) + len(self.settled)

    def records(self) -> list[Identity]:
        """The records that there will be."""
        return [*(task.identity for task in self.tasks), *map(identity, self.settled)]

    def without(self, finished: Set[Identity]) -> Plan:
        """The part of the plan that has no record in a run yet."""
        return Plan(
            [task for task in self.tasks if task.identity not in finished],
            [record for record in self.settled if identity(record) not in finished],
        )


@dataclass(frozen=True)
class Selection:
    """The cells that a command selects; an empty tuple means all.

    Attributes:
        blind: backends that cannot use the device, and why.
        broken: notations that cannot be read, and why, where all were asked for.
    """

    notations: tuple[Notation, ...]
    backends: tuple[str, ...] = ()
    device: str = "cpu"
    dtypes: tuple[str, ...] = ("float64",)
    modes: tuple[str, ...] = ("eager",)
    gradients: bool = True
    blind: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


def lacking_compiler() -> str | None:
    """Why torch.compile cannot work here; None where its C++ compiler is found."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler.split()[0]) is not None:
        return None
    need = "mode 'compiled' on backend 'torch' needs a C++ compiler"
    return f"{need}; '{compiler}' is not on the PATH: install g++, or set CXX"
