"""A phase of duels in a run: ladders, or the tests of the timings themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..execution.bench.duels import Duel, run_duels
from ..execution.bench.timings import DUEL
from .folder import RunFolder


@dataclass(frozen=True)
class DuelPhase:
    """Duels of one run folder, whose truths are written."""

    folder: RunFolder
    duels: Sequence[Duel]
    threads: int
    timeout_s: float

    @property
    def total(self) -> int:
        """How many records there will be."""
        return sum(duel.builds for duel in self.duels)

    def run(self, on_record: Callable[[dict[str, Any]], None]) -> None:
        """Measure what has no record yet."""
        run_duels(
            self.duels,
            self.folder.path,
            threads=self.threads,
            timeout_s=self.timeout_s,
            on_record=lambda record: on_record(record) if record["kind"] == DUEL else None,
        )
