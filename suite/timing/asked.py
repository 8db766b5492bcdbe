"""What is asked of the children that measure: sessions, paired comparisons, optimisation steps and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import msgspec

from ..backends.table import base_dtype
from ..workers.records import Status
from .records import ArmRecord, ComparisonRecord, Outcome
from .timings import Roofline, Timing


class SessionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One session: one backend on one device.

    Attributes:
        backend, device: what stands in its records.
        number: the pass, from 1.
        cold_cache: whether it finds no compile cache.
        max_time_s: of one timing.
        started: `time.time()` when the parent started it.
        tensors: the folder that outputs go to.
        rooflines: rates to measure first.
        shared_rooflines: whether those of libraries that no backend stands for are among them.
        timings: in the order in which they run.
        options: of pytest.
    """

    backend: str
    device: str
    number: int
    cold_cache: bool
    max_time_s: float
    started: float
    tensors: str
    rooflines: Sequence[Roofline]
    shared_rooflines: bool
    timings: Sequence[Timing]
    options: Sequence[str]


STEPS = "ladder"
"""The question of a comparison that finds the fastest optimisation step of a stage."""

# Why these: tests/unit/test_paired_comparisons.py has them against the noise that is seen on shared cores.
BLOCKS = 100
BLOCK_S = 4e-3


@dataclass(frozen=True)
class PairedComparison:
    """Timings that are measured against each other: two of them, or all optimisation steps of a stage.

    Attributes:
        name: what is asked, e.g. `ladder-training_step-784-400-20-128-torch`; unique in a run.
        question: what kind of question that is: `mode`, `ladder`, `aa`, ...
        entries: the arms, of one backend, device, number of threads and dtype that holds tensors. Each gets a model of
            its own, so that the same timing may be there twice.
        labels: what each arm is, or adds to the one before it, in words for readers; empty for none.
        slowed: by which share of its own time each arm's calls are made slower; empty for none.
        builds: how often the models are built anew: where their arrays lie in memory is then another.
        tries: how often what was built is measured, each time in so many blocks.
        blocks: of a try; each of them measures every arm twice.
        block_s: seconds that an arm takes of a block, in as many calls as that needs, at least two.
        limit_s: seconds after which a try begins no other block, once it has as many as an interval needs.
    """

    name: str
    question: str
    entries: tuple[Timing, ...]
    labels: tuple[str, ...] = ()
    slowed: tuple[float, ...] = ()
    builds: int = 1
    tries: int = 1
    blocks: int = BLOCKS
    block_s: float = BLOCK_S
    limit_s: float | None = None

    def __post_init__(self) -> None:
        kinds = {(*_group(timing), base_dtype(timing.cell.dtype)) for timing in self.entries}
        if len(kinds) != 1:
            found = ", ".join(timing.key for timing in self.entries)
            expected = "one backend, device, dtype and number of threads"
            raise ValueError(f"comparison {self.name}: expected {expected}; {found}")
        if self.slowed and len(self.slowed) != len(self.entries):
            raise ValueError(f"comparison {self.name}: {len(self.slowed)} shares for {len(self.entries)} entries")

    @property
    def group(self) -> tuple[str, str, bool, str]:
        """Comparisons of one group share a process."""
        return _group(self.entries[0])

    @property
    def shares(self) -> tuple[float, ...]:
        """By how much each arm is slowed."""
        return self.slowed or (0.0,) * len(self.entries)


def _group(timing: Timing) -> tuple[str, str, bool, str]:
    cell = timing.cell
    return cell.backend, cell.device, cell.dtype.startswith("float64"), timing.threads


class Repetition(msgspec.Struct, frozen=True):
    """One build of a paired comparison.

    Attributes:
        comparison: what is built.
        build: which one, from 1.
        lost: index → status and reason, of the arms that a process died or hung in before.
    """

    comparison: PairedComparison
    build: int
    lost: Mapping[int, tuple[Status, str]] = {}

    def record(
        self,
        status: Status,
        reason: str | None,
        outcomes: Sequence[Outcome] = (),
        blocks_ns: Sequence[list[list[float | None]]] = (),
        *,
        cold_cache: bool | None = None,
        traceback: str | None = None,
    ) -> ComparisonRecord:
        """Its record; where files lie on this machine is no part of that."""
        asked = self.comparison
        entries = [
            ArmRecord(**asdict(timing.cell), package=timing.package, **timing.about(), slowed=share)
            for timing, share in zip(asked.entries, asked.shares, strict=True)
        ]
        return ComparisonRecord(
            backend=asked.entries[0].cell.backend,
            device=asked.entries[0].cell.device,
            status=status,
            reason=reason,
            name=asked.name,
            question=asked.question,
            build=self.build,
            labels=asked.labels,
            tries=asked.tries,
            block_s=asked.block_s,
            entries=entries,
            cold_cache=cold_cache,
            outcomes=list(outcomes),
            blocks_ns=list(blocks_ns),
            traceback=traceback,
        )


class ComparisonsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Paired comparisons of one backend on one device.

    Attributes:
        backend, device, cold_cache, started, tensors: as `SessionAsked` has them.
        repetitions: in the order in which they run.
    """

    backend: str
    device: str
    cold_cache: bool
    started: float
    tensors: str
    repetitions: Sequence[Repetition]


class ProfileAsked(msgspec.Struct, frozen=True):
    """A trace of one timing, which goes to a folder."""

    timing: Timing
    folder: str
