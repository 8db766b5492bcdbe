"""Run folders: the files of a run, where it was made, and how it is opened again."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..reference.comparison import Tensors
from ..reference.errors import BadInput
from ..reference.files import read_json, remove_unfinished, require_name, write_text
from ..reference.problem import Problem, load_problem, read_tensors
from .machine import described, gpus, processor, processor_features
from .packed import PACKED
from .records import Identity, Record, read_records_of
from .run_plan import PLAN, finished, lacking, write_plan
from .supervisor import cpu_threads

Order = TypeVar("Order")

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
        """The records of one kind so far, of each cell the last."""
        return read_records_of(self.records, kind) if self.records.exists() else []

    def tensors_of(self, name: str) -> Tensors:
        """A record's tensors by file name. Raises BadInput where it is no name of a file, but leads elsewhere."""
        if name in ("", "..") or Path(name).name != name or not name.isprintable():
            raise BadInput(f"{self.records}: tensors: expected the name of a file in tensors/; found {name!r}")
        return read_tensors(self.path / "tensors" / name)

    def problem(self, name: str) -> Problem:
        """One of the run's problems. Raises BadInput where the run has none of that name."""
        return load_problem(self.problems / f"{require_name(name, str(self.records))}.json")

    def plan(self, phases: Mapping[str, Iterable[Identity] | None]) -> None:
        """Write the records that each phase must leave, before it leaves any; None where they are not known yet."""
        write_plan(self.path, phases)

    def lacking(self) -> str:
        """The planned records that the run lacks, in words; empty where it has all."""
        return "" if self.packed.exists() else lacking(self.path, self.records)

    def finished(self) -> set[Identity]:
        """The records of the run that are final."""
        return finished(self.records)

    @property
    def goes_on(self) -> str:
        """The command that resumes the run; empty where there is none, or where the run has no plan yet."""
        verb = self.settings().options.get("verb")
        resumed = verb in ("run", "bench", "check") and (self.path / PLAN).exists()
        return f"elbostone {verb} --resume {shlex.quote(str(self.path))}" if resumed else ""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from writing to the run, and drop what a killed one has left half written.

        Whatever stops the run gets the command that goes on with it as a note.

        Raises:
            BadInput: another process is at work in the folder. A dead one is not: its lock went with it.
        """
        with (self.path / "run.json").open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BadInput(f"{self.path}: expected no process at work in this run; found one") from None
            for folder in (self.path, self.problems, self.path / "tensors"):
                remove_unfinished(folder)
            if self.records.suffix == ".jsonl" and self.records.exists():
                os.truncate(self.records, self.records.read_bytes().rfind(b"\n") + 1)
            try:
                yield
            except BaseException as error:
                if self.goes_on and (isinstance(error, OSError) or not isinstance(error, Exception)):
                    error.add_note(f"to go on: {self.goes_on}")
                raise

    def settings(self) -> RunSettings:
        """run.json.

        Raises:
            BadInput: the folder holds no run.json, or one that is newer than this reader.
        """
        path = self.path / "run.json"
        if not path.is_file():
            raise BadInput(f"{path}: expected a run folder; found no such file in it")
        document = read_json(path)
        if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
            raise BadInput(f"{path}: expected a run with a schema")
        if document["schema"] > RUN_SCHEMA:
            raise BadInput(f"{path}: expected schema {RUN_SCHEMA} or older; found {document['schema']}")
        try:
            return msgspec.convert(document, RunSettings)
        except msgspec.ValidationError as error:
            raise BadInput(f"{path}: expected the settings of a run; found: {error}") from None

    def order(self, kind: type[Order], verbs: Collection[str]) -> Order:
        """The options of the run, for the verb that resumes it.

        Raises:
            BadInput: it is a run of another verb, or its options are not those of the verb.
        """
        options, expected = self.settings().options, " or ".join(f"'{verb}'" for verb in verbs)
        if options.get("verb") not in verbs:
            found = options.get("verb", "unknown")
            raise BadInput(f"{self.path}/run.json: expected a run of {expected}; found one of '{found}'")
        try:
            return msgspec.convert(options, kind)
        except msgspec.ValidationError as error:
            raise BadInput(f"{self.path}/run.json: expected the options of {expected}; found: {error}") from None

    def write_settings(self, settings: RunSettings) -> None:
        """Write run.json again."""
        document = msgspec.to_builtins(settings)
        write_text(self.path / "run.json", json.dumps(document, indent=1) + "\n")


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
        run = RunFolder(folder.resolve())  # an absolute path, since every worker runs in an empty folder of its own
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
    """Open a run folder to resume it.

    Raises:
        BadInput: the folder is no run, or a committed one.
    """
    folder = RunFolder(path.resolve())
    folder.settings()
    if folder.packed.exists():
        raise BadInput(f"{path}: expected a run that can go on; found {PACKED}: it was finished and committed")
    return folder
