"""Gradients: what each method returns changes with the weights as its own differentiation says."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import ALL
from .evidence import Evidence, Violation


def check_gradients(evidence: Evidence) -> Iterator[Violation]:
    """Every output of every method, on every probe; the first probe on which one does not agree."""
    named: set[str] = set()
    symbols = {symbol.quantity: symbol.code for symbol in evidence.notation.symbols if symbol.quantity is not None}
    for probe in evidence.probes:
        for method, slopes in evidence.facts.slopes.get(probe.name, {}).items():
            wrong = [slope for slope in slopes if not slope.agrees]
            for slope in [slope for slope in wrong if slope.output != ALL] or wrong:
                where = f"symbol {symbols[slope.output]}" if slope.output in symbols else "methods"
                if where in named:
                    continue
                named.add(where)
                claimed = (
                    f"{slope.output} of {method}: a gradient of {float(slope.differentiated):.6g} along a direction"
                )
                found = f"{float(slope.measured):.6g} by differences of its values, on {probe.name}"
                yield evidence.violation(where, "gradient", claimed, found)
