"""The child process: one backend on one device, and what a job's capabilities ask of it.

Run as `python -P -m elbostone.workers.child JOB.json`. It needs NumPy, safetensors, msgspec and its framework, and
pytest-benchmark where it times sessions; it judges nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Collection
from functools import partial
from importlib import import_module
from pathlib import Path

import msgspec

from ..backends import open_binding
from .jobs import Capability, Job
from .records import append_record

ROOT = __name__.partition(".")[0] if __name__ != "__main__" else str(__package__).partition(".")[0]
# Each module has a struct `Asked` and a function `measure(binding, asked, append)`, and is imported when a job asks it.
MEASURES: dict[Capability, str] = {
    "probe": "workers.probe",
    "equality": "equality.measure",
    "claims": "claims.measure",
    "theta": "theta.measure",
    "session": "timing.measure.plugin",
    "comparisons": "timing.measure.comparison",
    "profile": "timing.measure.profiling",
}

# Below glibc's DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB on 64 bits: blocks have heads, and whole pages.
_LARGEST_LEARNT = 31 * 2**20


def main(path: str) -> None:
    """Do what a job asks, part by part."""
    job = msgspec.json.decode(Path(path).read_bytes(), type=Job)
    settle(job.cpus)
    binding = open_binding(job.backend, job.device)
    for part in job.parts:
        module = import_module(f"{ROOT}.{MEASURES[part.capability]}")
        asked = msgspec.json.decode(part.asked, type=module.Asked)
        module.measure(binding, asked, partial(append_record, Path(job.records)))


def settle(cpus: Collection[int] | None) -> None:
    """Limit this process to some CPUs (XLA has no other setting for its threads), fix its heap, and watch its parent.

    A killed parent cannot end its children, and a worker that goes on would disturb every later measurement.

    Args:
        cpus: None for all that its parent may use.
    """
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    keep_freed_memory()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def keep_freed_memory() -> None:
    """Bring the heap of a C library that learns to where it will not change any more.

    glibc gives freed memory back to the kernel from twice the largest block on that was freed before, at most 64 MiB.
    Until such a block was freed, tensors of some MiB can come anew from the kernel at every call, page by page: a
    convolutional decoder then takes twice its time, or not, by what ran before it in the process. So the largest block
    that counts is freed first. Elsewhere this does nothing.
    """
    bytearray(_LARGEST_LEARNT)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)  # the group: compilers that this process started end too


if __name__ == "__main__":
    main(sys.argv[1])
