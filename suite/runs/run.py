"""`elbostone run`, `elbostone bench`, and what they share with `elbostone check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ..backends.base import cpu_count
from ..claims.phase import differs, plan_claims, tabulate_claims
from ..claims.tables import print_claims
from ..equality.judge import Row, by_cell, proven
from ..equality.phase import Equality
from ..equality.plan import require_cells
from ..equality.tables import print_verdicts
from ..notations.registry import notations
from ..page.extra import leave_page
from ..reference.errors import BadInput
from ..reference.problem import Problem
from ..report.console import print_json, progress, shown_path, stderr
from ..report.options import (
    TIMEOUT_S,
    AsJson,
    Backends,
    Device,
    Notations,
    Out,
    Threads,
    Timeout,
    checked_threads,
    select,
)
from ..report.tables import exit_code
from ..timing.aa import AA_TESTS, AaSample
from ..timing.command import carry_out_profile
from ..timing.judge.aa import Row as AaRow
from ..timing.judge.aa import broken
from ..timing.judge.throughput import Row as ThroughputRow
from ..timing.phases import AA, THROUGHPUT, Phase, Phases, tabulate
from ..timing.plan import FULL, FULL_CUDA, LIBRARIES_BESIDE, QUICK, BenchSample, Proven
from ..timing.tables import print_aa, print_throughput
from ..workers.records import Identity
from ..workers.run_folder import RunFolder, create_run, open_for_resume
from ..workers.selection import Plan, Selection
from .presets import Sample, bench_proofs, check_sample, claims_sample, equality_sample
from .side_tables import write_side_tables

Full = Annotated[bool, typer.Option("--full", help="Run the whole matrix instead of the quick preset.")]
Resume = Annotated[
    Path | None,
    typer.Option(help="Continue the run in this folder, with the options it was started with.", show_default=False),
]
Peers = Annotated[bool, typer.Option("--peers", help="Time other libraries' VAEs, and one notation of ours.")]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="CELL",
        help="Time nothing; write the framework's own trace of one timing. CELL is its key: stage, workload, batch, "
        "notation, backend, device, dtype, mode and optimisation step, joined by dashes.",
        show_default=False,
    ),
]
AgainstItself = Annotated[
    bool,
    typer.Option("--aa", help="Time a cell against itself, and against itself slowed by 10 %; --full times all."),
]


@dataclass(frozen=True)
class Order:
    """The options of `check`, `bench` or `run`; kept in run.json, so that the run can be resumed after a kill.

    Attributes:
        problems: the names of the user's problems, which are in the run folder; none for the embedded digits.
        dtypes, modes: those of `check`; a preset brings its own.
    """

    verb: str
    full: bool = False
    notations: list[str] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    device: str = "cpu"
    threads: int = 1
    timeout_s: float = TIMEOUT_S
    peers: bool = False
    aa: bool = False
    problems: list[str] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)

    @property
    def timed(self) -> bool:
        """Whether there are figures, and not only verdicts or tests of how figures are measured."""
        return self.verb != "check" and (self.full or not self.aa)

    @property
    def claimed(self) -> bool:
        """Whether claims are executed. A user's own problem tests itself alone."""
        return self.verb != "bench" and not self.problems

    @property
    def aa_sample(self) -> AaSample:
        """The preset of the A/A test, with the notations that were requested by name."""
        return AA_TESTS.of_all_notations() if self.notations else AA_TESTS

    @property
    def sample(self) -> BenchSample:
        """The preset of timings; notations that were requested by name are all timed, in every mode."""
        full = FULL if self.device == "cpu" else FULL_CUDA
        sample = full if self.full else LIBRARIES_BESIDE if self.peers else self.aa_sample.timed if self.aa else QUICK
        return sample.of_all_notations() if self.notations else sample

    def selection(self) -> Selection:
        """The cells that are proven: with `--peers` and `--aa` those of the notations that are timed."""
        narrow = (self.peers or self.aa) and not self.full
        timed = sorted(self.sample.notations() or ()) if narrow else []
        return select(self.notations or timed, self.backends, self.device, self.dtypes, self.modes)

    def proofs(self, selection: Selection, problems: Sequence[Problem]) -> Sample:
        """The problems that are checked, and the cells of each."""
        if self.verb == "check":
            return check_sample(selection, problems)
        sample = bench_proofs(selection, self.sample, full=self.full and self.verb == "run")
        return sample if self.verb == "bench" else sample + equality_sample(selection, full=self.full)


@dataclass(frozen=True)
class Judged:
    """The verdicts of a run: rows of equality, claims, throughput, and A/A tests."""

    folder: RunFolder
    rows: list[Row]
    claims: list[Row] = field(default_factory=list)
    speeds: list[ThroughputRow] = field(default_factory=list)
    trust: list[AaRow] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """All rows, as they are printed in JSON."""
        rows = {"equivalence": self.rows, "claims": self.claims, "throughput": self.speeds, "trust": self.trust}
        return {"schema": 1, "run": str(self.folder.path), **rows}

    def print(self, *, timed: bool) -> None:
        """The tables on stdout."""
        if timed:
            print_throughput(self.speeds)
        print_aa(self.trust)
        print_verdicts(self.rows)
        print_claims(self.claims)

    def exit_code(self) -> int:
        return exit_code([*self.rows, *self.claims, *self.speeds]) or int(broken(self.trust))


