"""`elbostone evaluate`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from ..backends.base import cpu_count
from ..reference.problem import load_problem, read_tensors
from ..reference.tensors import TERMS
from ..report.console import print_json, print_table, progress
from ..report.options import (
    TIMEOUT_S,
    AsJson,
    Backends,
    Device,
    Dtypes,
    Modes,
    Notations,
    Timeout,
    WorkerThreads,
    checked_threads,
    select,
)
from ..workers.pool import run_plan
from ..workers.records import CELL_FIELDS, CellRecord
from ..workers.scratch import own_folder
from .plan import plan_cells, require_cells
from .records import EqualityRecord

#: The terms whose means are printed.
PRINTED = ("elbo", "elbo_monte_carlo", "iwae", "log_likelihood", "kl")


def evaluate(
    problem: Annotated[Path, typer.Argument(help="PROBLEM.json, with PROBLEM.safetensors beside it.")],
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    dtype: Dtypes = None,
    mode: Modes = None,
    gradients: Annotated[bool, typer.Option(help="Print the gradients of the batch's summed ELBO too.")] = False,
    timeout: Timeout = TIMEOUT_S,
    threads: WorkerThreads = 1,
    as_json: AsJson = False,
) -> None:
    """Run one problem in every matching cell and print its terms, in nats, per example."""
    loaded = load_problem(problem)
    selection = select(notation, backend, device, dtype, mode, gradients=gradients)
    require_cells([loaded], selection)
    plan = plan_cells(loaded, problem.resolve(), selection)
    records: list[dict[str, Any]] = []
    with (
        TemporaryDirectory(dir=own_folder()) as scratch,
        progress(f"evaluate {loaded.name}", len(plan.tasks) + len(plan.settled)) as advance,
    ):

        def collect(record: CellRecord) -> None:
            advance(record)
            records.append(_printed(record, Path(scratch, "tensors"), gradients))

        count = checked_threads(threads)
        run_plan(plan, Path(scratch), cpus=cpu_count(), timeout_s=timeout, threads=count, on_record=collect)
    records.sort(key=lambda record: [record[name] for name in CELL_FIELDS if name != "problem"])
    if as_json:
        print_json({"schema": 1, "problem": loaded.name, "records": records})
    else:
        _print(loaded.name, records)
    raise typer.Exit(int(any(record["status"] in ("failed", "timeout") for record in records)))


def _printed(record: CellRecord, folder: Path, gradients: bool) -> dict[str, Any]:
    """A record for printing, with the canonical tensors that its notation's own equations gave."""
    assert isinstance(record, EqualityRecord), "nothing else is planned"
    tensors = read_tensors(folder / record.tensors) if record.status == "ok" and record.tensors is not None else {}
    document: dict[str, Any] = {n: value for n, value in record.cell.as_json().items() if n != "problem"}
    document |= {name: getattr(record, name) for name in ("adapted", "embedding", "status", "reason")}
    document["terms"] = (
        {name: tensors[name].tolist() if name in tensors else None for name in TERMS} if tensors else None
    )
    slopes = {n.removeprefix("gradient/"): t.tolist() for n, t in tensors.items() if n.startswith("gradient/")}
    # If a source's objective reduces another bound than the ELBO, its gradients are of that bound, under another name.
    bound = record.bound or "elbo"
    found = slopes if gradients and tensors else None
    document["gradients"] = found if bound == "elbo" else None
    if bound != "elbo":
        document |= {"bound": bound, "bound_gradients": found}
    return document


def _print(name: str, records: list[dict[str, Any]]) -> None:
    rows = []
    for record in records:
        cell = [record[field] for field in ("notation", "backend", "dtype", "mode")]
        if record["terms"] is None:
            rows.append((*cell, f"{record['status']}: {record['reason']}", *[None] * (len(PRINTED) - 1)))
            continue
        rows.append((*cell, *(_mean(record["terms"][term]) for term in PRINTED)))
    print_table(
        f"{name}: means over the batch, in nats (--json prints every example); - where the source does not define it",
        ("notation", "backend", "dtype", "mode", *(term.replace("_", " ") for term in PRINTED)),
        rows,
    )


def _mean(values: list[float] | None) -> str:
    return "-" if values is None else f"{sum(values) / len(values):.12g}"
