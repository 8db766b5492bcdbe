"""What the commands have in common: plan cells, run them, judge them, and keep it all in a run folder."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .analysis.equality import Tensors
from .analysis.exclusions import load_exclusions
from .analysis.verdicts import Row, judge
from .definition.errors import BadInput
from .definition.problem import Problem, load_problem, read_tensors, save_problem
from .execution.plan import Plan, Selection, plan_cells
from .execution.processes import Pool, cpu_threads
from .execution.records import append_record, cell_of, done, read_records, trim_partial_line

RUN_SCHEMA = 1
PACKAGES = ("elbostone", "numpy", "torch", "keras", "tensorflow", "jax", "jaxlib", "pytest-benchmark", "safetensors", "pandas")

OnRecord = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RunFolder:
    """One run: run.json, the problems, records as they came, tensors, verdicts, tables."""

    path: Path

    @property
    def records(self) -> Path:
        return self.path / "records.jsonl"

    @property
    def verdicts(self) -> Path:
        return self.path / "verdicts.jsonl"

    @property
    def problems(self) -> Path:
        return self.path / "problems"

    @property
    def tensors(self) -> Path:
        return self.path / "tensors"

    def settings(self) -> dict[str, Any]:
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
        return document


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
            if not out.is_dir():
                raise BadInput(f"{out}: expected a folder to write into; found a file") from None
            continue
        except OSError as error:
            raise BadInput(f"{out}: cannot be written to: {error.strerror}") from None
        document = {"schema": RUN_SCHEMA, "created": stamp, "options": dict(options), **describe_machine()}
        (folder / "run.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return RunFolder(folder)
    raise BadInput(f"{out}: a hundred runs in one second")


def describe_machine() -> dict[str, Any]:
    """What a reader needs to know of where a run was made: versions, processor, memory, GPU, commit, command."""
    return {
        "command": ["elbostone", *sys.argv[1:]],
        "git_commit": _output("git", "rev-parse", "HEAD"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpu": _cpu_model(),
        "threads": cpu_threads(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpu": _output("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"),
        "tf32": False,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _output(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


@dataclass
class Equality:
    """One pass of the equality check: problems, each with what is asked of it, into a run folder."""

    folder: RunFolder
    threads: int
    timeout_s: float
    parallel: int
    on_record: OnRecord = lambda record: None
    plan: Plan = field(default_factory=Plan)
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, problem: Problem, selections: Iterable[Selection]) -> None:
        """Plan a problem's cells; those that have a record already are left out, so that a killed run goes on.

        Raises:
            BadInput: two problems have one name.
        """
        if problem.name in self.problems:
            raise BadInput(f"problem '{problem.name}': two problems of one run have this name")
        self.problems[problem.name] = problem
        file = self.folder.problems / f"{problem.name}.json"
        if not file.exists():
            save_problem(problem, self.folder.problems)
        finished = done(read_records(self.folder.records)) if self.folder.records.exists() else set()
        for selection in selections:
            planned = plan_cells(problem, file, selection)
            self.plan.tasks += [task for task in planned.tasks if task.cell not in finished]
            self.plan.settled += [record for record in planned.settled if cell_of(record) not in finished]

    def run(self) -> list[Row]:
        """Run what was planned and judge all of the run's cells."""
        for record in self.plan.settled:
            append_record(self.folder.records, record)
            self.on_record(record)
        pool = Pool(
            self.folder.path,
            threads=self.threads,
            timeout_s=self.timeout_s,
            parallel=self.parallel,
            on_record=self.on_record,
        )
        pool.run(self.plan.tasks)
        return judge_run(self.folder, self.problems.values())


def judge_run(folder: RunFolder, problems: Iterable[Problem]) -> list[Row]:
    """The rows of all cells of a run, also written to verdicts.jsonl."""
    records = [record for record in read_records(folder.records) if "kind" not in record]
    exclusions = load_exclusions()
    rows: list[Row] = []
    for problem in problems:
        own = [record for record in records if record["problem"] == problem.name]
        rows += judge(problem, own, lambda name: tensors_of(folder, name), exclusions)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    folder.verdicts.write_text(lines, encoding="utf-8")
    return rows


def tensors_of(folder: RunFolder, name: str) -> Tensors:
    """A record's tensors."""
    return read_tensors(folder.tensors / name)


def load_run_problems(folder: RunFolder) -> list[Problem]:
    """The problems of a run."""
    files = sorted(p for p in folder.problems.glob("*.json"))
    return [load_problem(path) for path in files]


def read_verdicts(folder: RunFolder) -> list[Row]:
    """The rows that a run's judge left."""
    if not folder.verdicts.exists():
        raise BadInput(f"{folder.verdicts}: cannot be read: the run was never judged; resume it")
    return [json.loads(line) for line in folder.verdicts.read_text(encoding="utf-8").splitlines()]


def open_for_resume(path: Path) -> RunFolder:
    """A run folder to go on with; a line that a kill cut off is dropped."""
    folder = RunFolder(path)
    folder.settings()
    trim_partial_line(folder.records)
    return folder


def load_problems(paths: Sequence[Path]) -> list[Problem]:
    """Problem files, all read before anything runs."""
    return [load_problem(path) for path in paths]
