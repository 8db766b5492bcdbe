"""The limits of the processor itself, by a program that is compiled where it runs: no framework can measure them.

Its source, `peaks.cpp`, ships with the package; the compiler is the one that `torch.compile` needs as well.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..workers.records import Status, append_record
from ..workers.supervisor import least_used
from .records import PeakRecord

SOURCE = Path(__file__).with_name("peaks.cpp")
COMPILERS = ("g++", "clang++", "c++")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-pthread")
LEAST_DRAM_BYTES = 256 * 2**20
TIMEOUT_S = 120


class NoPeaksError(Exception):
    """The program cannot be had here; the message says why."""


@contextmanager
def peaks_beside(records: Path, threads: int, read_bytes: Iterable[int]) -> Iterator[None]:
    """Measure before and after what is done inside, so that a change of the clock shows, and append the records.

    Each record is of kind `peak`: quantity (`fma`: fused multiply-adds, or products of bfloat16 where the processor
    has them; `triad`, `read`: bandwidth), dtype, bytes (of all arrays; 0 for registers), threads, value, unit, when.
    Without a compiler there is one record, whose value is null and whose reason says why; nothing fails.

    Args:
        records: the run's.
        threads: of one operation; every figure is there with one thread too.
        read_bytes: sizes of weights whose reading is measured, beside that of memory.
    """
    sizes = sorted(set(read_bytes))
    with tempfile.TemporaryDirectory(prefix="elbostone-peaks-") as scratch:
        program: Path | None = None
        try:
            program = compiled(Path(scratch))
        except NoPeaksError as error:
            _append(records, str(error), "before", {})
        else:
            _measure(program, records, threads, sizes, "before")
        yield
        if program:
            _measure(program, records, threads, sizes, "after")


def compiled(folder: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The program, compiled for this processor.

    Args:
        folder: where it goes.
        environment: whose CXX, where it is set, is the compiler.

    Raises:
        NoPeaksError: there is no compiler, or it fails.
    """
    named = environment.get("CXX")
    names = [named] if named else [name for name in COMPILERS if shutil.which(name, path=environment.get("PATH"))]
    if not names:
        raise NoPeaksError(f"no C++ compiler: none of {', '.join(COMPILERS)} is installed, and CXX is not set")
    program = folder / "peaks"
    _output([*shlex.split(names[0]), *FLAGS, "-o", str(program), str(SOURCE)], environment)
    return program


def measured(program: Path, threads: int, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Run it in a process of its own, on the CPUs that a session uses.

    Raises:
        NoPeaksError: it fails or hangs.
    """
    cpus = ",".join(map(str, least_used(threads)))
    command = [str(program), str(threads), cpus, str(dram_bytes()), *map(str, sizes)]
    return [json.loads(line) for line in _output(command, os.environ).splitlines()]


def dram_bytes(cache: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Bytes that the last-level cache cannot hold: eight times its size, or 256 MiB where that is more."""
    sizes = [LEAST_DRAM_BYTES]
    for file in cache.glob("index*/size"):
        text = file.read_text(encoding="ascii").strip()
        sizes.append(8 * int(text[:-1]) * {"K": 2**10, "M": 2**20}[text[-1]])
    return max(sizes)


def _output(command: Sequence[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
    except OSError as error:
        raise NoPeaksError(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NoPeaksError(f"{command[0]}: no outcome within {TIMEOUT_S} s") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["nothing"])[-1]
        raise NoPeaksError(f"{command[0]}: exit code {error.returncode}: {said}") from None
    return done.stdout


def _measure(program: Path, records: Path, threads: int, sizes: Sequence[int], when: str) -> None:
    try:
        for figure in measured(program, threads, sizes):
            _append(records, None, when, figure)
    except NoPeaksError as error:
        _append(records, str(error), when, {})


def _append(records: Path, reason: str | None, when: str, figure: Mapping[str, Any]) -> None:
    status: Status = "missing" if reason else "ok"
    append_record(records, PeakRecord(device="cpu", when=when, status=status, reason=reason, **figure))
