"""The presets of timings, and the timings that each contains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from ..backends.table import BACKENDS, Backend
from ..notations.notation import Notation
from ..notations.writing import written_by
from ..reference.spec import Spec
from ..workers.records import Cell
from .recipes.table import FORWARD, steps_of
from .timings import Timing
from .workloads import AEVB_SIZE, CONVOLUTIONAL, DIGITS, LARGE, MNIST_SIZE, Workload

STEPS = (*FORWARD, "training_step")
PUBLISHED_STAGES = {"torch": ("elbo", "training_step"), "keras": ("encoder", "decoder", "elbo")}
"""The stages of the mode `published`: a source's objective; on Keras also `predict`."""


@dataclass(frozen=True)
class Slice:
    """Every combination of the listed values that a backend has.

    Attributes:
        workload: the workload whose problem is timed.
        batches, stages, modes, dtypes: the values that are combined.
        notations: the notations that are timed; None for all that can write the workload.
        threads: `pinned`, `default`, or both.
    """

    workload: str
    batches: tuple[int, ...]
    stages: tuple[str, ...]
    modes: tuple[str, ...]
    dtypes: tuple[str, ...] = ("float32",)
    notations: tuple[str, ...] | None = None
    threads: tuple[str, ...] = ("pinned",)


@dataclass(frozen=True)
class BenchSample:
    """A preset of timings.

    Attributes:
        slices: the timings.
        passes: processes per backend; from six on their figures have an interval.
        max_time_s: the longest time of one timing, in seconds.
        compiled_proofs: the notations that are also proven in modes other than eager; None for all.
        libraries: the batches at which other libraries are timed as well.
        repeats: additional passes of a timing that is not stable.
    """

    slices: tuple[Slice, ...]
    passes: int
    max_time_s: float
    compiled_proofs: tuple[str, ...] | None = None
    libraries: tuple[int, ...] = ()
    repeats: int = 0

    def of_all_notations(self) -> BenchSample:
        """The preset with every requested notation, in every mode."""
        return replace(self, slices=tuple(dict.fromkeys(replace(s, notations=None) for s in self.slices)))

    def has(self, mode: str) -> bool:
        """Whether anything is timed in a mode."""
        return any(mode in part.modes for part in self.slices)

    def notations(self) -> set[str] | None:
        """The notations that are timed; None for all."""
        named = [s.notations for s in self.slices]
        return None if None in named else {name for names in named for name in names or ()}


LIBRARY_BATCHES = (128, 1024)
"""A library draws noise itself: its reference is computed for each process, which takes minutes for a large batch."""
REPEATS = 3
"""Additional passes: with nine processes in all, an interval excludes the quickest and the slowest."""
_PROVEN = ("keras_io", "kingma_welling_2013", "kingma_welling_2019", "pytorch_examples")

# Every session starts with an empty cache. torch.compile then takes seconds for each training step, so the preset has
# compiled cells of one notation. JAX compiles every operation of an eager step, so the preset has eager cells of two
# notations: the first maximises and has a log σ, the second minimises. Compiled cells are proven for these two. The
# full preset proves four, which also differ in reduction and author. Cells that a preset lacks are not called missing.
_QUICK = ("kingma_welling_2019", "pytorch_examples")
_TIMED = ("encoder", "decoder", "training_step")
QUICK = BenchSample(
    slices=(
        Slice(DIGITS, (128,), _TIMED, ("eager",), notations=_QUICK),
        Slice(DIGITS, (128,), _TIMED, ("compiled",), notations=("pytorch_examples",)),
    ),
    passes=2,
    max_time_s=0.1,
    compiled_proofs=_QUICK,
)

_MODES = ("published", "eager", "compiled", "compiled-xla", "exported")
_BATCHES = (1, 128, 1024, 8192)
# Every workload with the notation of its source, in every mode; then every notation on the digits. The mode `tuned` is
# timed at each optimisation step. A tuned `elbo` is little more than an encoder and a decoder, so it is timed once.
_COMMON = (
    Slice(MNIST_SIZE, _BATCHES, STEPS, _MODES, notations=("pytorch_examples",)),
    Slice(MNIST_SIZE, (128, 1024), _TIMED, ("tuned",), notations=("pytorch_examples",)),
    Slice(MNIST_SIZE, (1,), ("encoder",), ("tuned",), notations=("pytorch_examples",)),
    Slice(MNIST_SIZE, (128,), ("elbo",), ("tuned",), notations=("pytorch_examples",)),
    Slice(MNIST_SIZE, (128, 1024), _TIMED, ("tuned",), ("bfloat16",), ("pytorch_examples",)),
    Slice(MNIST_SIZE, (128,), _TIMED, ("eager",), notations=("pytorch_examples",), threads=("default",)),
    Slice(AEVB_SIZE, (128,), STEPS, _MODES, notations=("kingma_welling_2013",)),
    Slice(AEVB_SIZE, (128,), ("training_step",), ("tuned",), notations=("kingma_welling_2013",)),
    Slice(CONVOLUTIONAL, (1, 128), STEPS, _MODES, notations=("keras_io",)),
    Slice(CONVOLUTIONAL, (128,), _TIMED, ("tuned",), ("float32", "bfloat16"), ("keras_io",)),
    Slice(DIGITS, (128,), ("encoder", "training_step"), ("eager",)),
)
# A step of the large model takes a second on a CPU, and its reference (71 million weights, sixteen runs) ten minutes.
# Every process would take longer to load the weights than to time the step.
FULL = BenchSample(
    slices=(
        *_COMMON,
        Slice(LARGE, (128,), ("encoder",), ("eager", "compiled"), notations=("kingma_welling_2019",)),
    ),
    passes=6,
    max_time_s=0.08,
    compiled_proofs=_PROVEN,
    libraries=LIBRARY_BATCHES,
    repeats=REPEATS,
)
# Other libraries, and the notation of the same network in the same run: figures of two runs are not comparable.
LIBRARIES_BESIDE = BenchSample(
    slices=(
        Slice(
            MNIST_SIZE,
            (128, 1024),
            ("elbo", "training_step"),
            ("eager", "published", "compiled", "tuned"),
            notations=("pytorch_examples",),
        ),
    ),
    passes=2,
    max_time_s=0.25,
    compiled_proofs=("pytorch_examples",),
    libraries=LIBRARY_BATCHES,
)
FULL_CUDA = BenchSample(
    slices=(
        *_COMMON,
        Slice(MNIST_SIZE, (65536,), STEPS, ("eager", "compiled", "tuned"), notations=("pytorch_examples",)),
        Slice(MNIST_SIZE, (1024, 8192, 65536), STEPS, ("tuned",), ("tf32", "bfloat16"), ("pytorch_examples",)),
        Slice(
            LARGE,
            (128, 1024, 8192, 65536),
            STEPS,
            ("eager", "compiled", "tuned"),
            ("float32", "tf32", "bfloat16"),
            ("kingma_welling_2019",),
        ),
    ),
    passes=6,
    max_time_s=0.2,
    compiled_proofs=_PROVEN,
    repeats=REPEATS,
)


