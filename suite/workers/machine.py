"""The processor, as reported by the kernel, and the state of NVIDIA GPUs, as reported by nvidia-smi."""

from __future__ import annotations

import csv
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Flags of x86, and the last of Arm, for products of bfloat16."""
NOTED = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_tile", "asimd", "sve", *BFLOAT16)
"""The flags by which two processors of one name can differ in speed."""

#: Field of a record → what nvidia-smi calls it, and the type of its values.
FIELDS: dict[str, tuple[str, type]] = {
    "name": ("name", str),
    "driver": ("driver_version", str),
    "performance_state": ("pstate", str),
    "persistence": ("persistence_mode", str),
    "memory_mib": ("memory.total", float),
    "memory_used_mib": ("memory.used", float),
    "sm_clock_mhz": ("clocks.sm", float),
    "memory_clock_mhz": ("clocks.mem", float),
    "sm_clock_max_mhz": ("clocks.max.sm", float),
    "memory_clock_max_mhz": ("clocks.max.mem", float),
    "power_w": ("power.draw", float),
    "power_limit_w": ("power.limit", float),
    "temperature_c": ("temperature.gpu", float),
}
QUERY = ",".join(name for name, _ in FIELDS.values())
COMMAND = ("nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits")
TIMEOUT_S = 20
# nvidia-smi prints these for an unknown value: "[N/A]", "[Not Supported]", "[Unknown Error]".
UNKNOWN = "["


def gpus(command: Sequence[str] = COMMAND) -> list[dict[str, Any]]:
    """The cards and their state now; none where nvidia-smi is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return []
    return parse_gpus(done.stdout)


def parse_gpus(text: str) -> list[dict[str, Any]]:
    """One dictionary per line of what `COMMAND` prints: the fields of `FIELDS`, None where the card does not say.

    Raises:
        ValueError: a line has other fields.
    """
    found = []
    for values in csv.reader(text.splitlines(), skipinitialspace=True):
        if not values:
            continue
        if len(values) != len(FIELDS):
            raise ValueError(f"nvidia-smi: expected {len(FIELDS)} values; found {len(values)}: {', '.join(values)}")
        texts = dict(zip(FIELDS, map(str.strip, values), strict=True))
        known = {name: text for name, text in texts.items() if text and not text.startswith(UNKNOWN)}
        found.append({name: kind(known[name]) if name in known else None for name, (_, kind) in FIELDS.items()})
    return found


def described(cards: Sequence[dict[str, Any]]) -> str | None:
    """The cards in one line; None where there are none."""
    memory = [f", {card['memory_mib']:.0f} MiB" if card["memory_mib"] is not None else "" for card in cards]
    return "; ".join(f"{c['name']}, driver {c['driver']}{mib}" for c, mib in zip(cards, memory, strict=True)) or None


def processor(cpuinfo: Path = CPUINFO) -> str:
    """The name of the processor."""
    return _field(cpuinfo, "model name") or platform.processor()


def processor_features(cpuinfo: Path = CPUINFO) -> list[str]:
    """The flags of `NOTED` that the processor has; none where the kernel does not report them."""
    flags = (_field(cpuinfo, "flags") or _field(cpuinfo, "Features") or "").split()
    return [name for name in NOTED if name in flags]


def computes_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor multiplies bfloat16; elsewhere torch emulates it, some ten times slower than float32."""
    return bool(set(BFLOAT16) & set(processor_features(cpuinfo)))


def keeps_float32(cpuinfo: Path = CPUINFO) -> bool:
    """Whether oneDNN computes float32 products in float32 though it is permitted bfloat16: x86 without AMX."""
    found = processor_features(cpuinfo)
    return "avx2" in found and "amx_bf16" not in found


def _field(cpuinfo: Path, name: str) -> str | None:
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), None)
