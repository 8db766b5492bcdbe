"""What every child process does first: keep to its CPUs, keep its memory, and end when its parent does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Collection, Iterable, Sequence

# Below glibc's DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB on 64 bits: blocks have heads, and whole pages.
_LARGEST_LEARNT = 31 * 2**20


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


def least_used(threads: int, taken: Iterable[Sequence[int]] = ()) -> list[int]:
    """As many CPUs as threads, those first that the fewest of the `taken` sets hold."""
    use = dict.fromkeys(sorted(os.sched_getaffinity(0)), 0)
    for cpus in taken:
        for cpu in cpus:
            use[cpu] += 1
    return sorted(sorted(use, key=lambda cpu: use[cpu])[:threads])
