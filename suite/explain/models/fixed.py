"""Whether a model takes x at one size alone, which is then known: it is shown others."""

from __future__ import annotations

from .flow import Flow
from .run import Runner


def fixed(runner: Runner, flow: Flow) -> bool:
    """Whether it takes no x with an axis, other than the batch's, of twice its size."""
    shape, batch = flow.run.x.shape, flow.batch[0]
    others = [axis for axis, size in enumerate(shape) if axis != batch and size > 1]
    doubled = [tuple(2 * size if a == axis else size for a, size in enumerate(shape)) for axis in others]
    return bool(others) and not any(map(runner.takes, doubled))
