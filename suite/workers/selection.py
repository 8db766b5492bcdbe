"""What a command selects: notations, backends, device, dtypes and modes; and a plan of what runs and what cannot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..notations.notation import Notation
from .records import CellRecord
from .tasks import CellTask


@dataclass
class Plan:
    """What will run, and the records of what will not."""

    tasks: list[CellTask] = field(default_factory=list)
    settled: list[CellRecord] = field(default_factory=list)

    def add(self, other: Plan) -> None:
        self.tasks += other.tasks
        self.settled += other.settled


@dataclass(frozen=True)
class Selection:
    """What a command asked for; an empty tuple means all. `blind`: backends that cannot use the device, and why."""

    notations: tuple[Notation, ...]
    backends: tuple[str, ...] = ()
    device: str = "cpu"
    dtypes: tuple[str, ...] = ("float64",)
    modes: tuple[str, ...] = ("eager",)
    gradients: bool = True
    blind: Mapping[str, str] = field(default_factory=dict)


def lacking_compiler() -> str | None:
    """Why torch.compile cannot work here; None where its C++ compiler is found."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler.split()[0]) is not None:
        return None
    need = "mode 'compiled' on backend 'torch' needs a C++ compiler"
    return f"{need}; '{compiler}' is not on the PATH: install g++, or set CXX"
