"""A/A tests: two arms time the same cell, a third arm times it with slower calls. How often do they differ?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ..backends.table import BACKENDS
from ..notations.notation import Notation
from .plan import BenchSample, Proven, Slice, plan_timings
from .timings import Timing
from .workloads import DIGITS, MNIST_SIZE, Workload

FIRST, AGAIN, SLOWED = ARMS = ("first", "again", "slowed")
PLANTED = 0.1
"""The relative slowdown of each call in the arm `slowed`."""
PASSES = 6
"""Processes per backend; with fewer there is no interval, and no difference is claimed."""


@dataclass(frozen=True)
class Part:
    """Timings with the same number of tries.

    Attributes:
        timed: the timings.
        tries: the number of tries of each timing; a try has three arms.
        backends: the backends that are timed; empty for all.
    """

    timed: Slice
    tries: int
    backends: tuple[str, ...] = ()


@dataclass(frozen=True)
class AaSample:
    """A preset of the A/A test; every try also has the slowed arm."""

    parts: tuple[Part, ...]
    passes: int = PASSES
    max_time_s: float = 0.05

    @property
    def timed(self) -> BenchSample:
        """The timings of the preset. Formulas are proven in eager mode alone, outputs in the mode that is timed."""
        slices = tuple(dict.fromkeys(part.timed for part in self.parts))
        return BenchSample(slices, passes=self.passes, max_time_s=self.max_time_s, compiled_proofs=())

    def of_all_notations(self) -> AaSample:
        """The preset with every requested notation."""
        return replace(self, parts=tuple(replace(p, timed=replace(p.timed, notations=None)) for p in self.parts))


def _part(workload: str, stage: str, mode: str, tries: int, backends: tuple[str, ...] = ()) -> Part:
    return Part(Slice(workload, (128,), (stage,), (mode,), notations=("pytorch_examples",)), tries, backends)


# A hundred tries per backend: of fewer, two or three would decide on the limit of 5 %. Every arm saves its outputs in
# each process, so the stages return little, and the steps are of the small network. On TensorFlow and JAX the steps are
# compiled: an eager one takes tens of milliseconds, since the framework dispatches every operation.
AA_TESTS = AaSample(
    (
        _part(MNIST_SIZE, "encoder", "eager", 45),
        _part(MNIST_SIZE, "elbo", "eager", 45),
        _part(DIGITS, "training_step", "eager", 10, ("torch", "keras-torch")),
        _part(DIGITS, "training_step", "compiled", 10, ("keras-tensorflow", "keras-jax")),
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
) -> list[Timing]:
    """The arms of all tries of a preset, for proven cells only; the arms of a try run one after the other.

    Args: as `plan_timings`.
    """
    files, chosen = list(workloads), list(notations)
    arms: list[Timing] = []
    for part in sample.parts:
        where = [name for name in part.backends or BACKENDS if not backends or name in backends]
        if not where:
            continue
        one = replace(sample.timed, slices=(part.timed,))
        for timing in plan_timings(one, files, chosen, packages, proven, device=device, backends=where):
            arms += [
                replace(timing, arm=f"{number}-{arm}", slowed=PLANTED * (arm == SLOWED))
                for number in range(1, part.tries + 1)
                for arm in ARMS
            ]
    return arms
