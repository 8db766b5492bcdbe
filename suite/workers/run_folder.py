"""Run folders: the files of a run, where it was made, and how it is opened again."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import socket
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..reference.comparison import Tensors
from ..reference.errors import BadInput
from ..reference.files import read_json, remove_unfinished, require_name, write_text
from ..reference.problem import Problem, load_problem, read_tensors
from .packed import PACKED
from .records import Document, Identity, Struct, identity, read_records, read_records_of
from .run_settings import RUN_SCHEMA, RunSettings, settings_here

Order = TypeVar("Order")

# History of the schema of plan.json:
# 1: first.
PLAN_SCHEMA = 1
PLAN = "plan.json"
RETRIES = 3
"""How often `--resume` repeats a cell that failed because of the environment."""
_LOST = ("failed", "timeout", "missing")

# Messages of failures that the environment caused, and not the implementation.
_ENVIRONMENT = re.compile(
    r"ended with signal SIG(KILL|TERM|HUP|INT|BUS)\b"
    r"|MemoryError|OutOfMemory|out of memory|RESOURCE_EXHAUSTED|Cannot allocate memory|can't allocate memory"
    r"|\[Errno (5|12|23|24|28|122)\]|No space left on device|os error 28|Disk quota exceeded"
)


class RunPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The records that a run must have.

    Attributes:
        phases: phase → the records that it must leave; None for a phase that is not planned yet, since what is timed
            depends on which cells are equal.
    """

    phases: dict[str, list[Identity] | None]
    schema: int = PLAN_SCHEMA


def read_plan(folder: Path) -> RunPlan:
    """A run's plan; one without phases where the run has no plan, as in older runs.

    Raises:
        BadInput: the file is no plan, or newer than this reader.
    """
    path = folder / PLAN
    return _read(path, RunPlan, PLAN_SCHEMA, "the plan of a run") if path.exists() else RunPlan({})


def _read(path: Path, kind: type[Struct], schema: int, what: str) -> Struct:
    """A JSON file of a run. Raises BadInput where it is none of that kind, or newer than this reader."""
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise BadInput(f"{path}: expected {what}, with a schema; found none")
    if document["schema"] > schema:
        raise BadInput(f"{path}: expected schema {schema} or older; found {document['schema']}")
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: expected {what}; found: {error}") from None


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

    def documents(self) -> list[Document]:
        """All records so far, none of them left out."""
        return read_records(self.records) if self.records.exists() else []

    def records_of(self, kind: type[Struct]) -> list[Struct]:
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
        """Write the records that each phase must leave, before it leaves any, beside those of planned phases.

        None stands for a phase whose records are not known yet; it stays as it is where it is planned.
        """
        plan = read_plan(self.path).phases
        for name, planned in phases.items():
            plan[name] = plan.get(name) if planned is None else list(dict.fromkeys(planned))
        # A record per line: the file of the full matrix has some ten thousand.
        lines = ",\n".join(f"{json.dumps(name)}: {_listed(planned)}" for name, planned in plan.items())
        write_text(self.path / PLAN, f'{{"schema": {PLAN_SCHEMA}, "phases": {{\n{lines}\n}}}}\n')

    def lacking(self) -> str:
        """The planned records that the run lacks, in words; empty where it has all, as every committed run."""
        if self.packed.exists():
            return ""
        there = set(map(identity, self.documents()))
        said = []
        for name, planned in read_plan(self.path).phases.items():
            missing = [each for each in planned or () if each not in there]
            if planned is None:
                said.append(f"{name} has not begun")
            elif missing:
                said.append(f"{name} lacks {len(missing)} of {len(planned)} records")
        return ", ".join(said)

    def finished(self) -> set[Identity]:
        """The final records: failures that the environment caused are repeated, `RETRIES` times."""
        documents = self.documents()
        tries = Counter(map(identity, documents))
        last = {identity(document): document for document in documents}
        return {key for key, document in last.items() if not by_environment(document) or tries[key] > RETRIES}

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
        return _read(path, RunSettings, RUN_SCHEMA, "the settings of a run")

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
        run.write_settings(settings_here(stamp, options))
        return run
    raise BadInput(f"{out}: a hundred runs in one second")


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


def _listed(planned: list[Identity] | None) -> str:
    return "null" if planned is None else "[\n" + ",\n".join(map(json.dumps, planned)) + "\n]"


def by_environment(document: Document) -> bool:
    """Whether an outcome is missing because a worker was killed, memory ran out or a disk was full."""
    said = (document.get("reason"), document.get("traceback"))
    return document.get("status") in _LOST and any(_ENVIRONMENT.search(text) for text in said if isinstance(text, str))
