"""`elbostone run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..analysis.throughput import Row as ThroughputRow
from ..analysis.verdicts import Row, by_cell, proven
from ..definition.errors import BadInput
from ..execution.bench.sample import FULL, FULL_CUDA, PEERS_BESIDE, QUICK, BenchSample, Proven
from ..execution.plan import Selection, require_cells
from ..report.throughput import SHOWN, shown
from ..samples import bench_proofs, claims_sample, equality_sample
from ..workflow.claims import pending_claims, tabulate_claims
from ..workflow.equality import Equality
from ..workflow.folder import RunFolder, create_run, open_for_resume
from ..workflow.throughput import plan_throughput
from .options import (
    AsJson,
    Backends,
    Device,
    Notations,
    Out,
    Threads,
    Timeout,
    exit_code,
    print_claims,
    print_json,
    print_table,
    print_verdicts,
    progress,
    select,
    shown_path,
    stderr,
    thread_count,
)

Full = Annotated[bool, typer.Option("--full", help="The whole matrix instead of the quick sample.")]
Resume = Annotated[
    Path | None,
    typer.Option(help="Go on with this run folder, with the options it was started with.", show_default=False),
]


@dataclass(frozen=True)
class Order:
    """What a run was asked for; kept in run.json, so that it can go on after a kill."""

    verb: str
    full: bool
    notations: list[str]
    backends: list[str]
    device: str
    threads: int
    timeout_s: float
    peers: bool = False

    @property
    def sample(self) -> BenchSample:
        """The declared sample; notations that were asked for by name are all timed, in every mode."""
        full = FULL if self.device == "cpu" else FULL_CUDA
        sample = full if self.full else PEERS_BESIDE if self.peers else QUICK
        return sample.of_all_notations() if self.notations else sample

    def selection(self) -> Selection:
        # Of the others nothing is timed.
        beside = sorted(PEERS_BESIDE.notations() or ()) if self.peers and not self.full else []
        return select(self.notations or beside, self.backends, self.device, None, None)


def run(
    full: Full = False,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    out: Out = Path("reports"),
    resume: Resume = None,
    timeout: Timeout = 300,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Equality, then throughput, then the tables: all of it on the embedded digits, by default a quick sample."""
    order = Order("run", full, notation or [], backend or [], device, thread_count(threads), timeout)
    carry_out(order, out, resume, as_json)


def carry_out(order: Order, out: Path, resume: Path | None, as_json: bool) -> None:
    """Start or resume what was ordered, print it, and exit with its code."""
    folder = None
    if resume is not None:
        folder = open_for_resume(resume)
        order = _order_of(folder)
    selection = order.selection()
    sample = bench_proofs(selection, order.sample, full=order.full and order.verb == "run")
    if order.verb == "run":
        sample += equality_sample(selection, full=order.full)
    for problem, selections in sample:
        require_cells([problem], selections[0])
    folder = folder or create_run(out, vars(order))
    equality = Equality(folder, order.threads, order.timeout_s, order.threads)
    for problem, selections in sample:
        equality.add(problem, selections)
    if order.verb == "run":
        equality.also(pending_claims(folder, claims_sample(selection, full=order.full)))
    with progress("equality and claims" if order.verb == "run" else "equality", equality.total) as advance:
        rows = equality.run(advance)
    claims = tabulate_claims(folder)
    throughput = plan_throughput(
        folder,
        order.sample,
        selection.notations,
        Proven(frozenset(proven(rows)), frozenset(by_cell(rows)) - proven(rows)),
        device=order.device,
        threads=order.threads,
        timeout_s=order.timeout_s,
        backends=order.backends,
    )
    with progress("throughput", throughput.total) as advance:
        speeds = throughput.run(advance)
    _finish(folder, rows, claims, speeds, as_json)


def _order_of(folder: RunFolder) -> Order:
    options = folder.settings().get("options", {})
    try:
        return Order(**options)
    except TypeError:
        verb = options.get("verb", "unknown")
        raise BadInput(f"{folder.path}/run.json: expected a run of 'run' or 'bench'; found one of '{verb}'") from None


def _finish(folder: RunFolder, rows: list[Row], claims: list[Row], speeds: list[ThroughputRow], as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"schema": 1, "run": str(folder.path), "equivalence": rows}
        print_json({**document, "claims": claims, "throughput": speeds})
    else:
        print_table("Throughput", SHOWN, shown(speeds))
        print_verdicts(rows)
        print_claims(claims)
    tables = "equivalence.md, throughput.md and claims.md" if claims else "equivalence.md and throughput.md"
    stderr.print(f"tables: {shown_path(folder.path)}/{tables}, with .csv and .parquet", soft_wrap=True)
    raise typer.Exit(exit_code([*rows, *claims, *speeds]))
