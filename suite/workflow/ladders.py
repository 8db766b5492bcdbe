"""The ladders of a run: which rung of each stage is the fastest."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from ..definition.notation import Notation
from ..definition.registry import packages
from ..execution.bench.ladders import Ladder, plan_ladders
from ..execution.bench.sample import BenchSample, Proven
from ..execution.processor import computes_bfloat16
from .duels import DuelPhase
from .folder import RunFolder
from .throughput import kept_workloads, note, unmeasured, write_expected

NO_BFLOAT16 = "this processor has no bfloat16 products (avx512_bf16, amx_bf16): they would be emulated"


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
) -> DuelPhase:
    """The ladders of all stages that a sample has tuned, and their truths; what this processor has not is noted."""
    workloads = kept_workloads(folder, sample)
    ladders = plan_ladders(
        sample, workloads, list(notations), packages(), proven, device=device, threads=threads, backends=backends
    )
    if device == "cpu" and not computes_bfloat16():
        note(folder, [_unsupported(ladder) for ladder in ladders if ladder.dtype == "bfloat16"])
        ladders = [ladder for ladder in ladders if ladder.dtype != "bfloat16"]
    duels = [ladder.duel() for ladder in ladders]
    write_expected([timing for duel in duels for timing in duel.entries], workloads)
    return DuelPhase(folder, duels, threads, timeout_s)


def _unsupported(ladder: Ladder) -> dict[str, Any]:
    first = ladder.first[0]
    return unmeasured(
        replace(first, cell=replace(first.cell, dtype=ladder.dtype, mode="tuned")), "unsupported", NO_BFLOAT16
    )
