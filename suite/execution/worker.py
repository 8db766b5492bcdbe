"""The child process: one backend on one device, all cells of a job file, one record per cell as it finishes.

Run as `python -m elbostone.execution.worker JOB.json`, or `... --probe BACKEND DEVICE` to print what is there.
It needs NumPy, safetensors and its framework; it judges nothing.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ..definition.lifting import SEPARATOR, lifted
from ..definition.notation import Notation
from ..definition.notation_file import load_notation
from ..definition.problem import Problem, load_problem, save_tensors
from .bindings import Binding, open_binding
from .child import settle
from .claims.gather import gather
from .clamp import clamp_logit
from .compute import evaluate
from .records import CLAIMS, Cell, append_record, cell_of, make_record
from .subject import prepare


def run_job(job: dict[str, Any]) -> None:
    """Execute a job's cells in order; a cell that raises costs only itself."""
    settle(job["cpus"])
    binding = open_binding(job["backend"], job["device"])
    Path(job["records"]).with_name("started").touch()
    for item in job["cells"]:
        cell = cell_of(item)
        started = time.perf_counter()
        try:
            run = _gather_claims if item.get("kind") == CLAIMS else _run_cell
            record = run(binding, cell, item, Path(job["tensors"]))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            extra = {"kind": CLAIMS} if item.get("kind") == CLAIMS else {}
            record = make_record(
                cell, "failed", reason, adapted=item["adapted"], traceback=traceback.format_exc()[-4000:], **extra
            )
        record["elapsed_s"] = round(time.perf_counter() - started, 3)
        append_record(Path(job["records"]), record)


def _run_cell(binding: Binding, cell: Cell, item: dict[str, Any], folder: Path) -> dict[str, Any]:
    problem = _problem(item["problem_file"])
    notation = _notation(item["notation_file"], cell.notation)
    module = import_module(f"{item['package']}.{cell.framework}_vae")
    forced = lifted(problem.spec, *item["embedding"].split(SEPARATOR)) if item["forced"] else None
    subject = prepare(binding, cell, notation, module, problem, forced)
    outcome = evaluate(subject, problem, gradients=item["gradients"])
    path = folder / f"{cell.key}.safetensors"
    save_tensors(outcome.tensors, path)
    graphs = outcome.graphs
    record = make_record(
        cell,
        "ok",
        adapted=notation.adapted(subject.spec),
        embedding=subject.embedded.text,
        bound=notation.objective.bound,
        published_objective=outcome.published_objective,
        tensors=path.name,
        active={
            "backend": binding.active_backend(),
            "device": outcome.device,
            "dtype": outcome.dtype,
            "threads": binding.threads(),
            "versions": binding.versions(),
        },
        graphs=None if graphs is None else vars(graphs),
    )
    if cell.mode == "published":
        record["clamp_logit"] = _clamp_logit(binding, cell, notation, module)
    return record


def _gather_claims(binding: Binding, cell: Cell, item: dict[str, Any], folder: Path) -> dict[str, Any]:
    notation = _notation(item["notation_file"], cell.notation)
    facts = gather(binding, notation, import_module(f"{item['package']}.{cell.framework}_vae"))
    path = folder / f"{cell.key}.safetensors"
    save_tensors(facts.tensors, path)
    active: dict[str, Any] = {"backend": binding.active_backend(), "device": facts.device, "dtype": facts.dtype}
    active |= {"threads": binding.threads(), "versions": binding.versions()}
    return make_record(cell, "ok", kind=CLAIMS, facts=facts.as_json(), tensors=path.name, active=active)


_CLAMPS: dict[tuple[str, str], dict[str, float | None] | None] = {}


def _clamp_logit(
    binding: Binding, cell: Cell, notation: Notation, module: ModuleType
) -> dict[str, float | None] | None:
    """`clamp_logit`, which is the same for all problems: measured once per notation and dtype of this process."""
    key = (notation.id, cell.dtype)
    if key not in _CLAMPS:
        _CLAMPS[key] = clamp_logit(binding, cell, notation, module)
    return _CLAMPS[key]


@cache
def _problem(path: str) -> Problem:
    return load_problem(Path(path))


@cache
def _notation(path: str, name: str) -> Notation:
    return load_notation(Path(path), name)


def probe(backend: str, device: str) -> dict[str, Any]:
    """What the backend's framework says of this machine."""
    binding = open_binding(backend, device)
    return {
        "backend": binding.active_backend(),
        "versions": binding.versions(),
        "threads": binding.threads(),
        "device": binding.has_device(),
    }


def main(arguments: list[str]) -> None:
    if arguments[0] == "--probe":
        print(json.dumps(probe(*arguments[1:])))
    else:
        run_job(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(sys.argv[1:])
