"""The peak memory of this process, which is reset before each cell."""

from __future__ import annotations

import resource
from pathlib import Path

PROC = Path("/proc/self")
RESET_HIGH_WATER_MARK = "5"
"""The value that makes Linux reset the high-water mark; see proc_pid_clear_refs(5)."""


def reset_peak(proc: Path = PROC) -> bool:
    """Set the process's high-water mark to its present memory. Returns whether the kernel permits it."""
    try:
        (proc / "clear_refs").write_text(RESET_HIGH_WATER_MARK, encoding="ascii")
    except OSError:
        return False
    return True


def peak_mb(proc: Path = PROC) -> float:
    """The peak of resident memory since the last reset, or since the start of the process, in MiB."""
    found = _status(proc, "VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if found is None else found


def resident_mb(proc: Path = PROC) -> float | None:
    """The resident memory, in MiB; None where the kernel does not give it."""
    return _status(proc, "VmRSS")


def _status(proc: Path, name: str) -> float | None:
    try:
        lines = (proc / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), None)
