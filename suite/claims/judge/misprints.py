"""Misprints: the printed formula differs from the quantity that a run returned, and the meant formula equals it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...notations.canonical import sizes_by_role
from ...notations.formulas import Formula
from ...notations.notation import Misprint, Notation
from ...notations.provenance import how
from ...reference.problem import Array
from ..probes import Probe
from .evidence import Evidence, Violation

MISPRINT = "misprint "
"""The beginning of the name of an entry of [[misprints]]."""
SLACK = 1e-9
"""Tolerance as a share of the quantity's largest element: the order of operations differs, in float64."""


@dataclass(frozen=True)
class Difference:
    """The largest differences of two formulas from a quantity, and the difference that counts as none.

    Attributes:
        probe: the name of the probe.
        printed, meant: the largest differences of the two formulas.
        allowed: by rounding.
    """

    probe: Probe
    printed: float
    meant: float
    allowed: float


def where_of(misprint: Misprint) -> str:
    """As rows of claims.csv name it."""
    return f"{MISPRINT}{misprint.equation} of {misprint.symbol}"


def claim_of(notation: Notation, misprint: Misprint) -> str:
    """The entry in words, and how it is known."""
    when = ", ".join(word for words in misprint.when.values() for word in words)
    said = f"prints {misprint.printed}, means {misprint.meant}" + (f" (when {when})" if when else "")
    return f"{said}; known: {how(notation, misprint)}"


def check_misprints(evidence: Evidence) -> Iterator[Violation]:
    """On every probe that has the quantity; each that does not hold, once."""
    for misprint in evidence.notation.misprints:
        for fields, found in _wrong(evidence, misprint):
            yield evidence.violation(where_of(misprint), fields, claim_of(evidence.notation, misprint), found)


def _wrong(evidence: Evidence, misprint: Misprint) -> Iterator[tuple[tuple[str, str], str]]:
    """The fields of an entry that may be false, and what was found."""
    try:
        differences = list(_differences(evidence, misprint))
    except ValueError as error:
        yield ("printed", "meant"), str(error)
        return
    if not differences:
        yield ("symbol", "when"), f"no probe with a quantity '{misprint.symbol}': nothing executes it"
    for wrong in [d for d in differences if d.meant > d.allowed][:1]:
        off = f"{misprint.symbol} another value than what is meant, by {wrong.meant:.4g} on {wrong.probe.name}"
        yield ("meant", "when"), off
    for same in [d for d in differences if d.printed <= d.allowed][:1]:
        yield ("printed", "when"), f"{misprint.symbol} equal to what is printed on {same.probe.name}: no misprint"


def measured(evidence: Evidence) -> dict[str, str]:
    """Each misprint, as `where_of` names it → the largest error of the printed formula, and its probe."""
    found = {}
    for misprint in evidence.notation.misprints:
        try:
            differences = list(_differences(evidence, misprint))
        except ValueError:
            continue  # `check_misprints` names it
        if differences:
            most = max(differences, key=lambda difference: difference.printed)
            symbol = next(s for s in evidence.notation.symbols if s.quantity == misprint.symbol)
            unit = " nats" if symbol.kind in ("term", "objective") else ""
            found[where_of(misprint)] = f"printed differs by up to {most.printed:.4g}{unit} on {most.probe.name}"
    return found


def _differences(evidence: Evidence, misprint: Misprint) -> Iterator[Difference]:
    for probe in evidence.ran(misprint.when):
        raw = evidence.facts.of(probe.name, "quantity")
        if misprint.symbol in raw:
            quantity, values = raw[misprint.symbol], raw | _given(evidence, probe)
            allowed = SLACK * float(np.abs(quantity).max())
            printed, meant = (_off(formula, values, quantity) for formula in (misprint.printed, misprint.meant))
            yield Difference(probe, printed, meant, allowed)


def _given(evidence: Evidence, probe: Probe) -> dict[str, Array]:
    """Data and noise as the run was given them, and sizes by their codes."""
    sizes = sizes_by_role(probe.problem, probe.problem.spec.data_count or probe.data_count)
    constants = {s.code: np.asarray(sizes[s.role]) for s in evidence.notation.symbols if s.role in sizes}
    return constants | evidence.facts.of(probe.name, "input")


def _off(formula: Formula, values: dict[str, Array], quantity: Array) -> float:
    """The largest difference. Raises ValueError where a code has no value, the axes do not fit, or it is not finite."""
    if unknown := sorted(formula.codes - values.keys()):
        raise ValueError(f"no value of '{unknown[0]}' in a run")
    value = formula.value(values)
    if value.shape != quantity.shape:
        raise ValueError(f"{formula}: shape {list(value.shape)}, where the quantity has {list(quantity.shape)}")
    if not np.isfinite(value).all():
        raise ValueError(f"{formula}: a value that is not finite")
    return float(np.abs(value - quantity).max())
