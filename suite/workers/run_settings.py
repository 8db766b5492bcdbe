"""run.json: how and where a run was made."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from ..backends.base import cpu_count
from .machine import described, gpus, processor, processor_features

# History of the schema of run.json:
# 1: first.
RUN_SCHEMA = 1
PACKAGES = (
    "elbostone",
    "numpy",
    "torch",
    "keras",
    "tensorflow",
    "jax",
    "jaxlib",
    "onnxruntime",
    "pytest-benchmark",
    "pythae",
    "pyro-ppl",
    "numpyro",
    "optax",
    "tensorflow-probability",
    "tf-keras",
    "safetensors",
    "msgspec",
    "pandas",
)


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """run.json: how and where a run was made.

    Attributes:
        schema: the schema of run.json.
        created: UTC.
        options: the options of the verb, which `--resume` uses again.
        command: what was typed.
        git_commit: the commit of the folder in which the command was typed.
        python, platform, host, packages: where it ran; packages with their versions.
        cpu, cpu_features, cpus, memory_bytes: the processor, what of it matters here, how many CPUs the run may use.
        gpu, gpus: in words, and as nvidia-smi has them.
        tf32: whether float32 may be TF32: never, as that is a dtype of its own.
    """

    schema: int
    created: str = ""
    options: dict[str, Any] = {}
    command: list[str] = []
    git_commit: str | None = None
    python: str = ""
    platform: str = ""
    host: str = ""
    cpu: str = ""
    cpu_features: list[str] = []
    cpus: int | None = None
    memory_bytes: int | None = None
    gpu: str | None = None
    gpus: list[dict[str, Any]] = []
    tf32: bool = False
    packages: dict[str, str] = {}


def settings_here(stamp: str, options: Mapping[str, Any]) -> RunSettings:
    """The settings of a run that begins now, on this machine.

    Args:
        stamp: the time, UTC.
        options: the options of the verb.
    """
    cards = gpus()
    return RunSettings(
        schema=RUN_SCHEMA,
        created=stamp,
        options=dict(options),
        command=["elbostone", *sys.argv[1:]],
        git_commit=_git_commit(),
        python=platform.python_version(),
        platform=platform.platform(),
        host=socket.gethostname(),
        cpu=processor(),
        cpu_features=processor_features(),
        cpus=cpu_count(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpu=described(cards),
        gpus=cards,
        packages=versions(PACKAGES),
    )


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _git_commit() -> str | None:
    command = ("git", "rev-parse", "HEAD")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None
