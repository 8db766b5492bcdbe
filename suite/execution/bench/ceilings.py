"""The limits of a GPU, through the library that computes on it: its products, its memory, and what state it is in."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..backends import base_dtype
from ..gpu import gpus
from .device import TimingDevice
from .roofs import alternated

SIDE = 8192
MEMORY_BYTES = 2**30


def measure_ceilings(
    device: TimingDevice, dtypes: Iterable[str], *, side: int = SIDE, memory_bytes: int = MEMORY_BYTES
) -> Iterator[dict[str, Any]]:
    """Fields of records as `peaks.peaks_beside` has them, with the state of the cards after them.

    `fma` is the rate of the library's best product of two square matrices, large enough to fill the device; `read` and
    `copy` are of memory that its caches cannot hold, a copy counted as a read and a write.

    Args:
        device: that computes.
        dtypes: of the products.
        side: of the matrices.
        memory_bytes: of the vector.
    """
    generator = np.random.default_rng(0)
    for dtype in dtypes:
        a = generator.standard_normal((side, side), np.float32).astype(base_dtype(dtype))
        if routes := device.product(a, a, dtype):
            yield _figure("fma", dtype, 0, 2 * side**3 / _best_s(device, routes), "FLOP/s")
    vector = np.ones(memory_bytes // 4, np.float32)
    yield _figure("read", "", memory_bytes, memory_bytes / _best_s(device, device.read(vector, "float32")), "byte/s")
    copied = {"copy": device.copy(vector)}
    yield _figure("copy", "", memory_bytes, 2 * memory_bytes / _best_s(device, copied), "byte/s")


def _best_s(device: TimingDevice, routes: dict[str, Any]) -> float:
    wait = device.binding.synchronize
    for call in routes.values():
        wait(call())
    return min(statistics.median(rounds) for rounds in alternated(routes, wait).values()) / 1e9


def _figure(quantity: str, dtype: str, size: int, value: float, unit: str) -> dict[str, Any]:
    figure = {"quantity": quantity, "dtype": dtype, "bytes": size, "threads": None, "value": value, "unit": unit}
    return figure | {"gpus": gpus()}
