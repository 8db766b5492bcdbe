"""The requests to children that measure: a session, or a trace."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from .timings import Roofline, Timing


class SessionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One session: one backend on one device.

    Attributes:
        backend, device: the names in its records.
        number: the pass, from 1.
        cold_cache: whether its compile cache is empty at the start.
        max_time_s: the longest time of one timing, in seconds.
        started: `time.time()` when the parent started it.
        tensors: the folder of the outputs.
        rooflines: rates to measure first.
        with_numpy: whether NumPy's rates are among them.
        timings: in the order in which they run.
        options: the options of pytest.
    """

    backend: str
    device: str
    number: int
    cold_cache: bool
    max_time_s: float
    started: float
    tensors: str
    rooflines: Sequence[Roofline]
    with_numpy: bool
    timings: Sequence[Timing]
    options: Sequence[str]


class ProfileAsked(msgspec.Struct, frozen=True):
    """A request to trace one timing into a folder."""

    timing: Timing
    folder: str
