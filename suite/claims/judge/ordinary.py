"""Ordinary use: the model's outputs for data alone are quantities, and `fit` minimises the objective."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...notations.canonical import objective_factor, objective_sign
from ...reference.problem import Array
from ..facts import LOSS
from ..probes import Probe
from .evidence import Evidence, Violation

SLACK = 1e-9
"""Relative tolerance: the same code computes both values in float64, at most in another order."""


def check_ordinary_use(evidence: Evidence) -> Iterator[Violation]:
    """On every probe, at noise that the model was handed; the first that does not hold."""
    for probe in evidence.ran():
        made, asked = evidence.facts.draws.get(probe.name, (1, 1))
        if made != asked:
            claimed = f"the model, called on data: {asked} draw(s) of the latents"
            yield evidence.violation("model", "class", claimed, f"{made} on {probe.name}")
            return
        outputs = evidence.facts.of(probe.name, "forward")
        for name, output in outputs.items():
            if name == LOSS:
                held = _minimises(evidence, probe, output, outputs)
                claimed = "what fit minimises: the objective"
            else:
                held = _returned(evidence, probe, output)
                claimed = f"output {name} of the model: a quantity, or bounds that reduce to the objective"
            if not held:
                yield evidence.violation("model", "class", claimed, f"another value at the same noise, on {probe.name}")
                return


def _returned(evidence: Evidence, probe: Probe, output: Array) -> bool:
    """Whether an output is a quantity at the same noise; a bound of the objective must also reduce to the objective."""
    quantities = evidence.facts.of(probe.name, "drawn")
    spec, objective = probe.problem.spec, evidence.notation.objective
    symbols = evidence.notation.computed(spec)
    bounds = {str(s.quantity): s for s in symbols if s.role in (objective.bound, f"weighted_{objective.bound}")}
    if any(_same(output, quantities[name]) for name in quantities.keys() - bounds.keys()):
        return True
    signs = {1, *(-s.sign * objective_sign(objective) for name, s in bounds.items() if _same(output, quantities[name]))}
    factor = abs(objective_factor(objective, spec, len(probe.problem.x), spec.data_count or probe.data_count))
    reduced = evidence.facts.of(probe.name, "reduced").values()
    return any(_same(sign * factor * output.sum(), value) for sign in signs for value in reduced)


def _minimises(evidence: Evidence, probe: Probe, loss: Array, outputs: dict[str, Array]) -> bool:
    """Whether a loss is the minimised objective, or the returned bound with the reduction of the objective."""
    spec, objective = probe.problem.spec, evidence.notation.objective
    batch, count = len(probe.problem.x), spec.data_count or probe.data_count
    sign = objective_sign(objective)
    losses = [sign * value for value in evidence.facts.of(probe.name, "reduced").values()]
    quantities = evidence.facts.of(probe.name, "drawn")
    bounds = [s for s in evidence.notation.computed(spec) if s.kind == "objective"]
    returned = [s for s in bounds if any(_same(out, quantities[str(s.quantity)]) for out in outputs.values())]
    factor = abs(objective_factor(objective, spec, batch, count))
    losses += [-symbol.sign * factor * quantities[str(symbol.quantity)].sum() for symbol in returned]
    # An estimate for all data is minimised per datum where the model does not know how many there are.
    sizes = (1.0, float(count)) if objective.data == "N/M" else (1.0,)
    return any(_same(loss, total / size) for total in losses for size in sizes)


def _same(one: Array, other: Array) -> bool:
    return one.shape == np.shape(other) and bool(np.allclose(one, other, rtol=SLACK, atol=SLACK, equal_nan=False))
