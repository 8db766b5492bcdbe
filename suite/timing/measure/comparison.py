"""The inside of a paired comparison: arms built side by side in one process and measured in blocks that alternate."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from ...backends import Binding
from ...backends.table import COMPILED_MODES
from ...workers.records import Append, Status
from ..asked import ComparisonsAsked, PairedComparison, Repetition
from ..comparisons import Progress
from ..records import ComparisonRecord, Outcome, SessionRecord
from ..timings import Timing
from .blocks import MIN_BLOCKS, Arm, Slowed, alternate
from .building import FirstCall, build_stage, build_subject, keep_outputs, open_expected
from .device import open_timing
from .harness import PAIRED
from .stages import Stage

Asked = ComparisonsAsked

# A try whose calls became much slower than they were (another process on the same cores) ends after so many times what
# it should have taken, but not before MIN_BLOCKS.
OVERRUN = 4


@dataclass
class Entry:
    """One arm of a comparison, its stage, and what became of it."""

    timing: Timing
    share: float
    stage: Stage | None = None
    arm: Arm | None = None
    first: FirstCall | None = None
    outcome: Outcome = field(default_factory=Outcome)

    def lose(self, status: Status, reason: str, trace: str = "") -> None:
        """Leave it out from here on."""
        self.outcome = Outcome(status=status, reason=reason, traceback=trace)
        self.stage = self.arm = None

    def build(self, binding: Binding) -> None:
        """Make its model and its stage."""
        self.stage = build_stage(self.timing, build_subject(binding, self.timing))

    def first_call(self, binding: Binding) -> None:
        """Call it once, and note what that took and returned."""
        assert self.stage is not None
        self.first = FirstCall(self.stage, open_expected(self.timing))
        self.outcome = Outcome(**self.first.about(binding))

    def calibrate(self, run_s: float) -> None:
        """Make it ready to be measured, if what it returned is equal to the reference."""
        assert self.stage is not None
        assert self.first is not None
        if not self.first.equal:
            return
        self.arm = Arm(Slowed(self.stage, self.share) if self.share else self.stage)
        self.arm.calibrate(run_s)
        self.outcome = replace(self.outcome, calls=self.arm.calls)

    def finish(self, folder: Path, stem: str) -> None:
        """Call it once more from its start, and keep what both calls returned."""
        assert self.first is not None
        after = self.first.tensors
        if self.arm is not None:
            call = self.arm.call
            slowed_by = call.slowed_by if isinstance(call, Slowed) else None
            after = self.first.again()
            self.outcome = replace(self.outcome, slowed_by=slowed_by)
        self.outcome = replace(self.outcome, **keep_outputs(folder, stem, self.first.tensors, after))


def measure(binding: Binding, asked: ComparisonsAsked, append: Append) -> None:
    """Measure all repetitions."""
    ComparisonSession(binding, asked, append).run()


class ComparisonSession:
    """One backend on one device in one process, with the repetitions that are asked for.

    Args:
        binding: what executes them.
        asked: what the parent asks.
        append: writes a record.
    """

    def __init__(self, binding: Binding, asked: ComparisonsAsked, append: Append):
        self.binding, self.asked, self.append = binding, asked, append
        self.folder = Path(asked.tensors)
        imported = time.time() - asked.started
        if any(
            timing.cell.mode in COMPILED_MODES
            for repetition in asked.repetitions
            for timing in repetition.comparison.entries
        ):
            open_timing(binding).start_compiler()
        self.append(
            SessionRecord(
                backend=asked.backend,
                device=asked.device,
                path=PAIRED,
                versions=self.binding.versions(),
                import_s=imported,
            )
        )

    def run(self) -> None:
        """All of it."""
        for repetition in self.asked.repetitions:
            self.append(self._run(repetition))

    def _run(self, repetition: Repetition) -> ComparisonRecord:
        asked = repetition.comparison
        entries = [Entry(timing, share) for timing, share in zip(asked.entries, asked.shares, strict=True)]
        for index, (status, reason) in repetition.lost.items():
            entries[index].lose(status, reason)
        # All are built before any is called: a compiler that is reset for each that is built forgets nothing it made.
        self._each(entries, lambda index, entry: entry.build(self.binding))
        self._each(entries, lambda index, entry: entry.first_call(self.binding))
        self._each(entries, lambda index, entry: entry.calibrate(asked.block_s / 2))
        blocks_ns = self._measure(asked, entries)
        stem = f"{asked.name}-build-{repetition.build}-entry"
        self._each(entries, lambda index, entry: entry.finish(self.folder, f"{stem}-{index}"))
        outcomes = [entry.outcome for entry in entries]
        lost = outcomes[0] if not blocks_ns else Outcome()
        return repetition.record(lost.status, lost.reason, outcomes, blocks_ns, cold_cache=self.asked.cold_cache)

    def _measure(self, asked: PairedComparison, entries: Sequence[Entry]) -> list[list[list[float | None]]]:
        """Nanoseconds per call: [try][block][entry]; None for an entry that was lost."""
        present = [index for index, entry in enumerate(entries) if entry.arm is not None]
        arms = [entry.arm for entry in entries if entry.arm is not None]
        # What the one before has left in the caches is no part of what many calls in a row take. It must not be a part
        # of what a single call takes either that is held against those.
        for arm in arms:
            arm.warm = any(other.calls > 1 for other in arms)
        found: list[list[list[float | None]]] = []
        for _ in range(asked.tries if arms else 0):
            self._progress(None)
            block_s = sum(arm.run() for arm in arms) * 2 / 1e9
            limits = [OVERRUN * asked.blocks * block_s, asked.limit_s]
            limit_s = min(seconds for seconds in limits if seconds is not None)
            rows = alternate(arms, asked.blocks, limit_s, back=MIN_BLOCKS * block_s <= limit_s)
            whole: list[list[float | None]] = [[None] * len(entries) for _ in rows]
            for row, measured in zip(whole, rows, strict=True):
                for index, ns in zip(present, measured, strict=True):
                    row[index] = ns
            found.append(whole)
        return found

    def _each(self, entries: Sequence[Entry], do: Callable[[int, Entry], None]) -> None:
        """Do something with every entry that is still in; what it raises costs that entry alone.

        Each is said to the parent, which may find that this process died or hung in it.
        """
        for index, entry in enumerate(entries):
            if entry.outcome.status != "ok":
                continue
            self._progress(index)
            try:
                do(index, entry)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                entry.lose("failed", reason, traceback.format_exc()[-4000:])

    def _progress(self, entry: int | None) -> None:
        self.append(Progress(entry))
