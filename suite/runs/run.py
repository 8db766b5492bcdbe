"""`elbostone run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..claims.phase import pending_claims, tabulate_claims
from ..claims.tables import print_claims
from ..equality.judge import Row, by_cell, proven
from ..equality.phase import Equality
from ..equality.plan import require_cells
from ..equality.tables import print_verdicts
from ..reference.errors import BadInput
from ..report.console import print_json, progress, shown_path, stderr
from ..report.options import AsJson, Backends, Device, Notations, Out, Threads, Timeout, select, thread_count
from ..report.verdicts import exit_code
from ..timing.aa import AA_TESTS, AaSample
from ..timing.judge.aa import Row as AaRow
from ..timing.judge.aa import broken
from ..timing.judge.throughput import Row as ThroughputRow
from ..timing.phases import Phases, tabulate_aa
from ..timing.plan import FULL, FULL_CUDA, LIBRARIES_BESIDE, QUICK, BenchSample, Proven
from ..timing.tables import print_aa, print_throughput
from ..workers.run_folder import RunFolder, create_run, open_for_resume
from ..workers.selection import Selection
from .presets import bench_proofs, claims_sample, equality_sample

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
    aa: bool = False

    @property
    def timed(self) -> bool:
        """Whether there are figures, and not only tests of how they are measured."""
        return self.full or not self.aa

    def trust(self, sample: AaSample) -> AaSample:
        """The sample of A/A, of notations that were asked for by name."""
        return sample.of_all_notations() if self.notations else sample

    def sample(self, trust: AaSample) -> BenchSample:
        """The declared sample; notations that were asked for by name are all timed, in every mode."""
        full = FULL if self.device == "cpu" else FULL_CUDA
        sample = full if self.full else LIBRARIES_BESIDE if self.peers else trust.timed if self.aa else QUICK
        return sample.of_all_notations() if self.notations else sample

    def selection(self, trust: AaSample) -> Selection:
        """What is proven: of `--peers` and `--aa` the notations that are timed."""
        narrow = (self.peers or self.aa) and not self.full
        timed = sorted(self.sample(trust).notations() or ()) if narrow else []
        return select(self.notations or timed, self.backends, self.device, None, None)


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


def carry_out(order: Order, out: Path, resume: Path | None, as_json: bool, trust: AaSample = AA_TESTS) -> None:
    """Start or resume what was ordered, print it, and exit with its code.

    Args:
        order: the options; those of `resume` take their place.
        out: where a new run folder is made.
        resume: a run folder to go on with.
        as_json: print one JSON document.
        trust: how timings are tested, where that is ordered.
    """
    folder = None
    if resume is not None:
        folder = open_for_resume(resume)
        order = _order_of(folder)
    selection = order.selection(trust)
    sample = bench_proofs(selection, order.sample(trust), full=order.full and order.verb == "run")
    if order.verb == "run":
        sample += equality_sample(selection, full=order.full)
    for problem, selections in sample:
        require_cells([problem], selections[0])
    folder = folder or create_run(out, vars(order))
    equality = Equality(folder, order.threads, order.timeout_s)
    for problem, selections in sample:
        equality.add(problem, selections)
    if order.verb == "run":
        equality.also(pending_claims(folder, claims_sample(selection, full=order.full)))
    with progress("equality and claims" if order.verb == "run" else "equality", equality.total) as advance:
        rows = equality.run(advance)
    claims = tabulate_claims(folder)
    found = Proven(frozenset(proven(rows)), frozenset(by_cell(rows)) - proven(rows))
    chosen = selection.notations
    phases = Phases(folder, chosen, found, order.device, order.threads, order.timeout_s, order.backends)
    speeds = _throughput(phases, order.sample(trust)) if order.timed else []
    if order.aa:
        _test(phases, order.trust(trust))
    _finish(order, folder, rows, claims, speeds, tabulate_aa(folder), as_json)


def _throughput(phases: Phases, sample: BenchSample) -> list[ThroughputRow]:
    """Measure a sample's optimisation steps, time all of it, and write its tables."""
    with stderr.status("the truth of what is timed"):
        steps = phases.steps(sample)
    if steps.total:
        with progress("optimisation steps", steps.total) as advance:
            steps.run(advance)
    with stderr.status("the truth of what is timed"):
        phase = phases.throughput(sample)
    with progress("throughput", phase.total) as advance:
        return phase.run(advance)


def _test(phases: Phases, sample: AaSample) -> None:
    """Put the timings themselves to the test."""
    phase = phases.aa(sample)
    if not phase.comparisons:
        stderr.print("--aa: no cell of its sample is proven equal here: the timings are not tested")
    with progress("A/A and planted slowness", phase.total) as advance:
        phase.run(advance)


def _order_of(folder: RunFolder) -> Order:
    options = folder.settings().options
    try:
        return Order(**options)
    except TypeError:
        verb = options.get("verb", "unknown")
        raise BadInput(f"{folder.path}/run.json: expected a run of 'run' or 'bench'; found one of '{verb}'") from None


def _finish(
    order: Order,
    folder: RunFolder,
    rows: list[Row],
    claims: list[Row],
    speeds: list[ThroughputRow],
    trust: list[AaRow],
    as_json: bool,
) -> None:
    if as_json:
        document: dict[str, Any] = {"schema": 1, "run": str(folder.path), "equivalence": rows}
        print_json({**document, "claims": claims, "throughput": speeds, "trust": trust})
    else:
        if order.timed:
            print_throughput(speeds)
        print_aa(trust)
        print_verdicts(rows)
        print_claims(claims)
    written = {"equivalence": True, "throughput": order.timed, "trust": trust, "claims": claims}
    *most, last = (f"{name}.md" for name, found in written.items() if found)
    tables = f"{', '.join(most)} and {last}" if most else last
    stderr.print(f"tables: {shown_path(folder.path)}/{tables}, with .csv and .parquet", soft_wrap=True)
    raise typer.Exit(exit_code([*rows, *claims, *speeds]) or int(broken(trust)))
