"""Methods: each returns what its entry says, and the published forms equal the quantities and the objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from ...notations.notation import Methods
from ..probes import Probe
from .evidence import Evidence, Violation, words


def check_methods(evidence: Evidence) -> Iterator[Violation]:
    """Each method that ran under its name, and its outputs."""
    methods, called = evidence.notation.methods, evidence.facts.methods
    for field in fields(Methods):
        name = getattr(methods, field.name)
        if isinstance(name, str) and called.get(field.name) != name:
            found = f"a run in which it was '{called.get(field.name, 'not called')}'"
            yield evidence.violation("methods", field.name, f"'{name}'", found)
    named: set[str] = set()
    for probe in evidence.ran():
        spec = probe.problem.spec
        nets = [("decoder", methods.decoder_returns.get(spec.likelihood, ()))]
        if methods.encoder is not None:
            nets.append(("encoder", methods.encoder_returns.get(spec.posterior, ())))
        for what, names in nets:
            if what not in named and (violation := _net(evidence, probe, what, names)):
                named.add(what)
                yield violation
        for check in (_densities, _published):
            if check.__name__ not in named and (violation := check(evidence, probe)):
                named.add(check.__name__)
                yield violation


def _net(evidence: Evidence, probe: Probe, what: str, names: Sequence[str]) -> Violation | None:
    """A net's outputs are these quantities, in this order."""
    outputs = evidence.facts.of(probe.name, what)
    field = f"{what}_returns"
    if not outputs:
        return None  # its weights have a posterior, or it is missing from the facts: the call is named elsewhere
    if len(outputs) != len(names):
        return evidence.violation("methods", field, list(names), f"{len(outputs)} outputs on {probe.name}")
    symbols = {s.quantity: s for s in evidence.notation.computed(probe.problem.spec)}
    if what == "decoder" and probe.problem.weight_noise:
        probe = _at_the_means(probe)
    for (number, array), name in zip(outputs.items(), names, strict=True):
        if name not in symbols:
            return evidence.violation("methods", field, list(names), f"no quantity '{name}' on {probe.name}")
        if not evidence.holds(probe, symbols[name], array):
            found = words(evidence.comparison(probe, symbols[name], array))
            return evidence.violation("methods", field, list(names), f"output {number} that is not '{name}': {found}")
    return None


def _at_the_means(probe: Probe) -> Probe:
    """The probe with decoder weights that are the means of their posteriors."""
    problem = probe.problem
    still = {name: np.zeros_like(noise) for name, noise in problem.weight_noise.items()}
    return replace(probe, problem=replace(problem, name=f"{problem.name}-means", weight_noise=still))


def _densities(evidence: Evidence, probe: Probe) -> Violation | None:
    """At the z that was drawn, the densities' means over the draws are the quantities of the same names."""
    method = evidence.notation.methods.densities
    outputs = evidence.facts.of(probe.name, "density")
    symbols = {s.quantity: s for s in evidence.notation.computed(probe.problem.spec)}
    for key, array in outputs.items():
        if key not in symbols:
            return evidence.violation("methods", "densities", f"'{method}'", f"'{key}', which no symbol has")
        if not evidence.holds(probe, symbols[key], array):
            found = words(evidence.comparison(probe, symbols[key], array))
            return evidence.violation(
                "methods", "densities", f"'{method}'", f"'{key}' that is not the quantity: {found}"
            )
    return None


def _published(evidence: Evidence, probe: Probe) -> Violation | None:
    """The quantities as published are the quantities: no logit of a probe is anywhere near a clamp."""
    method = evidence.notation.methods.quantities_as_published
    raw = evidence.facts.of(probe.name, "published")
    if method is None or not raw:
        return None
    for symbol in evidence.notation.computed(probe.problem.spec):
        quantity = str(symbol.quantity)
        if quantity not in raw:
            found = f"no '{quantity}' on {probe.name}"
            return evidence.violation("methods", "quantities_as_published", f"'{method}'", found)
        if not evidence.holds(probe, symbol, raw[quantity]):
            found = words(evidence.comparison(probe, symbol, raw[quantity]))
            return evidence.violation("methods", "quantities_as_published", f"'{method}'", found)
    return None
