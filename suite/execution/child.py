"""What every child process does first: keep to its CPUs, and end when its parent does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Collection, Iterable, Sequence


def settle(cpus: Collection[int] | None) -> None:
    """Limit this process to some CPUs (XLA has no other setting for its threads) and watch its parent.

    A killed parent cannot end its children, and a worker that goes on would disturb every later measurement.

    Args:
        cpus: None for all that its parent may use.
    """
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


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
