"""The objective, converted by sense, reduction, constants and β, must equal the canonical bound on every probe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from ...notations.canonical import total_bound
from ...notations.notation import Notation, Objective
from ...reference.tensors import BOUNDS
from ..probes import Probe
from .evidence import Evidence, Violation, agreeing, difference, on, probe_truth
from .symbols import other_constants

CHOICES = {"sense": ("maximised", "minimised"), "data": ("sum", "mean", "N/M"), "latents": ("sum", "mean")}
CHOICES |= {"pixels": ("sum", "mean"), "bound": BOUNDS}


def check_objective(evidence: Evidence) -> Iterator[Violation]:
    """Check the objective on every probe, also in its published form; then its name and its β."""
    notation = evidence.notation
    methods, published = notation.methods, notation.methods.objective_as_published
    yield from _differing(evidence, "objective", notation.objective, methods.objective, "methods.objective")
    if published is not None:
        yield from _differing(evidence, "objective", notation.objective, published, "methods.objective_as_published")
    for other in notation.other_objectives:
        where = f"other_objectives {other.method}"
        yield from _differing(evidence, where, other, other.method, "when")
        if not list(_compared(evidence, other, other.method)):
            yield evidence.violation(where, "when", claim_of(other), "no probe that it exists on")
    yield from _named(evidence, notation)


def _differing(evidence: Evidence, where: str, objective: Objective, method: str, field: str) -> Iterator[Violation]:
    """The first probe on which a method does not return what its table says, and the changes of it that would hold."""
    for probe, differing in _compared(evidence, objective, method):
        if differing is not None:
            others = list(_explanations(evidence, objective, method))
            fields = tuple(dict.fromkeys(f for f, _ in others)) or tuple(CHOICES)
            found = f"{on(probe)}: {differing}{agreeing(others)}{_ratios(evidence, method)}"
            yield evidence.violation(where, (*fields, field), claim_of(objective), found)
            return


def claim_of(objective: Objective) -> str:
    """The claim of the table, in words."""
    dropped = f", constants_dropped {[str(c) for c in objective.dropped]}" if objective.dropped else ""
    scaled = f", scale {objective.scale}" if objective.scale else ""
    return (
        f"{objective.sense} {objective.bound}, data {objective.data}, latents {objective.latents}, "
        f"pixels {objective.pixels}, beta {objective.beta}{dropped}{scaled}"
    )


def _compared(evidence: Evidence, objective: Objective, method: str) -> Iterator[tuple[Probe, str | None]]:
    """Each probe on which a method ran, and how its value differs from the bound that the table says; None for not."""
    for probe in evidence.probes:
        values = evidence.facts.of(probe.name, "objective")
        if method in values:
            yield probe, _difference(objective, probe, float(values[method]))


def _difference(objective: Objective, probe: Probe, published: float) -> str | None:
    problem = probe.problem
    count = problem.spec.data_count or probe.data_count
    kl = {"elbo": "kl", "elbo_monte_carlo": "kl_monte_carlo"}.get(objective.bound)
    try:
        truth = probe_truth(problem, objective.bound)
        total = None if kl is None else float(truth.tensors[kl].sum())
        found = total_bound(objective, problem.spec, published, len(problem.x), count, total)
    except ValueError as error:
        return str(error)
    return difference(truth, "objective", np.asarray(found))


def _explanations(evidence: Evidence, objective: Objective, method: str) -> Iterator[tuple[str, str]]:
    """The changes of one field with which the table would hold on all probes: (field, value)."""
    for field, value, other in _changes(objective):
        if all(differing is None for _, differing in _compared(evidence, other, method)):
            yield field, value


def _changes(objective: Objective) -> Iterator[tuple[str, str, Objective]]:
    for field, choices in CHOICES.items():
        for value in choices:
            if value != getattr(objective, field):
                yield field, value, replace(objective, **{field: value})
    for beta in (1, "beta"):
        if beta != objective.beta:
            yield "beta", str(beta), replace(objective, beta=beta)
    for dropped in other_constants(objective.dropped):
        yield "constants_dropped", str([str(c) for c in dropped]), replace(objective, dropped=dropped)


def _ratios(evidence: Evidence, method: str) -> str:
    """The factors by which doubling changes the published number, which show the reduction to a reader."""
    values = {p.word or p.field: evidence.facts.of(p.name, "objective").get(method) for p in evidence.probes}
    numbers = {word: float(value) for word, value in values.items() if value is not None}
    shown = (("batch", "the data twice"), ("count", "N twice"))
    ratios = [f"{what}: ×{numbers[w] / numbers['supports']:.4g}" for w, what in shown if w in numbers]
    return f" ({', '.join(ratios)})" if ratios and "supports" in numbers else ""


def _named(evidence: Evidence, notation: Notation) -> Iterator[Violation]:
    """`code` is the symbol of the objective; `beta` needs an argument that carries it and a probe that shows it."""
    objective = notation.objective
    published = [s.code for s in notation.symbols if s.role == "objective"]
    per_datum = [s.code for s in notation.symbols if s.role in (objective.bound, f"weighted_{objective.bound}")]
    if objective.code not in (published or per_datum):
        found = f"the symbols of the objective, {', '.join(published or per_datum)}"
        yield evidence.violation("objective", "code", f"'{objective.code}'", found)
    counts = [s.code for s in notation.symbols if s.role == "data_count"]
    taken = evidence.facts.parameters.get(notation.methods.objective, [])
    if objective.data == "N/M" and not set(counts) & set(taken):
        yield evidence.violation(
            "objective", "data", f"data {objective.data}", f"a method that takes {', '.join(taken)}"
        )
    carried = "beta" in notation.arguments.values() and "other" in notation.supports.words["beta"]
    if objective.beta == "beta" and not carried:
        found = "no argument of the model that is β, or no support for another β than one"
        yield evidence.violation("objective", "beta", "beta", found)
