"""What a figure is held against: the rates that libraries reached in the run, and the limits of the processor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...backends.table import precision
from ...reference.spec import Spec
from ..records import Measured, PeakRecord, RateRecord
from ..timings import Roofline
from .counted_operations import rooflines

#: Libraries that compute on the CPU, whatever the device of the session that asked them.
ON_THE_CPU = ("numpy", "onnxruntime")


@dataclass
class Rates:
    """Rooflines and peaks of a run, each found by its name: to ask for one costs the same however many there are.

    Attributes:
        best: (device, roofline) → seconds per call, the best of all libraries, routes and sessions.
        own: (device, library, roofline) → seconds per call, the best of one library.
        multiply_adds: (device, dtype) → floating-point operations per second, of all threads.
        memory: device → bytes per second that are read from its memory, of all threads.
    """

    best: dict[tuple[str, Roofline], float] = field(default_factory=dict)
    own: dict[tuple[str, str, Roofline], float] = field(default_factory=dict)
    multiply_adds: dict[tuple[str, str], float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    _cached: dict[tuple[str, int], float] = field(default_factory=dict)

    def seconds(self, device: str, roofline: Roofline, library: str | None = None) -> float | None:
        """Seconds per call at the best rate; None where the run has none.

        Reading is also measured without any library, on the CPU and for any dtype: bytes are bytes.

        Args:
            device: that computes.
            roofline: what is to be done.
            library: whose rates count; None for the best of all.
        """
        if library is not None:
            return self.own.get((device, library, roofline))
        found = [self.best[device, roofline]] if (device, roofline) in self.best else []
        if roofline.operation == "read" and (rate := self._cached.get((device, roofline.shape[0]))):
            found.append(roofline.shape[0] / rate)
        return min(found, default=None)


def rates_of(records: Iterable[Measured]) -> Rates:
    """The rates of a run: of every roofline the best of all sessions' medians, of every peak the best of all tries."""
    rates = Rates()
    for record in records:
        if isinstance(record, RateRecord) and record.seconds is not None:
            device = "cpu" if record.library in ON_THE_CPU else record.device
            roofline = Roofline(record.operation, record.shape, record.dtype)
            own = device, record.library, roofline
            rates.best[device, roofline] = min(record.seconds, rates.best.get((device, roofline), float("inf")))
            rates.own[own] = min(record.seconds, rates.own.get(own, float("inf")))
        elif isinstance(record, PeakRecord) and record.value is not None:
            _add_peak(rates, record, record.value)
    return rates


def _add_peak(rates: Rates, record: PeakRecord, value: float) -> None:
    device = record.device
    if record.quantity == "fma" and record.dtype is not None:
        key = device, record.dtype
        rates.multiply_adds[key] = max(value, rates.multiply_adds.get(key, 0.0))
    elif record.quantity == "read" and record.bytes is not None:
        size = device, record.bytes
        rates._cached[size] = max(value, rates._cached.get(size, 0.0))
        # The largest that was read does not fit the cache.
        largest = max(number for where, number in rates._cached if where == device)
        rates.memory[device] = rates._cached[device, largest]


def share(
    rates: Rates, spec: Spec, row: Mapping[str, Any], seconds: float, *, library: str | None = None
) -> float | None:
    """The time that the roofline allows ÷ the measured time; None where the run has no roofline of these shapes.

    Args:
        rates: of the run.
        spec: the model.
        row: its stage, batch, device and dtype.
        seconds: measured per call.
        library: whose rates count; None for the best of all.
    """
    total = 0.0
    for roofline, count in rooflines(spec, row["stage"], row["batch"], precision(row["dtype"])).items():
        found = rates.seconds(row["device"], roofline, library)
        if found is None:
            return None
        total += count * found
    return total / seconds
