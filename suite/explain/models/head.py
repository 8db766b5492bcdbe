"""Which scale kind does a posterior's head put out? Its last linear layer is compared with the standard deviation."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..dictionary.formula import Array
from ..dictionary.scale_kinds import TRANSFORMED, VARIANCE
from ..lab import DOMAINS, LossFailed
from .run import INPUT, Place, Run, Setting, domain_of, example, same
from .sampling import OTHER

_EPSILON = 0.05
"""The largest ε: a larger number that is added to a standard deviation or a variance makes another kind."""

_MOVES = (0.3, 5.0)
"""Moves of an output, in order: below 0, a ReLU hides the smaller one."""


class Runs(Protocol):
    """A model, or a guide, that can be run."""

    def run(self, x: Array, setting: Setting) -> Run: ...


def head_kind(runner: Runs, run: Run, scale: Place, kind: str) -> str:
    """The scale kind of the output of the head.

    Args:
        runner, run: the model or guide, and one run.
        scale: the place of the scale that the loss reads.
        kind: the scale kind of that scale.

    Returns:
        A scale kind; `other` if the head is another function of the scale than the known ones.
    """
    read = [_read(runner, run, place, scale) for place in reversed(_made_of(runner, run, scale))]
    for values, scales in read:
        found = None if scales is None else _transformed(values, np.sqrt(VARIANCE[kind](scales)))
        if found is not None:
            return found
    if kind in TRANSFORMED or not read:
        return kind
    values, scales = read[0]
    return kind if scales is not None and _is_line(values, scales) else OTHER


def _made_of(runner: Runs, run: Run, scale: Place) -> list[Place]:
    """The outputs that alone determine the scale, elementwise; the last one is the output of the last linear layer."""
    found = []
    for place in _before(run, scale):
        own, before = run.value(place), run.value(scale).reshape(-1)
        other = example(run.x.shape, 3, domain_of(run.x))
        try:
            at_other_x = runner.run(other, Setting(replaced={place: own})).value(scale)
            moved = (_moved(runner, run, place, scale, by) for by in _MOVES)
            after = next((values for values in moved if (values[::2] != before[::2]).any()), None)
        except LossFailed:
            continue
        if after is not None and same(at_other_x, before) and same(after[1::2], before[1::2]):
            found.append(place)
    return found


def _moved(runner: Runs, run: Run, place: Place, scale: Place, by: float) -> Array:
    """The scale with every second number of an output moved."""
    moved = run.value(place).copy()
    moved.flat[::2] += by
    return runner.run(run.x, Setting(replaced={place: moved})).value(scale).reshape(-1)


def _before(run: Run, last: Place) -> list[Place]:
    """The outputs of the same size that the output `last` is computed from, the latest first."""
    seen: set[Place] = set()
    pending = [last]
    while pending:
        inputs = run.operations[pending.pop().operation].inputs
        pending += [place for place in inputs if place != INPUT and place not in seen]
        seen |= set(inputs) - {INPUT}
    size = run.value(last).size
    return sorted((p for p in seen if run.value(p).size == size and run.value(p).dtype.kind == "f"), reverse=True)


def _read(runner: Runs, run: Run, place: Place, scale: Place) -> tuple[Array, Array | None]:
    """Random values in place of an output, and the scale computed from them; None if the run takes none."""
    random, shape = np.random.default_rng(10), run.value(place).shape
    for low, high in ((-1.5, 1.5), DOMAINS["positive"]):  # a distribution takes no scale below 0
        values = random.uniform(low, high, shape)
        try:
            read = runner.run(run.x, Setting(replaced={place: values})).value(scale).reshape(-1)
        except LossFailed:
            continue
        return values.reshape(-1), read if np.isfinite(read).all() else None
    return values.reshape(-1), None


def _transformed(values: Array, deviation: Array) -> str | None:
    """The scale kind of unbounded values whose sd, or variance, is the measured one up to an ε; else None."""
    for kind in TRANSFORMED:
        variance = VARIANCE[kind](values)
        for measured, stood_for in ((deviation, np.sqrt(variance)), (deviation**2, variance)):
            added = measured - stood_for
            if np.ptp(added) < 1e-9 * measured.max() and -1e-9 < added.mean() < _EPSILON:
                return kind
    return None


def _is_line(values: Array, read: Array) -> bool:
    """Whether the scale is the head times a factor, plus an ε."""
    return float(np.abs(np.polyval(np.polyfit(values, read, 1), values) - read).max()) < 1e-9 * float(np.ptp(read))
