"""Subscripts: a distribution depends on exactly the weights that its claim covers; sets of weights are complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from ...notations.letters import letters_of
from ...notations.notation import Symbol
from ...reference.parsing import CONDITIONS
from ...reference.weights import weight_shapes
from ..probes import Probe
from .evidence import Evidence, Violation, drawn_parameters
from .symbols import claim_of

#: Role of a set of weights → the outputs that depend on each weight of the set, and the outputs that depend on none.
REACHES = {
    "generative_weights": ("generative", "inference"),
    "inference_weights": ("inference", ""),
    "prior_weights": ("prior", "inference"),
}
OUTPUTS = {
    "generative": ("likelihood", "prior", "decoder"),
    "inference": ("approximate_posterior", "encoder"),
    "prior": ("prior",),
}


def check_claims(evidence: Evidence) -> Iterator[Violation]:
    """Each printed distribution has a claim, and each claim is what automatic differentiation finds."""
    notation = evidence.notation
    by_code = {s.code: s for s in notation.symbols if s.kind == "distribution"}
    claimed = [claim.distribution for claim in notation.claims]
    for code in by_code:
        if claimed.count(code) != 1:
            found_count = f"{claimed.count(code)} claims on it"
            yield evidence.violation(f"claims {code}", "covers", "one claim on each distribution", found_count)
    for claim in notation.claims:
        symbol, where, executed = by_code[claim.distribution], f"claims {claim.distribution}", False
        for probe, found in evidence.reached:
            if symbol.role not in found or not probe.problem.spec.meets(symbol.when):
                continue
            executed = True
            expected = covered(claim.weights, probe)
            if expected == found[symbol.role]:
                continue
            differing = f"{_difference(expected, found[symbol.role])} on {probe.name}"
            said = f"{symbol.role} of {list(claim.weights)}"
            yield evidence.violation(where, ("covers", "role"), said, differing)
            break
        if not executed:
            found_none = "no probe on which its gradient was taken: nothing executes it"
            yield evidence.violation(where, "role", symbol.role, found_none)
        if idle := _idle(evidence, claim.weights, symbol):
            yield evidence.violation(where, "weights", str(list(claim.weights)), idle)


def check_sets(evidence: Evidence) -> Iterator[Violation]:
    """A set of weights has weights of its role alone, and all that the code, the subscripts or the role give it."""
    for symbol in evidence.notation.symbols:
        if symbol.kind == "weights" and symbol.quantity is None:
            wrong = _wrong_set(evidence, symbol)
            if wrong is not None:
                fields = ("covers", "role", "code", "axes", "when")
                yield evidence.violation(f"symbol {symbol.code}", fields, claim_of(symbol), wrong)


def _wrong_set(evidence: Evidence, symbol: Symbol) -> str | None:
    executed = False
    outputs = {probe.name: found for probe, found in evidence.reached}
    for probe in evidence.ran():
        if not probe.problem.spec.meets(symbol.when):
            wrong = _left_out(evidence, symbol, probe)
        elif probe.name in outputs:
            found, names = outputs[probe.name], _names_of(evidence, symbol, probe)
            executed = executed or bool(names)
            wrong = _misplaced(symbol, names, found) or _incomplete(evidence, symbol, probe, names, found)
        else:
            continue
        if wrong:
            return f"{wrong} on {probe.name}"
    if not executed:
        return "no weight of any probe under this name: nothing executes it"
    return _idle(evidence, symbol.covers, symbol)


def _idle(evidence: Evidence, patterns: Sequence[str], symbol: Symbol) -> str | None:
    """Patterns that match no weight of any probe on which the symbol exists: nothing executes them."""
    there = list(evidence.ran(symbol.when))
    idle = [pattern for pattern in patterns if not any(covered((pattern,), probe) for probe in there)]
    return f"{idle}, which match no weight of any probe" if idle else None


def covered(patterns: Sequence[str], probe: Probe) -> set[str]:
    """The canonical weights of a probe that match."""
    return {n for n in weight_shapes(probe.problem.spec) if any(fnmatchcase(n, pattern) for pattern in patterns)}


def _under(code: str, path: str) -> bool:
    """Whether a path goes through a name; the name may have several steps."""
    return f".{code}." in f".{path}."


def _difference(expected: set[str], found: set[str]) -> str:
    parts = []
    if found - expected:
        parts.append(f"dependence on {', '.join(sorted(found - expected))}")
    if expected - found:
        parts.append(f"none on {', '.join(sorted(expected - found))}")
    return " and ".join(parts)


def _names_of(evidence: Evidence, symbol: Symbol, probe: Probe) -> set[str]:
    """The canonical weights under a symbol."""
    if symbol.covers:
        return covered(symbol.covers, probe)
    places = evidence.maps(probe.problem.spec)
    found = {name for name, place in places.items() if place.published == symbol.code}
    if found or probe.problem.spec.decoder_weights == "point":
        return found
    # A drawn weight is no parameter; the parameters of its posterior are published under the same last name.
    last = symbol.code.rpartition(".")[2]
    return {name for name in drawn_parameters(probe.problem.spec) if places[name].published.rpartition(".")[2] == last}


def _left_out(evidence: Evidence, symbol: Symbol, probe: Probe) -> str | None:
    """The weights that a set has, where `when` says that it is not there and no other conditional set has them."""
    if not any(_parts(symbol, probe) == _parts(symbol, other) for other in _elsewhere(evidence, symbol, probe)):
        return None  # a part of it does not exist here
    sets = [s for s in evidence.notation.symbols if s.covers and (s.when or s.code == symbol.code)]
    others = [s for s in sets if probe.problem.spec.meets(s.when)]
    left = covered(symbol.covers, probe) - set().union(*(covered(other.covers, probe) for other in others))
    return f"{', '.join(sorted(left))}, which no other set has," if left else None


def _parts(symbol: Symbol, probe: Probe) -> list[str]:
    """The patterns of a set that match something."""
    return [pattern for pattern in symbol.covers if covered((pattern,), probe)]


def _elsewhere(evidence: Evidence, symbol: Symbol, probe: Probe) -> Iterator[Probe]:
    """The probes on which a symbol exists and whose other words are those of this probe."""
    spec = probe.problem.spec
    for other in evidence.ran(symbol.when):
        if all(other.problem.spec.word(c) == spec.word(c) for c in CONDITIONS if c not in symbol.when):
            yield other


def _misplaced(symbol: Symbol, names: set[str], found: dict[str, set[str]]) -> str | None:
    """What says that a weight is none of the symbol's role; None where all are."""
    if symbol.role == "all_weights":
        sides = [side for side in ("generative", "inference") if not names & _of(side, found)]
        return f"none of the {sides[0]} model's weights" if sides and names else None
    if symbol.role not in REACHES:
        return "no quantity, with which this role would be compared"
    needed, barred = REACHES[symbol.role]
    reached = _of(needed, found) | (found.get("weight_posterior", set()) if needed == "inference" else set())
    if outside := names - reached:
        return f"nothing of the {needed} model that depends on {', '.join(sorted(outside))}"
    if barred and (inside := names & _of(barred, found)):
        return f"the {barred} model, which depends on {', '.join(sorted(inside))}"
    return None


