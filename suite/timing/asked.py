"""What is asked of the children that measure: sessions, duels, ladders and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

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
        roofs: rates to measure first.
        shared_roofs: whether those of libraries that no backend stands for are among them.
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


FILES = ("problem_file", "notation_file")


class RepetitionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One build of a duel.

    Attributes:
        duel, question, build, labels, tries, blocks, block_s, limit_s: as `Duel` has them.
        entries: the timings, and `slowed` the share by which each is made slower.
        lost: entry → status and reason, of those that a process died or hung in before.
    """

    comparison: str
    question: str
    build: int
    labels: Sequence[str]
    entries: Sequence[Timing]
    slowed: Sequence[float]
    tries: int
    blocks: int
    block_s: float
    limit_s: float | None
    lost: Mapping[int, tuple[str, str]]

    def described(self) -> dict[str, Any]:
        """What its record says of it; where files lie on this machine is no part of that."""
        named = {"duel": self.comparison, "question": self.question, "build": self.build, "labels": self.labels}
        entries = [
            {name: value for name, value in {**timing.as_json(), "slowed": share}.items() if name not in FILES}
            for timing, share in zip(self.entries, self.slowed, strict=True)
        ]
        return {**named, "tries": self.tries, "block_s": self.block_s, "entries": entries}


class ComparisonsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Duels of one backend on one device.

    Attributes:
        backend, device, cold_cache, started, tensors: as `SessionAsked` has them.
        bouts: in the order in which they run.
    """

    backend: str
    device: str
    cold_cache: bool
    started: float
    tensors: str
    repetitions: Sequence[RepetitionAsked]


class StepsAsked(msgspec.Struct, frozen=True):
    """The ladders of some stages; `requests` have problem file, stage, batch and dtype of each."""

    requests: Sequence[tuple[str, str, int, str]]


class ProfileAsked(msgspec.Struct, frozen=True):
    """A trace of one timing, which goes to a folder."""

    timing: Timing
    folder: str
