"""Run folders: what a run leaves, where it was made, and how it is found again."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from ..reference.comparison import Tensors
from ..reference.errors import BadInput
from ..reference.problem import Problem, load_problem, read_tensors
from .machine import described, gpus, processor, processor_features
from .packed import PACKED
from .records import Record, read_records_of
from .supervisor import cpu_threads

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
    """run.json: what a reader needs to know of how and where a run was made.

    Attributes:
        schema: of run.json.
        created: UTC.
        options: of the verb, by which `--resume` goes on.
        command: what was typed.
        git_commit: of the folder in which it was typed.
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


@dataclass(frozen=True)
class RunFolder:
    """One run: run.json, the problems, records as they came, tensors, tables.

    A run that was committed has no problems and no tensors, and its records in one compressed file.
    """

    path: Path

    @property
    def packed(self) -> Path:
        """The records of a committed run."""
        return self.path / PACKED

    @property
    def records(self) -> Path:
        """The records: those of a committed run, or those that may still grow."""
        return self.packed if self.packed.exists() else self.path / "records.jsonl"

    @property
    def problems(self) -> Path:
        return self.path / "problems"

    def records_of(self, kind: type[Record]) -> list[Record]:
        """The records of one kind so far."""
        return read_records_of(self.records, kind) if self.records.exists() else []

    def tensors_of(self, name: str) -> Tensors:
        """A record's tensors by file name."""
        return read_tensors(self.path / "tensors" / name)

    def all_problems(self) -> list[Problem]:
        """The run's problems."""
        return [load_problem(path) for path in sorted(self.problems.glob("*.json"))]

    def settings(self) -> RunSettings:
        """run.json.

        Raises:
            BadInput: the folder holds no run.json, or one that is newer than this reader.
        """
        path = self.path / "run.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadInput(f"{path}: expected a run folder; cannot read run.json: {error.strerror}") from None
        except ValueError as error:
            raise BadInput(f"{path}: expected JSON; found {error}") from None
        if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
            raise BadInput(f"{path}: expected a run with a schema")
        if document["schema"] > RUN_SCHEMA:
            raise BadInput(f"{path}: expected schema {RUN_SCHEMA} or older; found {document['schema']}")
        try:
            return msgspec.convert(document, RunSettings)
        except msgspec.ValidationError as error:
            raise BadInput(f"{path}: expected the settings of a run; found: {error}") from None

    def write_settings(self, settings: RunSettings) -> None:
        """run.json, anew."""
        document = msgspec.to_builtins(settings)
        (self.path / "run.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def create_run(out: Path, options: Mapping[str, Any]) -> RunFolder:
    """A new run folder `<UTC>-<host>` under `out`, with its run.json.

    Raises:
        BadInput: `out` cannot be written to.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    base = f"{stamp}-{socket.gethostname().partition('.')[0] or 'host'}"
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        folder = out / f"{base}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise BadInput(f"{out}: cannot be written to: {error.strerror}") from None
        run = RunFolder(folder.resolve())  # absolute: every worker runs in an empty folder of its own
        cards = gpus()
        run.write_settings(
            RunSettings(
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
                cpus=cpu_threads(),
                memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
                gpu=described(cards),
                gpus=cards,
                packages=versions(PACKAGES),
            )
        )
        return run
    raise BadInput(f"{out}: a hundred runs in one second")


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


def open_for_resume(path: Path) -> RunFolder:
    """A run folder to go on with; a line that a kill cut off is dropped.

    Raises:
        BadInput: the folder is no run, or a committed one.
    """
    folder = RunFolder(path.resolve())
    folder.settings()
    if folder.packed.exists():
        raise BadInput(f"{path}: expected a run that can go on; found {PACKED}: it was finished and committed")
    if folder.records.exists():
        os.truncate(folder.records, folder.records.read_bytes().rfind(b"\n") + 1)
    return folder
