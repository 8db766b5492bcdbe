"""The child process: one backend on one device, which does the parts of a job.

Its guard, `elbostone.workers.guard`, forks it. It needs NumPy, safetensors, msgspec and its framework, and
pytest-benchmark where it times sessions. It judges nothing.
"""

from __future__ import annotations

import os
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
    """Do a job part by part; the records go to a file beside the job file."""
    job = msgspec.json.decode(Path(path).read_bytes(), type=Job)
    if job.cpus is not None:
        os.sched_setaffinity(0, job.cpus)  # XLA has no other setting for its threads
    keep_freed_memory()
    binding = None if job.backend is None else open_binding(job.backend, job.device)
    append = partial(_append, os.getpid(), Path(path).with_name(RECORDS))
    for name, asked in job.parts:
        module = import_module(f"..{name}", __package__)
        module.measure(binding, msgspec.convert(asked, module.Asked, str_keys=True), append)


def _append(worker: int, records: Path, record: msgspec.Struct) -> None:
    """Add a record, in the worker; a copy of it that an implementation forked ends, and leaves none."""
    if os.getpid() != worker:
        os._exit(0)
    append_record(records, record)


def keep_freed_memory() -> None:
    """Free one large block, so that glibc's adaptive heap limits do not change any more.

    glibc returns freed memory to the kernel above a limit: twice the largest block that was freed before, at most
    64 MiB. Until such a block was freed, the kernel may provide tensors of some MiB page by page at every call: a
    convolutional decoder then takes twice its time, or not, depending on what ran before it in the process. So the
    largest block that counts is freed first. With other C libraries this does nothing.
    """
    bytearray(_LARGEST_LEARNT)
