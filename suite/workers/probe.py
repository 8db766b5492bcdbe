"""Whether the backends that are asked for are here, with their compiler, and see the device."""

from __future__ import annotations

import math
from collections.abc import Collection

import msgspec

from ..backends import Binding
from ..backends.base import cpu_count
from ..backends.table import BACKENDS, one_of
from ..reference.errors import EnvironmentLacks
from .jobs import Job
from .records import Append
from .selection import lacking_compiler
from .supervisor import Child


class Asked(msgspec.Struct, frozen=True):
    """Nothing beside the job's backend and device."""


class Probed(msgspec.Struct, frozen=True):
    """Whether a framework sees the device."""

    device: bool


def measure(binding: Binding, asked: Asked, append: Append) -> None:
    """Leave one record."""
    append(Probed(binding.has_device()))


def require_backends(device: str, backends: Collection[str], modes: Collection[str] = ()) -> dict[str, str]:
    """The installed backends that cannot use the device, and why.

    Args:
        device: `cpu`, which all can use, or `cuda`.
        backends: those asked for by name; empty for all.
        modes: those of the cells.

    Raises:
        BadInput: an unknown backend.
        EnvironmentLacks: a backend that was asked for by name or its compiler is not here, or does not see the device;
            or no backend sees it.
    """
    for name in backends:
        if BACKENDS[one_of("backend", name, tuple(BACKENDS))].lacking():
            raise EnvironmentLacks(BACKENDS[name].remedy())
    if "torch" in backends and "compiled" in modes and (lack := lacking_compiler()):
        raise EnvironmentLacks(lack)
    if device == "cpu":
        return {}
    asked = [name for name in backends or BACKENDS if not BACKENDS[name].lacking()]
    blind = {name: reason for name in asked if (reason := blindness(name, device))}
    if len(blind) == len(asked):
        names = ", ".join(asked) or "any backend"
        raise EnvironmentLacks(f"device '{device}': no GPU that {names} can see; use --device cpu")
    for name in blind:
        if name in backends:
            raise EnvironmentLacks(blind[name])
    return blind


def blindness(backend: str, device: str) -> str:
    """Why a backend cannot use a device, as its framework says in a process of its own; empty where it can."""
    blind = f"device '{device}': no GPU that {backend} can see"
    reasons: list[str] = []

    def take(line: bytes) -> bool:
        reasons.append("" if msgspec.json.decode(line, type=Probed).device else blind)
        return True

    def settle(item: str, status: str, reason: str, tail: str) -> None:
        last = (tail.splitlines() or ["no output"])[-1]
        reasons.append(f"{blind} (backend '{item}' cannot start on device '{device}': {last})")

    job = Job(backend, device, (("workers.probe", Asked()),), cpu_count())
    Child(job, [backend], take=take, settle=settle, timeout_s=math.inf).follow()
    return reasons[0]
