"""The framework's trace of one timing: its stage is proven and warmed up before calls of it are traced."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from ...backends import Binding
from ...workers.records import Append, Status
from ..asked import ProfileAsked
from ..records import ProfileRecord
from ..timings import Timing
from .building import FirstCall, build_stage, build_subject, open_expected
from .device import open_timing

Asked = ProfileAsked

CALLS, WARM_CALLS = 10, 5
DIFFERS = "differs"
"""The value of `found` in a record whose outputs differ from the reference; None elsewhere."""


def untraced(timing: Timing, status: Status, reason: str, **more: Any) -> ProfileRecord:
    """The record of a timing without a trace."""
    return ProfileRecord(cell=timing.cell, status=status, reason=reason, **timing.about(), **more)


def measure(binding: Binding, asked: ProfileAsked, append: Append) -> None:
    """Trace the timing and write one record."""
    timing = asked.timing
    try:
        record = _traced(binding, timing, Path(asked.folder))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        record = untraced(timing, "failed", reason, traceback=traceback.format_exc()[-4000:])
    append(record)


def _traced(binding: Binding, timing: Timing, folder: Path) -> ProfileRecord:
    """The record of a timing; the trace is in the folder if the outputs are equal to the reference."""
    expected = open_expected(timing)
    stage = build_stage(timing, build_subject(binding, timing))
    first = FirstCall(stage, expected)
    wrong = next((c for c in expected.comparisons(first.tensors, first.rule) if not c.equal), None)
    if wrong is not None:
        return untraced(timing, "failed", wrong.describe(), found=DIFFERS)
    stage.restore()
    for _ in range(WARM_CALLS):
        stage()
    open_timing(binding).profile(stage, CALLS, folder)
    return ProfileRecord(cell=timing.cell, status="ok", **timing.about(), calls=CALLS, **first.about(binding))