def run(
    full: Full = False,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    out: Out = Path("reports"),
    resume: Resume = None,
    timeout: Timeout = TIMEOUT_S,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Check equality and claims, then measure throughput, on the embedded digits; by default a quick preset."""
    count = checked_threads(threads or cpu_count())
    order = Order("run", full, notation or [], backend or [], device, count, timeout)
    carry_out(order, out, resume, as_json)


def bench(
    full: Full = False,
    peers: Peers = False,
    aa: AgainstItself = False,
    profile: Profile = None,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    out: Out = Path("reports"),
    resume: Resume = None,
    timeout: Timeout = TIMEOUT_S,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Measure throughput alone: prove the cells that are to be timed, then time them."""
    count = checked_threads(threads or cpu_count())
    if profile is not None:
        beside: dict[str, Any] = {"--full": full, "--peers": peers, "--aa": aa}
        beside |= {"--notation": notation, "--backend": backend, "--resume": resume}
        carry_out_profile(profile, beside, device, out, count, timeout, as_json)
    if aa and peers:
        raise BadInput("--aa: expected alone or with --full; found --peers beside it")
    order = Order("bench", full, notation or [], backend or [], device, count, timeout, peers, aa)
    carry_out(order, out, resume, as_json)


def carry_out(
    order: Order,
    out: Path,
    resume: Path | None,
    as_json: bool,
    problems: Sequence[Problem] = (),
) -> None:
    """Start or resume a run, print its tables, and exit with its code.

    Args:
        order: the options; a run that is resumed brings its own, and its problems.
        out: where a new run folder is made.
        resume: the run folder to resume.
        as_json: whether one JSON document is printed instead of tables.
        problems: the user's own.
    """
    folder = None
    if resume is not None:
        folder = open_for_resume(resume)
        order = folder.order(Order, ("check",) if order.verb == "check" else ("run", "bench"))
        problems = [folder.problem(name) for name in order.problems]
    selection = order.selection()
    sample = order.proofs(selection, problems)
    require_cells([problem for problem, _ in sample], selection)
    folder = folder or create_run(out, vars(order))
    with folder.alone():
        judged = carried_out(order, selection, sample, folder)
    if as_json and order.verb == "check":
        print_json({"schema": 1, "run": str(folder.path), "rows": judged.rows, "claims": judged.claims})
    elif as_json:
        print_json(judged.document())
    else:
        judged.print(timed=order.timed)
    written = {"equivalence": True, "throughput": order.timed, "trust": judged.trust, "claims": judged.claims}
    *most, last = (f"{name}.md" for name, found in written.items() if found)
    tables = f"{', '.join(most)} and {last}" if most else last
    stderr.print(f"tables: {shown_path(folder.path)}/{tables}, with .csv and .parquet", soft_wrap=True)
    if order.verb != "check":
        leave_page(folder)
    raise typer.Exit(judged.exit_code())


def carried_out(order: Order, selection: Selection, sample: Sample, folder: RunFolder) -> Judged:
    """Plan a run, run every cell that has no record in the run folder, and judge all cells."""
    # Beside timings, `threads` are those of a timed call, and as many CPUs prove.
    cpus, threads = (cpu_count(), order.threads) if order.verb == "check" else (order.threads, 1)
    equality = Equality(folder, cpus, order.timeout_s, threads)
    for problem, selections in sample:
        equality.add(problem, selections)
    claimed = plan_claims(claims_sample(selection, full=order.full)) if order.claimed else Plan()
    planned: dict[str, list[Identity] | None] = {"equality": equality.planned}
    planned |= {"claims": claimed.records()} if claimed.total else {}
    # What is timed is planned when it is known which cells are equal.
    folder.plan(planned | {name: None for name, asked in ((THROUGHPUT, order.timed), (AA, order.aa)) if asked})
    equality.plan.add(claimed.without(folder.finished()))
    with progress(" and ".join(planned), equality.plan.total) as advance:
        rows = equality.run(advance, partial(differs, folder, notations()))
    claims = tabulate_claims(folder)
    if order.verb == "check":
        return Judged(folder, rows, claims)
    found = Proven(frozenset(proven(rows)), frozenset(by_cell(rows)) - proven(rows))
    chosen = selection.notations
    phases = Phases(folder, chosen, found, order.device, order.threads, order.timeout_s, order.backends)
    if order.timed:
        _time(THROUGHPUT, lambda: phases.throughput(order.sample))
    if order.aa:
        _time(AA, lambda: phases.aa(order.aa_sample))
    judged = Judged(folder, rows, claims, *tabulate(folder))
    write_side_tables(folder, rows, claims)
    return judged


def _time(name: str, plan: Callable[[], Phase]) -> None:
    """Run the timings of a phase that have no record yet, with a progress bar of its name."""
    with stderr.status("the references of the timed problems"):
        phase = plan()
    if not phase.total:
        stderr.print(f"{name}: no cell of its preset is proven equal here: nothing is timed")
    with progress(name, phase.total) as advance:
        phase.run(advance)
