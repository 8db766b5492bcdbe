"""Does a model take x at one size only? Then its D and J are known."""

from __future__ import annotations

from .flow import Flow
from .run import Runner


def fixed(runner: Runner, flow: Flow) -> bool:
    """Whether the model takes no x in which an axis other than the batch has twice its size."""
    shape, batch = flow.run.x.shape, flow.batch[0]
    others = [axis for axis, size in enumerate(shape) if axis != batch and size > 1]
    doubled = [tuple(2 * size if a == axis else size for a, size in enumerate(shape)) for axis in others]
    return bool(others) and not any(map(runner.takes, doubled))
