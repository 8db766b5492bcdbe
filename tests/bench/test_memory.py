"""The high-water mark of memory is reset for each cell, where the kernel permits it."""

import resource
from pathlib import Path

import numpy as np
import pytest

from elbostone.timing.measure.memory import peak_mb, reset_peak, resident_mb

MIB = 2**20


def held(mib: int) -> None:
    """Allocate `mib` MiB for a moment."""
    assert np.ones(mib * MIB // 8)[-1] == 1


def test_a_peak_is_that_since_the_reset() -> None:
    if not reset_peak():
        pytest.skip("this kernel keeps the high-water mark")
    held(200)
    high, resident = peak_mb(), resident_mb()
    assert resident is not None
    assert high > resident + 150
    assert reset_peak()
    assert peak_mb() < high - 150, "what was held before is forgotten"
    before = peak_mb()
    held(64)
    assert before + 50 < peak_mb() < before + 120


def test_a_kernel_that_does_not_allow_it_leaves_the_process_own_peak(tmp_path: Path) -> None:
    assert not reset_peak(tmp_path / "nowhere")
    assert peak_mb(tmp_path) == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert resident_mb(tmp_path) is None


def test_what_the_kernel_says_is_read(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n", encoding="ascii")
    assert (peak_mb(tmp_path), resident_mb(tmp_path)) == (2.0, 1.0)
    assert reset_peak(tmp_path)
    assert (tmp_path / "clear_refs").read_text(encoding="ascii") == "5"
