"""Methods: each returns what its entry says, the published forms equal the others, and the gradients fit the values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product

import numpy as np

from ...notations.notation import Methods, Symbol
from ..facts import ALL
from ..probes import Probe
from .evidence import Evidence, Violation


def check_methods(evidence: Evidence) -> Iterator[Violation]:
    """Each method that ran under its name, and its outputs."""
    methods, called = evidence.notation.methods, evidence.facts.methods
    for entry in fields(Methods):
        name = getattr(methods, entry.name)
        if isinstance(name, str) and called.get(entry.name) != name:
            found = f"a run in which it was '{called.get(entry.name, 'not called')}'"
            yield evidence.violation("methods", entry.name, f"'{name}'", found)
    named: set[str] = set()
    for probe, check in product(evidence.ran(), (_nets, _densities, _published)):
        for field, claimed, found in check(evidence, probe):
            if field not in named:
                named.add(field)
                yield evidence.violation("methods", field, claimed, found)


def _quantities(evidence: Evidence, probe: Probe) -> dict[str, Symbol]:
    return {str(s.quantity): s for s in evidence.notation.computed(probe.problem.spec)}


def _nets(evidence: Evidence, probe: Probe) -> Iterator[tuple[str, str, str]]:
    """A net's outputs are the quantities that its entry says, in this order: field, what it says, what was found."""
    methods, spec = evidence.notation.methods, probe.problem.spec
    nets = [("decoder", methods.decoder_returns.get(spec.likelihood, ()))]
    if methods.encoder is not None:
        nets.append(("encoder", methods.encoder_returns.get(spec.posterior, ())))
    symbols = _quantities(evidence, probe)
    for net, names in nets:
        outputs = evidence.facts.of(probe.name, net)
        if not outputs:
            continue  # its weights have a posterior, or it is missing from the facts: the call is named elsewhere
        field, claimed = f"{net}_returns", str(list(names))
        if len(outputs) != len(names):
            yield field, claimed, f"{len(outputs)} outputs on {probe.name}"
            continue
        given = _at_the_means(probe) if net == "decoder" and probe.problem.weight_noise else probe
        for (number, array), name in zip(outputs.items(), names, strict=True):
            if name not in symbols:
                yield field, claimed, f"no quantity '{name}' on {probe.name}"
            elif differing := evidence.difference(given, symbols[name], array):
                yield field, claimed, f"output {number} that is not '{name}': {differing}"


def _at_the_means(probe: Probe) -> Probe:
    """The probe with decoder weights that are the means of their posteriors."""
    problem = probe.problem
    still = {name: np.zeros_like(noise) for name, noise in problem.weight_noise.items()}
    return replace(probe, problem=replace(problem, name=f"{problem.name}-means", weight_noise=still))


def _densities(evidence: Evidence, probe: Probe) -> Iterator[tuple[str, str, str]]:
    """At the z that was drawn, the densities' means over the draws are the quantities of the same names."""
    claimed, symbols = f"'{evidence.notation.methods.densities}'", _quantities(evidence, probe)
    for key, array in evidence.facts.of(probe.name, "density").items():
        if key not in symbols:
            yield "densities", claimed, f"'{key}', which no symbol has"
        elif differing := evidence.difference(probe, symbols[key], array):
            yield "densities", claimed, f"'{key}' that is not the quantity: {differing}"


def _published(evidence: Evidence, probe: Probe) -> Iterator[tuple[str, str, str]]:
    """The quantities as published are the quantities: no logit of a probe is anywhere near a clamp."""
    field = "quantities_as_published"
    method, raw = evidence.notation.methods.quantities_as_published, evidence.facts.of(probe.name, "published")
    for key, symbol in _quantities(evidence, probe).items() if method and raw else ():
        if key not in raw:
            yield field, f"'{method}'", f"no '{key}' on {probe.name}"
        elif differing := evidence.difference(probe, symbol, raw[key]):
            yield field, f"'{method}'", differing


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
                gradient = float(slope.differentiated)
                claimed = f"{slope.output} of {method}: a gradient of {gradient:.6g} along a direction"
                found = f"{float(slope.measured):.6g} by differences of its values, on {probe.name}"
                yield evidence.violation(where, "gradient", claimed, found)