def _of(side: str, found: dict[str, set[str]]) -> set[str]:
    return set().union(*(found.get(output, set()) for output in OUTPUTS[side]))


def _incomplete(
    evidence: Evidence, symbol: Symbol, probe: Probe, names: set[str], found: dict[str, set[str]]
) -> str | None:
    """What belongs under the symbol and is not there, or the other way round.

    A name that is part of paths of the code has the weights below it; else a letter in the subscripts of distributions
    has what they cover together; else a role has all of its weights.
    """
    places = evidence.maps(probe.problem.spec)
    if not symbol.covers:
        rows = [row[0] for name in names if (row := evidence.notation.weight(name, probe.problem.spec))]
        axes = {place.axes for row in rows for place in row.places.values()}
        printed = " ".join(symbol.axes)
        if printed not in axes:
            return f"axes {' or '.join(sorted(axes))}" if axes else "no row of the weights table"
        return None if names else "no weight of this name"
    below = {n for n, p in places.items() if _under(symbol.code, p.path) or _under(symbol.code, p.published)}
    if not below:
        claims = [c for c in evidence.notation.claims if symbol.code in letters_of(c.distribution).all]
        below = set().union(*(covered(claim.weights, probe) for claim in claims))
    if not below:
        side = {"all_weights": ("generative", "inference")}.get(symbol.role, (REACHES.get(symbol.role, ("",))[0],))
        below = set().union(*(_of(name, found) for name in side))
    difference = _difference(names, below)
    return f"a set with {difference}" if difference else None
