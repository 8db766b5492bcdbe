"""The processor of this machine, as the kernel tells it."""

from __future__ import annotations

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Flags of x86, and the last of Arm, for products of bfloat16."""
NOTED = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_tile", "asimd", "sve", *BFLOAT16)
"""The flags by which two processors of one name can differ in speed."""


def model(cpuinfo: Path = CPUINFO) -> str:
    """Its name."""
    return _field(cpuinfo, "model name") or platform.processor()


def features(cpuinfo: Path = CPUINFO) -> list[str]:
    """Those of `NOTED` that it has; none where the kernel does not say."""
    flags = (_field(cpuinfo, "flags") or _field(cpuinfo, "Features") or "").split()
    return [name for name in NOTED if name in flags]


def computes_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether it multiplies bfloat16: where it does not, torch emulates it, some ten times slower than float32."""
    return bool(set(BFLOAT16) & set(features(cpuinfo)))


def keeps_float32(cpuinfo: Path = CPUINFO) -> bool:
    """Whether oneDNN computes float32 products in float32 though it is permitted bfloat16: x86 without AMX."""
    found = features(cpuinfo)
    return "avx2" in found and "amx_bf16" not in found


def _field(cpuinfo: Path, name: str) -> str | None:
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), None)
