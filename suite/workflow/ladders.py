"""The ladders of a run: which rung of each stage is the fastest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..definition.notation import Notation
from ..definition.registry import packages
from ..execution.bench.duels import run_duels
from ..execution.bench.ladders import Ladder, plan_ladders
from ..execution.bench.sample import BenchSample, Proven
from ..execution.bench.timings import ABOUT, DUEL, THROUGHPUT
from ..execution.processor import computes_bfloat16
from ..execution.records import make_record
from .folder import RunFolder
from .throughput import kept_workloads, note, write_expected

NO_BFLOAT16 = "this processor has no bfloat16 products (avx512_bf16, amx_bf16): they would be emulated"


@dataclass(frozen=True)
class Climb:
    """The ladders of a run that are to be measured, and the records of those that this processor has not."""

    folder: RunFolder
    ladders: Sequence[Ladder]
    unsupported: Sequence[dict[str, Any]]
    threads: int
    timeout_s: float

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.ladders)

    def run(self, on_record: Callable[[dict[str, Any]], None]) -> None:
        """Measure those that have no record yet."""
        note(self.folder, self.unsupported)
        run_duels(
            [ladder.duel() for ladder in self.ladders],
            self.folder.path,
            threads=self.threads,
            timeout_s=self.timeout_s,
            on_record=lambda record: on_record(record) if record["kind"] == DUEL else None,
        )


def plan_climb(
    folder: RunFolder,
    sample: BenchSample,
    notations: Iterable[Notation],
    proven: Proven,
    *,
    device: str,
    threads: int,
    timeout_s: float,
    backends: Collection[str] = (),
) -> Climb:
    """The ladders of all stages that a sample has tuned, and their truths."""
    workloads = kept_workloads(folder, sample)
    ladders = plan_ladders(
        sample, workloads, list(notations), packages(), proven, device=device, threads=threads, backends=backends
    )
    emulated = [ladder for ladder in ladders if device == "cpu" and ladder.dtype == "bfloat16"]
    if computes_bfloat16():
        emulated = []
    ladders = [ladder for ladder in ladders if ladder not in emulated]
    write_expected([timing for ladder in ladders for timing in ladder.duel().entries], workloads)
    return Climb(folder, ladders, [_unsupported(ladder) for ladder in emulated], threads, timeout_s)


def _unsupported(ladder: Ladder) -> dict[str, Any]:
    timing = ladder.first[0]
    about = {"kind": THROUGHPUT, **{name: getattr(timing, name) for name in ABOUT}, "pass": None}
    cell = replace(timing.cell, dtype=ladder.dtype, mode="tuned")
    return make_record(cell, "unsupported", NO_BFLOAT16, **about)
