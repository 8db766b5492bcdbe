"""Ask a backend's framework about this machine, in a process of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from ..backends import Binding
from ..backends.table import BACKENDS
from ..reference.errors import EnvironmentLacks
from .jobs import Job
from .records import Append
from .supervisor import Child, cpu_threads


class Asked(msgspec.Struct, frozen=True):
    """Nothing beside the job's backend and device."""


class Probed(msgspec.Struct, frozen=True):
    """The answer of a framework.

    Attributes:
        backend: what is active.
        device: whether the device that was asked for is there.
    """

    backend: str
    device: bool


def measure(binding: Binding, asked: Asked, append: Append) -> None:
    """Leave one record."""
    append(Probed(binding.active_backend(), binding.has_device()))


def probe(backend: str, device: str) -> Probed:
    """Start a backend on a device and ask.

    Raises:
        EnvironmentLacks: the framework cannot be imported.
    """
    found: list[Probed] = []

    def take(line: bytes) -> bool:
        found.append(msgspec.json.decode(line, type=Probed))
        return True

    def settle(item: str, status: str, reason: str, tail: str) -> None:
        last = (tail.splitlines() or ["no output"])[-1]
        raise EnvironmentLacks(f"backend '{item}' cannot start on device '{device}': {last}")

    job = Job(backend, device, (("workers.probe", Asked()),), cpu_threads())
    Child(job, [backend], take=take, settle=settle, timeout_s=math.inf).follow()
    return found[0]


def blind_backends(device: str, backends: Sequence[str]) -> dict[str, str]:
    """The installed backends that cannot use the device, and why.

    Args:
        device: `cpu`, which all can use, or `cuda`.
        backends: those asked for by name; empty for all.

    Raises:
        EnvironmentLacks: one that was asked for by name cannot, or none can.
    """
    if device == "cpu":
        return {}
    asked = [name for name in backends or BACKENDS if not BACKENDS[name].lacking()]
    blind: dict[str, str] = {}
    for name in asked:
        try:
            seen, why = probe(name, device).device, ""
        except EnvironmentLacks as error:
            seen, why = False, f" ({error})"
        if not seen:
            blind[name] = f"device '{device}': no GPU that {name} can see{why}"
    if len(blind) == len(asked):
        names = ", ".join(asked) or "any backend"
        raise EnvironmentLacks(f"device '{device}': no GPU that {names} can see; use --device cpu")
    for name in blind:
        if name in backends:
            raise EnvironmentLacks(blind[name])
    return blind
