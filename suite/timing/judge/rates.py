"""The rates that libraries reached in a run, with which its figures are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...backends.table import precision
from ...reference.spec import Spec
from ..records import Measured, RateRecord
from ..timings import Roofline
from .rooflines import rooflines

#: Libraries that compute on the CPU, whatever the device of the session.
ON_THE_CPU = ("numpy", "onnxruntime")


@dataclass
class Rates:
    """The rooflines of a run, by name.

    Attributes:
        best: (device, roofline) → seconds per call, the best of all libraries, routes and sessions.
        own: (device, library, roofline) → seconds per call, the best of one library.
    """

    best: dict[tuple[str, Roofline], float] = field(default_factory=dict)
    own: dict[tuple[str, str, Roofline], float] = field(default_factory=dict)

    def seconds(self, device: str, roofline: Roofline, library: str | None = None) -> float | None:
        """Seconds per call at the best rate of a library, or of all; None where the run has none."""
        if library is not None:
            return self.own.get((device, library, roofline))
        return self.best.get((device, roofline))


def rates_of(records: Iterable[Measured]) -> Rates:
    """The rates of a run: for every roofline the best median of all sessions."""
    rates, never = Rates(), float("inf")
    for record in records:
        if isinstance(record, RateRecord) and record.seconds is not None:
            device = "cpu" if record.library in ON_THE_CPU else record.device
            roofline = Roofline(record.operation, record.shape, record.dtype)
            of_all, of_one = (device, roofline), (device, record.library, roofline)
            rates.best[of_all] = min(record.seconds, rates.best.get(of_all, never))
            rates.own[of_one] = min(record.seconds, rates.own.get(of_one, never))
    return rates


def share(
    rates: Rates, spec: Spec, row: Mapping[str, Any], seconds: float, *, library: str | None = None
) -> float | None:
    """The time that the roofline allows ÷ the measured time; None where the run has no roofline of these shapes.

    Args:
        rates: the rates of the run.
        spec: the model.
        row: a row with the stage, batch, device and dtype.
        seconds: measured seconds per call.
        library: the library whose rates count; None for the best of all.
    """
    total = 0.0
    for roofline, count in rooflines(spec, row["stage"], row["batch"], precision(row["dtype"])).items():
        found = rates.seconds(row["device"], roofline, library)
        if found is None:
            return None
        total += count * found
    return total / seconds
