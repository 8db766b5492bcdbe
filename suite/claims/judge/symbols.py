"""Symbols that stand for tensors: each, converted by what its entry says, equals the canonical tensor of its role."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from msgspec.structs import replace

from ...notations.constants import CONSTANTS, Constant
from ...notations.notation import Symbol
from ...notations.roles import ROLES
from ...reference.problem import Array
from ..probes import Probe
from .evidence import Evidence, Violation, agreeing, on


def check_symbols(evidence: Evidence) -> Iterator[Violation]:
    """The quantities of every probe."""
    named: set[int] = set()  # entries, by their identity: two may have one code
    computed = {symbol.quantity for symbol in evidence.notation.symbols}
    returned = {key: probe for probe in evidence.ran() for key in evidence.facts.of(probe.name, "quantity")}
    for key, probe in returned.items():
        if key not in computed:
            claimed = f"the roles of '{key}': {', '.join(s.role for s in evidence.notation.symbols if s.code == key)}"
            found = f"it in the quantities {on(probe)}, and no role with a tensor: nothing executes it"
            yield evidence.violation(f"symbol {key}", ("role", "code"), claimed, found)
    for probe in evidence.ran():
        raw = evidence.facts.of(probe.name, "quantity")
        spec = probe.problem.spec
        for symbol in evidence.notation.symbols:
            if symbol.quantity is None or id(symbol) in named:
                continue
            there = spec.meets(symbol.when)
            violation = _present(evidence, probe, symbol, raw) if there else _absent(evidence, probe, symbol, raw)
            if violation is not None:
                named.add(id(symbol))
                yield violation
        yield from _twice(evidence, probe, named)


def check_inputs(evidence: Evidence) -> Iterator[Violation]:
    """Data and noise: the arguments of the quantities, by these names, with these axes."""
    notation = evidence.notation
    names = evidence.facts.parameters.get(notation.methods.quantities, [])
    for role, place in (("data", 0), ("noise", 1), ("weight_noise", 2)):
        for symbol in (s for s in notation.symbols if s.role == role):
            given = names[place : place + 1]
            if given != [symbol.code]:
                found = f"parameters ({', '.join(names)}), where it would be number {place + 1}"
                yield evidence.violation(f"symbol {symbol.code}", ("code", "role"), claim_of(symbol), found)
            elif role != "weight_noise":
                yield from _input(evidence, symbol)
            elif symbol.axes[:1] != ("sample",):
                found = "one tensor per weight, with the draws first"
                yield evidence.violation(f"symbol {symbol.code}", "axes", claim_of(symbol), found)


def _input(evidence: Evidence, symbol: Symbol) -> Iterator[Violation]:
    for probe in evidence.ran():
        array = evidence.facts.of(probe.name, "input").get(symbol.code)
        axes = evidence.notation.axes_of(symbol, evidence.facts.framework, probe.problem.spec)
        sizes = _sizes(probe)
        if array is None:
            continue
        shape = list(array.shape)
        if symbol.role == "noise" and "sample" not in symbol.axes:
            shape = shape[1:]  # one draw a call
        if shape != [sizes[axis] for axis in axes]:
            found = f"shape {shape} on a problem with {', '.join(f'{n} {s}' for n, s in sizes.items())}"
            layout = evidence.notation.layout.get(evidence.facts.framework)
            said = f"axes '{' '.join(axes)}'" + (f", layout '{' '.join(layout)}'" if layout else "")
            fields = ("axes", "layout") if evidence.notation.layout else ("axes",)
            yield evidence.violation(f"symbol {symbol.code}", fields, said, found)
            return


def _sizes(probe: Probe) -> dict[str, int]:
    problem = probe.problem
    sample, batch, latent = problem.noise.shape
    sizes = {"sample": sample, "batch": batch, "latent": latent, "data": problem.spec.data_dim}
    return sizes | dict(zip(("channel", "height", "width"), problem.spec.image_shape or (), strict=False))


def claim_of(symbol: Symbol) -> str:
    """The claim of an entry about its tensor, in words."""
    parts = [f"role {symbol.role}"]
    parts += [f"scale {symbol.scale}"] if symbol.scale else []
    parts += [f"axes '{' '.join(symbol.axes)}'"] if symbol.axes else []
    parts += [f"sign {symbol.sign}"] if symbol.sign != 1 else []
    parts += [f"constants_dropped {[str(c) for c in symbol.dropped]}"] if symbol.dropped else []
    parts += [f"quantity {symbol.quantity}"] if symbol.quantity not in (None, symbol.code) else []
    parts += [f"covers {list(symbol.covers)}"] if symbol.covers else []
    parts += [f"when {dict(symbol.when)}"] if symbol.when else []
    return ", ".join(parts)


def _present(evidence: Evidence, probe: Probe, symbol: Symbol, raw: dict[str, Array]) -> Violation | None:
    where, quantity = f"symbol {symbol.code}", str(symbol.quantity)
    if quantity not in raw:
        lacking = f"quantities that lack '{quantity}' {on(probe)}: they are {', '.join(raw)}"
        return evidence.violation(where, ("quantity", "when"), claim_of(symbol), lacking)
    differing = evidence.difference(probe, symbol, raw[quantity])
    if differing is None:
        return None
    others = list(_explanations(evidence, probe, symbol, raw))
    fields = tuple(dict.fromkeys(f for f, _ in others)) or ("role", "scale", "axes", "sign", "code")
    return evidence.violation(
        where, (*fields, "when", "layout"), claim_of(symbol), f"{differing} {on(probe)}{agreeing(others)}"
    )


def _absent(evidence: Evidence, probe: Probe, symbol: Symbol, raw: dict[str, Array]) -> Violation | None:
    """A quantity that is returned and right where `when` says that the symbol is not there, and no other entry does."""
    spec, quantity = probe.problem.spec, str(symbol.quantity)
    others = [s for s in evidence.notation.symbols if s.quantity == quantity and spec.meets(s.when)]
    if others or quantity not in raw or evidence.difference(probe, symbol, raw[quantity]) is not None:
        return None
    found = f"'{quantity}' on {probe.name} too, where it is {symbol.tensor}"
    return evidence.violation(f"symbol {symbol.code}", "when", claim_of(symbol), found)


def _twice(evidence: Evidence, probe: Probe, named: set[int]) -> Iterator[Violation]:
    seen: dict[str, str] = {}
    for symbol in evidence.notation.computed(probe.problem.spec):
        other = seen.setdefault(str(symbol.tensor), symbol.code)
        if other != symbol.code and id(symbol) not in named:
            named.add(id(symbol))
            found = f"symbol {other}, which is said to be {symbol.tensor} too"
            yield evidence.violation(f"symbol {symbol.code}", ("role", "scale"), claim_of(symbol), found)


def _explanations(evidence: Evidence, probe: Probe, symbol: Symbol, raw: dict[str, Array]) -> Iterator[tuple[str, str]]:
    """The changes of one field of the entry with which it would hold: (field, value)."""
    array = raw[str(symbol.quantity)]
    for field, value, other in _changes(symbol):
        if evidence.difference(probe, other, array) is None:
            yield field, value
    for quantity, candidate in raw.items():
        if quantity != symbol.quantity and evidence.difference(probe, symbol, candidate) is None:
            yield "quantity", f"'{quantity}'"


def _changes(symbol: Symbol) -> Iterator[tuple[str, str, Symbol]]:
    role = ROLES[symbol.role]
    for scale in role.scales:
        if scale != symbol.scale:
            yield "scale", scale, replace(symbol, scale=scale)
    yield "sign", str(-symbol.sign), replace(symbol, sign=-symbol.sign)
    for axes in permutations(symbol.axes):
        if axes != symbol.axes:
            yield "axes", f"'{' '.join(axes)}'", replace(symbol, axes=axes)
    for axes in (symbol.axes[1:], ("sample", *symbol.axes)):
        yield "axes", f"'{' '.join(axes)}'", replace(symbol, axes=axes)
    for dropped in other_constants(symbol.dropped):
        yield "constants_dropped", str([str(c) for c in dropped]), replace(symbol, dropped=dropped)
    for other in ROLES.values():
        if other.tensor is not None and other.name != role.name:
            kinds: tuple[str | None, ...] = tuple(other.scales) or (None,)
            for kind in kinds:
                named = f"{other.name}" + (f" (scale {kind})" if kind else "")
                yield "role", named, replace(symbol, role=other.name, scale=kind)


def other_constants(dropped: tuple[Constant, ...]) -> Iterator[tuple[Constant, ...]]:
    for i, one in enumerate(dropped):
        yield (*dropped[:i], *dropped[i + 1 :])
        yield (*dropped[:i], Constant(one.word, -one.sign), *dropped[i + 1 :])
    for word in CONSTANTS:
        for sign in (1, -1):
            yield (*dropped, Constant(word, sign))
