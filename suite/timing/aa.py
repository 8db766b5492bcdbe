"""What paired timings are themselves put to: the same cell as two, and beside them once more, made slower."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ..backends.table import BACKENDS
from ..notations.notation import Notation
from .asked import PairedComparison
from .plan import BenchSample, Proven, Slice, plan_timings
from .workloads import MNIST_SIZE, Workload

AA = "aa"
"""The question of a paired comparison that has one timing more than once."""
PLANTED = 0.1
"""By which share of its own time the last entry of such a comparison is slowed."""
LABELS = ("the cell", "the same cell", f"the same cell, slowed by {PLANTED:.0%}")


@dataclass(frozen=True)
class Part:
    """Timings that are each put to the test as often.

    Attributes:
        timed: what.
        builds, tries: as of a paired comparison.
        backends: that have them; empty for all.
    """

    timed: Slice
    builds: int
    tries: int
    backends: tuple[str, ...] = ()


@dataclass(frozen=True)
class AaSample:
    """A declared sample of A/A and planted slowness; every try answers both questions."""

    parts: tuple[Part, ...]

    @property
    def timed(self) -> BenchSample:
        """What is timed in it. Its formulas are proven eager; in other modes the timed calls' own outputs are."""
        slices = tuple(dict.fromkeys(part.timed for part in self.parts))
        return BenchSample(slices, passes=1, max_time_s=0, compiled_proofs=())

    def of_all_notations(self) -> AaSample:
        """The sample with every notation that is asked for."""
        return AaSample(tuple(replace(part, timed=replace(part.timed, notations=None)) for part in self.parts))


def _part(stage: str, mode: str, builds: int, tries: int, backends: tuple[str, ...] = ()) -> Part:
    timed = Slice(MNIST_SIZE, (128,), (stage,), (mode,), notations=("pytorch_examples",))
    return Part(timed, builds, tries, backends)


# A hundred tries of each question per backend: in fewer, two or three decide whether 5 % are kept. A try of a training
# step takes two to four times that of the encoder, so most are of the encoder; all took 22 minutes on two cores with
# AVX2. Steps are compiled where an eager one takes tens of milliseconds, every operation going through TensorFlow's or
# JAX's dispatch. Many builds, since each lies elsewhere in memory.
AA_TESTS = AaSample(
    (
        _part("encoder", "eager", 18, 5),
        _part("training_step", "eager", 5, 2, ("torch", "keras-torch")),
        _part("training_step", "compiled", 5, 2, ("keras-tensorflow", "keras-jax")),
    )
)


def plan_aa(
    sample: AaSample,
    workloads: Iterable[tuple[Workload, str]],
    notations: Iterable[Notation],
    packages: Mapping[str, str],
    proven: Proven,
    *,
    device: str = "cpu",
    backends: Collection[str] = (),
) -> list[PairedComparison]:
    """The paired comparisons of a sample, of proven cells only. Args: as `plan_timings`."""
    files, chosen = list(workloads), list(notations)
    comparisons: list[PairedComparison] = []
    for part in sample.parts:
        own = [name for name in part.backends or BACKENDS if not backends or name in backends]
        if not own:
            continue
        planned = plan_timings(
            replace(sample.timed, slices=(part.timed,)), files, chosen, packages, proven, device=device, backends=own
        )
        comparisons += [
            PairedComparison(f"{AA}-{t.key}", AA, (t, t, t), LABELS, (0.0, 0.0, PLANTED), part.builds, part.tries)
            for t in planned
        ]
    return comparisons
