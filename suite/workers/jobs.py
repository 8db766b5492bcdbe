"""What a child process is told: its backend, its CPUs, and what each capability asks of it."""

from __future__ import annotations

from typing import Literal

import msgspec

Capability = Literal["probe", "equality", "claims", "theta", "session", "comparisons", "profile"]


class Part(msgspec.Struct, frozen=True):
    """What one capability asks.

    Attributes:
        capability: whose `measure` it is for.
        asked: the capability's own `Asked` as JSON, which is read once its module is imported.
    """

    capability: Capability
    asked: msgspec.Raw


class Job(msgspec.Struct, frozen=True):
    """The job file of a child process.

    Attributes:
        backend, device: of the binding that it opens.
        cpus: the CPUs that it keeps to; None for all that its parent may use.
        records: the file that its records go to.
        parts: what it is asked, in order.
    """

    backend: str
    device: str
    cpus: list[int] | None
    records: str
    parts: tuple[Part, ...]


def part_for(capability: Capability, asked: msgspec.Struct) -> Part:
    """What is asked of a capability, as a job has it."""
    return Part(capability, msgspec.Raw(msgspec.json.encode(asked)))
