"""The framework's own trace of one timing: its stage is proven and warm before some calls of it are traced."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ...backends import Binding
from ...workers.jobs import Job
from ...workers.records import Append, Status, as_record, verified
from ...workers.supervisor import Child, Lost
from ..asked import ProfileAsked
from ..records import ProfileRecord
from ..timings import Timing, thread_limit
from .building import FirstCall, build_stage, build_subject, open_expected
from .device import open_timing

Asked = ProfileAsked

CALLS, WARM_CALLS = 10, 5
DIFFERS = "differs"
"""What a record has as its `found` where the timing does not return what it should; None elsewhere."""


def run_profile(timing: Timing, folder: Path, *, threads: int, timeout_s: float) -> ProfileRecord:
    """Trace a timing in a process of its own, in the environment in which it is timed.

    Args:
        timing: its problem is written, and what it must return beside it.
        folder: an empty one, for what the framework leaves.
        threads: of one operation, where the timing's are pinned.
        timeout_s: how long all of it may take.

    Returns:
        one record: `reason` says why there is no trace, `found` whether it is the timing's own fault, `files` what
        the framework left.
    """
    cell = timing.cell
    limit = thread_limit(timing, threads)
    found: list[ProfileRecord] = []

    def take(line: bytes) -> bool:
        found.append(as_record(json.loads(line), ProfileRecord))
        return True

    def settle(item: Timing, status: Lost, reason: str, tail: str) -> None:
        found.append(_record(item, status, reason, traceback=tail))

    job = Job(
        cell.backend,
        cell.device,
        (("timing.measure.profiling", ProfileAsked(timing, str(folder.resolve()))),),
        limit,
        x64=cell.dtype.startswith("float64"),
        tf32=cell.dtype == "tf32",
    )
    Child(job, [timing], take=take, settle=settle, timeout_s=timeout_s, name="session", lingers=True).follow()
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return replace(verified(found[0], limit), files=files)


def _record(timing: Timing, status: Status, reason: str | None = None, **more: Any) -> ProfileRecord:
    return ProfileRecord(cell=timing.cell, status=status, reason=reason, **timing.about(), **more)


def measure(binding: Binding, asked: ProfileAsked, append: Append) -> None:
    """Leave one record."""
    timing = asked.timing
    try:
        record = _traced(binding, timing, Path(asked.folder))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        record = _record(timing, "failed", reason, traceback=traceback.format_exc()[-4000:])
    append(record)


def _traced(binding: Binding, timing: Timing, folder: Path) -> ProfileRecord:
    """The record of a timing; its trace is in the folder if it is proven."""
    expected = open_expected(timing)
    stage = build_stage(timing, build_subject(binding, timing))
    first = FirstCall(stage, expected)
    wrong = next((c for c in expected.comparisons(first.tensors, first.rule) if not c.equal), None)
    if wrong is not None:
        return _record(timing, "failed", wrong.describe(), found=DIFFERS)
    stage.restore()
    for _ in range(WARM_CALLS):
        stage()
    open_timing(binding).profile(stage, CALLS, folder)
    return _record(timing, "ok", calls=CALLS, **first.about(binding))
