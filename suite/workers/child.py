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
from functools import partial
from importlib import import_module
from pathlib import Path

import msgspec

from ..backends import open_binding
from .jobs import RECORDS, Job
from .records import append_record

# Below glibc's DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB on 64 bits: blocks have heads, and whole pages.
_LARGEST_LEARNT = 31 * 2**20


def main(path: str) -> None:
    """Do what a job asks, part by part; the records go to a file beside the job's."""
    job = msgspec.json.decode(Path(path).read_bytes(), type=Job)
    if job.cpus is not None:
        os.sched_setaffinity(0, job.cpus)  # XLA has no other setting for its threads
    keep_freed_memory()
    # A killed parent cannot end its children, and a worker that goes on would disturb every later measurement.
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    binding = None if job.backend is None else open_binding(job.backend, job.device)
    append = partial(append_record, Path(path).with_name(RECORDS))
    for name, asked in job.parts:
        module = import_module(f"..{name}", __package__)
        module.measure(binding, msgspec.convert(asked, module.Asked, str_keys=True), append)


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
