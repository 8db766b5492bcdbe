"""A timing by its key, as it stands in records and in the names of files; no framework is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from ..notations.registry import notations, packages
from ..reference.errors import BadInput
from .plan import FULL, FULL_CUDA, PEERS_BESIDE, QUICK, timings_of
from .timings import Timing
from .workloads import WORKLOADS

CLOSEST = 3
_FORM = "STAGE-WORKLOAD-BATCH-NOTATION-BACKEND-DEVICE-DTYPE-MODE, with -RUNG where the mode is tuned"
_SAMPLES = {"cpu": (QUICK, PEERS_BESIDE, FULL), "cuda": (QUICK, PEERS_BESIDE, FULL_CUDA)}
_ANY_RUNG = "\0"


def find_timing(key: str) -> Timing:
    """The timing of a key.

    Its problem is still to be made, and only the tuner in its own process knows whether there is such a rung.

    Raises:
        BadInput: no timing has the key, or nothing can trace it.
    """
    known = {timing.key: timing for timing in candidates()}
    tuned = [found for timing in known.values() if (found := _at_rung(timing, key))]
    # The shortest rung: `-default-threads` after it could be taken for a part of it.
    found = known.get(key) or min(tuned, key=lambda timing: len(timing.rung), default=None)
    if found is None:
        traced = [name for name, timing in known.items() if timing.cell.mode != "exported"]
        closest = ", ".join(get_close_matches(key, traced, CLOSEST))
        expected = f"a timing, the closest known are {closest}" if closest else _FORM
        raise BadInput(f"--profile: expected {expected}; found '{key}'")
    if found.cell.mode == "exported":
        raise BadInput(f"--profile: expected a mode that a framework executes; found '{key}', run by ONNX Runtime")
    return found


def candidates() -> Iterator[Timing]:
    """Every timing that a run may have, whichever notations it is asked for; those of `tuned` are without a rung."""
    for device, samples in _SAMPLES.items():
        for part in dict.fromkeys(replace(s, notations=None) for sample in samples for s in sample.slices):
            yield from timings_of(part, WORKLOADS[part.workload], notations().values(), packages(), device)


def _at_rung(timing: Timing, key: str) -> Timing | None:
    """A tuned timing at the rung that a key names; None where the rest of the key is not the timing's."""
    if timing.cell.mode != "tuned":
        return None
    before, _, after = replace(timing, rung=_ANY_RUNG).key.partition(_ANY_RUNG)
    rung = key.removeprefix(before).removesuffix(after)
    return replace(timing, rung=rung) if key == f"{before}{rung}{after}" else None
