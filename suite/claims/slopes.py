"""Slopes: whether a method's outputs change with the weights as the framework's own differentiation says.

Other checks compare the values with the reference. This check finds a term that counts in the value and not in the
gradient, or the other way round. It needs no second definition: it uses differences of the values themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..reference.problem import Array
from ..workers.records import number
from ..workers.subject import Subject
from .facts import ALL, Slope

STEP = 1e-4
"""The step along the direction of unit length, in float64."""
SEED = 3
"""The seed of a direction in which the slope of every method of every probe differs from 0, as a test checks."""
SLACK = 1e-7
"""Tolerance for rounding, as a share of the value and the slope; a missing term changes a slope far more."""

Outputs = Mapping[str, Any]


def slopes_of(
    subject: Subject, function: Callable[..., Outputs], tensors: tuple[Any, ...], mode: str = "eager"
) -> list[Slope]:
    """The slope of all outputs together, and of each of them where that does not agree.

    Args:
        subject: a loaded model, whose weights are as before afterwards.
        function: (tensors) → outputs by name.
        tensors: its arguments.
        mode: in which it is executed.
    """
    direction = _direction(subject)
    values = _values(subject, function, tensors, mode, direction)
    shares = dict(zip(values, np.random.default_rng(0).normal(size=len(values)).tolist(), strict=True))
    combined = sum((shares[name] * value for name, value in values.items()), np.zeros(5))

    def slope(output: str, parts: Mapping[str, float], value: Array) -> Slope:
        def total(*given: Any) -> dict[str, Any]:
            outputs = function(*given)
            return {"": sum(subject.binding.total(outputs[name]) * share for name, share in parts.items())}

        _, gradients = subject.binding.with_gradients(subject.model, total, subject.paths, mode)(*tensors)
        arrays = {path: subject.binding.array(gradient) for path, gradient in gradients.items()}
        differentiated = sum(float((arrays[path] * step).sum()) for path, step in direction.items())
        measured, allowed = _measured(value)
        return Slope(output, number(measured), number(differentiated), number(allowed))

    together = slope(ALL, shares, combined)
    alone = [] if together.agrees else [slope(name, {name: 1.0}, value) for name, value in values.items()]
    return [together, *alone]


def _direction(subject: Subject) -> dict[str, Array]:
    """Attribute path → a random array, drawn in the canonical layout; together of length 1."""
    draws = np.random.default_rng(SEED)
    weights = subject.binding.get_weights(subject.model, subject.paths)
    direction = {}
    for weight in subject.maps.values():
        shape = weight.to_canonical(weights[weight.path]).shape
        direction[weight.path] = weight.to_published(draws.normal(size=shape))
    length = np.sqrt(sum(float((step * step).sum()) for step in direction.values()))
    return {path: step / length for path, step in direction.items()}


def _values(
    subject: Subject,
    function: Callable[..., Outputs],
    tensors: tuple[Any, ...],
    mode: str,
    direction: Mapping[str, Array],
) -> dict[str, Array]:
    """Output → its sum at −2, −1, 0, 1 and 2 steps along the direction."""
    binding, model = subject.binding, subject.model
    forward = binding.forward(model, function, mode)
    start = {path: w.copy() for path, w in binding.get_weights(model, subject.paths).items()}  # some share memory
    rows = []
    try:
        for steps in (-2, -1, 0, 1, 2):
            binding.put_weights(model, {path: w + steps * STEP * direction[path] for path, w in start.items()})
            rows.append({name: float(binding.array(out).sum()) for name, out in forward(*tensors).items()})
    finally:
        binding.put_weights(model, start)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _measured(value: Array) -> tuple[float, float]:
    """The slope at the middle of five values, free of the step's second power, and how far it may be off."""
    wide, narrow = (value[4] - value[0]) / (4 * STEP), (value[3] - value[1]) / (2 * STEP)
    slope = (4 * narrow - wide) / 3
    return float(slope), float(abs(narrow - wide) + SLACK * (abs(slope) + np.abs(value).max()))
