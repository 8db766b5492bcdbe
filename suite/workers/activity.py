"""What was asked for against what was active: another device, dtype or number of threads is no outcome."""

from __future__ import annotations

import msgspec

from ..backends.table import base_dtype, host_of
from .records import Active, Cell, Record


def verified(record: Record, threads: int | None) -> Record:
    """The record, or `failed` where something else ran than was asked for; None for any number of threads."""
    if record.status != "ok" or record.active is None:
        return record
    reason = unlike(record.cell, record.active, threads)
    return record if reason is None else msgspec.structs.replace(record, status="failed", reason=reason)


def unlike(cell: Cell, active: Active, threads: int | None) -> str | None:
    """What was not as it was asked for, in words; None where all was."""
    wanted: dict[str, str | int] = {
        "backend": host_of(cell.backend),
        "device": cell.device,
        "dtype": base_dtype(cell.dtype),
    }
    if threads is not None:
        wanted["threads"] = threads
    if cell.dtype.endswith("as-shipped"):
        wanted.pop("dtype")  # what comes out of an operation that demotes is what this dtype is there to show
    if cell.dtype == "bfloat16" and active.dtype == "bfloat16":
        wanted["dtype"] = "bfloat16"  # sums are kept in float32; what a net returns may be either
    for name, value in wanted.items():
        if getattr(active, name) != value:
            return f"asked for {name} {value}, but {getattr(active, name)} was active"
    return None
