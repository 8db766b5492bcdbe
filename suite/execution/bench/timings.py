"""What is timed: a stage of a proven cell; and the declared samples."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ...definition.notation import Notation
from ..backends import BACKENDS
from ..records import CELL_FIELDS, Cell, cell_of
from .workloads import DIGITS, MNIST_SIZE, WORKLOADS, Workload

THROUGHPUT, ROOF, SESSION = "throughput", "roof", "session"
"""Kinds of records that a session leaves; a record of equality has no `kind`."""


@dataclass(frozen=True, order=True)
class Timing:
    """One stage of one cell; its problem is a workload at a batch size.

    Attributes:
        cell: what is run.
        workload, stage, batch: what is timed of it.
        problem_file, package, notation_file: what a worker needs to run it.
        rung: of the ladder, where the mode is `tuned`.
        awaited: whether each call waits for the device; else some calls are under way at a time.
        threads: `pinned`, or `default` for what the framework takes by itself.
    """

    cell: Cell
    workload: str
    stage: str
    batch: int
    problem_file: str
    package: str
    notation_file: str
    rung: str = ""
    awaited: bool = True
    threads: str = "pinned"

    @property
    def key(self) -> str:
        """Test id and file name: it carries the whole cell."""
        return key_of(self.as_json())

    def as_json(self) -> dict[str, Any]:
        return {**self.cell.as_json(), **{name: getattr(self, name) for name in _OWN}}


_OWN = tuple(f.name for f in fields(Timing) if f.name != "cell")
#: What names a timing in its records, beside the cell.
ABOUT = ("workload", "stage", "batch", "rung", "awaited", "threads")


def timing_of(document: Mapping[str, Any]) -> Timing:
    """The inverse of `Timing.as_json`."""
    return Timing(cell_of(document), **{name: document[name] for name in _OWN})


def key_of(record: Mapping[str, Any]) -> str:
    """`Timing.key` of a record, or of a timing as JSON."""
    names = ("stage", "workload", "batch", *(name for name in CELL_FIELDS if name not in ("problem", "framework")))
    words = [str(record[name]) for name in names]
    words += [record["rung"]] if record.get("rung") else []
    words += [] if record.get("awaited", True) else ["unawaited"]
    words += ["default-threads"] if record.get("threads", "pinned") == "default" else []
    return "-".join(words)


@dataclass(frozen=True, order=True)
class Roof:
    """A rate that the machine reaches: a matrix product [m, k, n], or reading a vector of so many bytes.

    Attributes:
        operation: `product` or `read`.
        shape: (m, k, n), or (bytes,).
        dtype: of the elements.
    """

    operation: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class BenchSample:
    """A declared sample of timings.

    Attributes:
        workloads, batches, stages, dtypes: what is timed.
        modes: eager and compiled; `published` exists for the stages that score, of notations that define it.
        passes: processes per backend; six or more make min–max a 97 % interval.
        max_time_s: of one timing.
        notations, compiled_notations: the notations that are timed at all, and compiled; None for all.
        compiled_proofs: the notations whose compiled cells are proven beside those that are timed; None for all.
        peers: whether other libraries are timed as well.
    """

    workloads: tuple[str, ...]
    batches: tuple[int, ...]
    stages: tuple[str, ...]
    modes: tuple[str, ...]
    passes: int
    max_time_s: float
    dtypes: tuple[str, ...] = ("float32",)
    notations: tuple[str, ...] | None = None
    compiled_notations: tuple[str, ...] | None = None
    compiled_proofs: tuple[str, ...] | None = None
    peers: bool = False


# Every session starts from an empty cache. torch.compile then takes seconds for each training step, so the sample has
# compiled cells of one notation; and JAX compiles every operation of an eager step, so it has eager cells of two: one
# that maximises, on log σ, and one that minimises. Compiled cells are proven of four, which differ in sign, reduction,
# scale and whose code they are. What the sample does not have is not printed as missing.
QUICK = BenchSample(
    workloads=(DIGITS,),
    batches=(128,),
    stages=("encoder", "decoder", "training_step"),
    modes=("eager", "compiled"),
    passes=2,
    max_time_s=0.1,
    notations=("kingma_welling_2019", "pytorch_examples"),
    compiled_notations=("pytorch_examples",),
    compiled_proofs=("keras_io", "kingma_welling_2013", "kingma_welling_2019", "pytorch_examples"),
)
FULL = BenchSample(
    workloads=tuple(WORKLOADS),
    batches=(1, 128, 1024),
    stages=("encoder", "decoder", "elbo", "training_step"),
    modes=("eager", "compiled", "compiled-xla", "published"),
    passes=6,
    max_time_s=0.25,
    peers=True,
)
# Figures of two runs are not comparable: the peers, and beside them one notation of ours, the one of the same network.
PEERS_BESIDE = BenchSample(
    workloads=(MNIST_SIZE,),
    batches=(128, 1024),
    stages=("elbo", "training_step"),
    modes=("eager", "published", "compiled", "tuned"),
    passes=2,
    max_time_s=0.25,
    notations=("pytorch_examples",),
    peers=True,
)


def plan_timings(
    sample: BenchSample,
    workloads: Iterable[tuple[Workload, str]],
    notations: Iterable[Notation],
    packages: Mapping[str, str],
    proven: Collection[Cell],
    *,
    device: str = "cpu",
) -> list[Timing]:
    """The timings of a sample, of proven cells only.

    Args:
        sample: what is declared.
        workloads: each with the path of its problem file.
        notations: to time.
        packages: notation id → package.
        proven: the cells whose every tensor is equal to the truth.
        device: to time on.
    """
    chosen = list(notations)
    return [
        Timing(cell, workload.name, stage, workload.batch, str(file), packages[notation.id], str(notation.path))
        for workload, file in workloads
        for backend in BACKENDS.values()
        for notation in chosen
        for dtype in sample.dtypes
        for mode in sample.modes
        for cell in [
            Cell(workload.problem.name, notation.id, backend.framework, backend.name, device, dtype, mode),
        ]
        if cell in proven and _in_sample(sample, notation, mode)
        for stage in sample.stages
        if mode != "published" or stage in ("elbo", "training_step")
    ]


def _in_sample(sample: BenchSample, notation: Notation, mode: str) -> bool:
    if sample.notations is not None and notation.id not in sample.notations:
        return False
    if mode.startswith("compiled") and sample.compiled_notations is not None:
        return notation.id in sample.compiled_notations
    return mode != "published" or notation.methods.objective_as_published is not None
