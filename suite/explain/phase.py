"""How do losses reach a worker, and how do answers come back? After a crash another worker explains the rest."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..report.console import stderr
from ..workers.jobs import Job, Parts
from ..workers.supervisor import Child
from . import plan
from .records import Asked, Explained


def asked(
    entry: str, at: dict[str, float], values: dict[str, Any], roles: dict[str, str], guide: str | None = None
) -> Asked:
    """The request to a worker for an entry FILE:NAME.

    Args:
        entry: FILE.py:NAME or MODULE:NAME.
        at: sizes at which expressions are evaluated.
        values: argument → value.
        roles: argument → role.
        guide: the name of the guide of a model of Pyro or NumPyro.

    Raises:
        BadInput: the file does not exist, or is no Python.
        EnvironmentLacks: its framework is not installed.
    """
    file, name = plan.entry(entry)
    framework, keras = plan.framework_of(file)
    return Asked(file, name, framework, keras, at, values, roles, time.time(), guide=guide or "")


def answered(what: Asked, timeout_s: float) -> Explained:
    """Explain in a process of its own, with a spinner on stderr; a crash, an exit or a hang is an outcome too."""
    with stderr.status(f"explain {what.name} ({what.framework})"):
        return explained_in_one_worker([msgspec.structs.replace(what, limit_s=timeout_s)], timeout_s)[0]


def explained_in_one_worker(several: Sequence[Asked], timeout_s: float) -> list[Explained]:
    """The outcomes of several losses of one framework, in order; each is stopped after `timeout_s` seconds."""
    found: list[Explained] = []

    def take(line: bytes) -> bool:
        found.append(msgspec.json.decode(line, type=Explained))
        return True

    def settle(item: Asked, status: str, reason: str, tail: str) -> None:
        last = (tail.splitlines() or ["it printed nothing"])[-1]
        where = _line_in(tail, item.target) or f"; last output: {last[:300]}"
        found.append(Explained(raised=f"{reason}{where}"))

    left = list(several)
    while left:
        environment = plan.environment(left[0].framework, left[0].keras)
        parts: Parts = tuple(("explain.measure", asked) for asked in left)
        left = Child(
            Job(None, parts=parts, environment=environment), left, take=take, settle=settle, timeout_s=timeout_s
        ).follow()
    return found


def _line_in(tail: str, file: str) -> str:
    """The user's line in the traceback at the end of the output, as text; empty if there is no traceback."""
    lines = re.findall(rf'File "{re.escape(file)}", line (\d+)', tail)
    return f" at {Path(file).name}, line {lines[0]}" if lines else ""