@dataclass(frozen=True)
class Proven:
    """The results of the equality phase.

    Attributes:
        cells: the cells in which every tensor is equal to the reference.
        refuted: the other cells that were judged.
    """

    cells: frozenset[Cell]
    refuted: frozenset[Cell] = frozenset()

    @cached_property
    def _formulas(self) -> frozenset[tuple[str, str, str, str]]:
        return frozenset((c.notation, c.backend, c.device, c.dtype) for c in self.cells)

    def admits(self, cell: Cell) -> bool:
        """Whether a cell may be timed: its formula is proven in its backend, and nothing speaks against the cell.

        The timed stage itself is proven by the process that times it, before and after. Below float32 this proof is
        weak, so the formula must be equal in float64.
        """
        accepted = ("float64",) if cell.dtype in ("bfloat16", "tf32") else ("float64", "float32")
        formula = (cell.notation, cell.backend, cell.device)
        return cell not in self.refuted and any((*formula, dtype) in self._formulas for dtype in accepted)


def plan_timings(
    sample: BenchSample,
    workloads: Iterable[tuple[Workload, str]],
    notations: Iterable[Notation],
    packages: Mapping[str, str],
    proven: Proven,
    *,
    device: str = "cpu",
    backends: Collection[str] = (),
) -> list[Timing]:
    """The timings of a preset, for proven cells only; each once, also where several slices have it.

    Args:
        sample: the preset.
        workloads: each with the path of its problem file.
        notations: the notations that are timed.
        packages: notation id → package.
        proven: the results of the equality phase.
        device: the device of the timings.
        backends: the backends that are timed; empty for all.
    """
    chosen = {(w.name, w.batch): (w, file) for w, file in workloads}
    specs = {workload.name: workload.problem.spec for workload, _ in chosen.values()}
    timings: dict[Timing, None] = {}
    everyone = list(notations)
    for part in sample.slices:
        for timing in timings_of(part, specs[part.workload], everyone, packages, device):
            workload, file = chosen[part.workload, timing.batch]
            cell = replace(timing.cell, problem=workload.problem.name)
            if (backends and cell.backend not in backends) or not proven.admits(cell):
                continue
            timings[replace(timing, cell=cell, problem_file=file)] = None
    return list(timings)


def timings_of(
    part: Slice, spec: Spec, notations: Iterable[Notation], packages: Mapping[str, str], device: str
) -> Iterator[Timing]:
    """Every timing of a slice that some backend can make, without its problem.

    Args:
        part: the slice.
        spec: the specification of its workload.
        notations: the notations that are timed, as far as the slice has them.
        packages: notation id → package.
        device: the device of the timings.
    """
    writing = [n for n in notations if (part.notations is None or n.id in part.notations) and written_by(n, spec)]
    for batch, backend, notation in product(part.batches, BACKENDS.values(), writing):
        where = packages[notation.id], str(notation.path)
        for dtype, mode, stage in product(part.dtypes, part.modes, part.stages):
            if not has_stage(backend, notation, stage, dtype, mode, device):
                continue
            cell = Cell("", notation.id, backend.framework, backend.name, device, dtype, mode)
            plain = Timing(cell, part.workload, stage, batch, "", *where, bound=notation.objective.bound)
            steps = [""]
            if mode == "tuned":
                steps = list(steps_of(backend.name, spec, stage, batch, dtype, device))
            for threads, step in product(part.threads, steps):
                yield replace(plain, threads=threads, last_step=step)


def has_stage(backend: Backend, notation: Notation, stage: str, dtype: str, mode: str, device: str) -> bool:
    """Whether a backend can compute a stage of a notation in a dtype and a mode on a device."""
    if mode not in (*backend.modes, *backend.stage_modes) or dtype not in backend.timed_dtypes:
        return False
    if dtype in ("bfloat16", "tf32") and mode != "tuned":
        return False  # recipes set them; every other mode computes in the dtype of the weights
    if stage == "encoder" and notation.methods.encoder is None:
        return False
    if mode == "exported":
        return stage in ("encoder", "decoder") and device == "cpu"
    if mode == "published":
        return stage in PUBLISHED_STAGES[backend.framework] and notation.methods.objective_as_published is not None
    return True
