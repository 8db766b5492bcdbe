"""Value and gradient: whether automatic differentiation agrees with differences of the values, argument by argument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lab import Lab, LossFailed

STEP = 1e-5


@dataclass(frozen=True)
class Slopes:
    """What was shown: the roles whose gradient is not the slope of the value."""

    wrong: dict[str, tuple[float, float]]
    residual: float
    calls: int

    @property
    def shows(self) -> str:
        return (
            f"gradient and value part at {', '.join(self.wrong)}" if self.wrong else "gradients are the values' slopes"
        )


def slopes(lab: Lab) -> Slopes | None:
    """Compare along a random direction of each role; None where the framework has no gradients."""
    before, base = lab.calls[0], lab.draw(1)
    try:
        gradients = lab.loss.gradients(lab.binding.arguments(base, lab.parameters), lab.total)
    except Exception:  # an argument whose gradient the framework refuses, integers for example
        return None
    if gradients is None:
        return None
    wrong: dict[str, tuple[float, float]] = {}
    worst = 0.0
    for slot in lab.binding.slots:
        if slot.role in ("parameter", "mask", "x") or slot.tied is not None or slot.name not in gradients:
            continue
        if lab.binding.layout.listed or slot.role == "moments":
            continue
        value = base[slot.role]
        direction = np.random.default_rng(5).normal(size=value.shape)
        tied = [other for other in lab.binding.slots if other.role == slot.role and other.tied is not None]
        if tied:
            continue
        try:
            above = lab.value({**base, slot.role: value + STEP * direction})
            below = lab.value({**base, slot.role: value - STEP * direction})
        except LossFailed:
            continue
        measured = (above - below) / (2 * STEP)
        differentiated = float((np.asarray(gradients[slot.name][0]) * direction).sum())
        size = max(abs(measured), abs(differentiated))
        noise = 1e-12 * (1 + abs(above)) / STEP + 1e-9
        if abs(measured - differentiated) > 1e-3 * size + noise:
            wrong[slot.role] = (measured, differentiated)
        elif size:
            worst = max(worst, abs(measured - differentiated) / max(size, noise))
    return Slopes(wrong, worst, lab.calls[0] - before)
