"""The evidence on which claims are judged, and the description of a claim that does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...notations.canonical import canonical
from ...notations.notation import Notation, Symbol
from ...notations.weight_maps import WeightMap, weight_maps
from ...reference.comparison import compare
from ...reference.errors import BadInput
from ...reference.parsing import CONDITIONS
from ...reference.problem import Array, Problem
from ...reference.spec import Spec
from ...reference.truth import Truth, truth_of
from ...reference.weights import decoder_slots
from ...workers.subject import DATA_COUNT
from ..facts import Facts
from ..probes import Probe, probes

DTYPE = "float64"
AGREES = "the run agrees with"


@dataclass(frozen=True)
class Violation:
    """A claim that does not hold.

    Attributes:
        notation: the id of the notation.
        where: `symbol σ`, `weights 'encoder.mean.weight'`, `objective`, a table.
        fields: its fields that may be false, such as `scale`.
        claimed: what the file says.
        found: what the run says.
    """

    notation: str
    where: str
    fields: tuple[str, ...]
    claimed: str
    found: str

    def describe(self) -> str:
        """One line that names source, symbol, fields, the value claimed and what was found."""
        return f"{self.notation}: {self.where}: {', '.join(self.fields)}: claimed {self.claimed}; found {self.found}"


_TRUTHS: dict[tuple[str, str], Truth] = {}


def probe_truth(problem: Problem, bound: str) -> Truth:
    """The reference of a probe in float64; notations share probes, so each is evaluated once per process."""
    key = (problem.name, bound)
    if key not in _TRUTHS:
        _TRUTHS[key] = truth_of(problem, DTYPE, gradients=False, bound=bound)
    return _TRUTHS[key]


@dataclass(frozen=True)
class Evidence:
    """A notation as its file describes it, and the facts of a run of its code on one backend."""

    notation: Notation
    facts: Facts
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def probes(self) -> Sequence[Probe]:
        """All probes that the file asks for. Raises BadInput where its words go together with nothing."""
        return probes(self.notation, DATA_COUNT)

    def ran(self, when: Mapping[str, tuple[str, ...]] | None = None) -> Iterator[Probe]:
        """The probes with quantities whose models meet the conditions, without variants of the objective."""
        for probe in self.probes:
            meets = probe.field != "objective" and probe.problem.spec.meets(when or {})
            if meets and self.facts.of(probe.name, "quantity"):
                yield probe

    def maps(self, spec: Spec) -> dict[str, WeightMap]:
        """By canonical weight; made once for each model. Raises BadInput where the weights table does not fit."""
        if spec not in self._maps:
            self._maps[spec] = weight_maps(self.notation, self.facts.framework, spec)
        return self._maps[spec]

    @cached_property
    def _maps(self) -> dict[Spec, dict[str, WeightMap]]:
        return {}

    @cached_property
    def reached(self) -> list[tuple[Probe, dict[str, set[str]]]]:
        """Probe, and by output the canonical weights on which it depends."""
        reached = []
        for probe in self.ran():
            norms = self.facts.dependency.get(probe.name)
            if norms is None:
                continue
            try:
                canonical = {place.path: name for name, place in self.maps(probe.problem.spec).items()}
            except BadInput:
                continue  # named where weights are checked
            found = {
                output: {canonical[path] for path, norm in by_path.items() if float(norm) > 0 and path in canonical}
                for output, by_path in norms.items()
            }
            if "weight_posterior" in found:  # KL(q(θ) ‖ p(θ)) depends on both: what is no parameter of q's is p's
                found["weight_prior"] = found["weight_posterior"] - drawn_parameters(probe.problem.spec)
            reached.append((probe, found))
        return reached

    def violation(self, where: str, fields: str | tuple[str, ...], claimed: Any, found: str) -> Violation:
        names = (fields,) if isinstance(fields, str) else fields
        return Violation(self.notation.id, where, names, str(claimed), found)

    def difference(self, probe: Probe, symbol: Symbol, array: Array) -> str | None:
        """How a published quantity differs from the reference of its role, or why it has none; None if equal."""
        truth, tensor = probe_truth(probe.problem, "elbo"), symbol.tensor
        if tensor is None:
            return f"role '{symbol.role}' has no tensor that the run could be compared with"
        if tensor not in truth.tensors:
            return f"a model of {probe.name} has no {tensor}"
        try:
            converted = canonical(self.notation, self.facts.framework, probe.problem.spec, symbol, array)
        except ValueError:
            axes = self.notation.axes_of(symbol, self.facts.framework, probe.problem.spec)
            return f"an array of shape {list(array.shape)}, which has not the axes '{' '.join(axes)}'"
        return difference(truth, tensor, converted)


def drawn_parameters(spec: Spec) -> set[str]:
    """The canonical weights that are parameters of q(θ)."""
    return {f"{slot.name}.{part}" for slot in decoder_slots(spec) for part in ("mean", "log_variance")}


def difference(truth: Truth, tensor: str, array: Array) -> str | None:
    """How an array differs from a tensor of the reference; None where it is equal within the tolerance."""
    found = compare(tensor, array, truth.tensors[tensor], truth.tolerances[tensor], DTYPE)
    return None if found.equal else found.describe()


EVERY_WORD = ", there for supports "
"""Begins the list of the first probe's words: each word may be false."""


def on(probe: Probe) -> str:
    """The probe on which something was found, and the claim of support for which the probe exists."""
    if probe.word:
        return f"on {probe.name}, there for {probe.field} '{probe.word}'"
    spec = probe.problem.spec
    return f"on {probe.name}{EVERY_WORD}{', '.join(f'{c} {spec.word(c)}' for c in CONDITIONS)}"


def agreeing(changes: Sequence[tuple[str, str]]) -> str:
    """The end of a sentence: the changes of one field, (field, value), that the run agrees with."""
    return f"; {AGREES} " + " or ".join(f"{field} {value}" for field, value in changes[:4]) if changes else ""
