"""Probes: small problems on which every claim of a notation.toml is executed, one per word that it says it supports.

Notations share their probes: the same words make the same problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice, product

from ..notations.models import small_model, small_problem
from ..notations.notation import Notation, Supports, Weight
from ..reference.errors import BadInput
from ..reference.parsing import CONDITIONS
from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.weights import weight_shapes
from .probe_variants import variants_of


@dataclass(frozen=True)
class Probe:
    """A problem that executes claims.

    Attributes:
        problem: named by its words.
        field: what it is there to execute: `supports.<condition>`, `supports.depth`, `weights` for a row that holds
            only where two words meet, or `objective` for the variants of the first probe.
        word: the word of the field; for a variant, the doubled or added part: `batch`, `latents`, `pixels`, `count`.
        data_count: N, where the specification has none.
    """

    problem: Problem
    field: str
    word: str
    data_count: int

    @property
    def name(self) -> str:
        """Unique among a notation's probes, and the same problem in all notations."""
        return f"{self.problem.name}-count" if self.word == "count" else self.problem.name


def probes(notation: Notation, data_count: int) -> list[Probe]:
    """The first probe, one for each further word that the notation says it supports, then the first one's variants.

    Args:
        notation: the notation whose words are used.
        data_count: N of the probes whose specification has none.

    Raises:
        BadInput: a word that is said to be supported goes together with nothing else that is.
    """
    supports = notation.supports
    first = words_of(notation, {})
    base = _problem(first, supports)
    found = [Probe(base, "supports", "", data_count)]
    for condition, words in supports.words.items():
        for word in words:
            if word != first[condition]:
                # Nets between layers of latents have hidden layers of their own: two, to see their order.
                depth = min(2, supports.depth or 2) if condition == "latents" else 1
                problem = _problem(words_of(notation, {condition: word}), supports, depth=depth)
                found.append(Probe(problem, f"supports.{condition}", word, data_count))
    for prior, posterior in product(supports.words["prior"], supports.words["posterior"]):
        if prior != first["prior"] and posterior != first["posterior"]:
            # The KL depends on both: an error in one term may show only where the other is not the first word.
            for pair, _ in islice(_combinations(notation, {"prior": prior, "posterior": posterior}), 1):
                found.append(Probe(_problem(pair, supports), "supports.posterior", posterior, data_count))
    if supports.depth is None or supports.depth > 1:
        depth = supports.depth or 2
        found.append(Probe(_problem(first, supports, depth=depth), "supports.depth", str(depth), data_count))
    for variance in (supports.variances or ())[1:]:
        fixed = words_of(notation, {"likelihood": "gaussian-fixed"})
        problem = _problem(fixed, supports, variance=variance)
        found.append(Probe(problem, "supports.variances", f"{variance:g}", data_count))
    found += [
        Probe(_problem(words, supports), "weights", row.canonical, data_count)
        for row, words in _idle_rows(notation, found)
    ]
    variants = _variants(base.spec, base.name)
    found += [Probe(problem, "objective", word, data_count) for word, problem in variants.items()]
    if base.spec.data_count is None:
        found.append(Probe(base, "objective", "count", 2 * data_count))
    return found


@cache
def _variants(spec: Spec, name: str) -> dict[str, Problem]:
    return variants_of(small_problem(spec, name))


def _idle_rows(notation: Notation, found: list[Probe]) -> Iterator[tuple[Weight, dict[str, str]]]:
    """Rows of the weights table that hold only where two words meet, each with the words of a model that has them."""
    used = [row for probe in found for row in _used(notation, probe.problem.spec)]
    for row in notation.weights:
        if any(row is other for other in used):
            continue
        for words, spec in _combinations(notation, {}):
            rows = _used(notation, spec)
            if any(row is other for other in rows):
                used += rows
                yield row, words
                break


def _used(notation: Notation, spec: Spec) -> list[Weight]:
    """The rows that place the weights of a specification."""
    return [match[0] for name in weight_shapes(spec) if (match := notation.weight(name, spec))]


def words_of(notation: Notation, given: Mapping[str, str]) -> dict[str, str]:
    """The words of a probe: the given words, else the first supported words of the vocabulary that go together.

    Raises:
        BadInput: no model has the given words.
    """
    for words, _ in _combinations(notation, given):
        return words
    asked = ", ".join(f"{condition} '{word}'" for condition, word in given.items()) or "its words"
    raise BadInput(f"{notation.path}: supports: {asked}: no model has this with the other words that are supported")


def _combinations(notation: Notation, given: Mapping[str, str]) -> Iterator[tuple[dict[str, str], Spec]]:
    """The supported words that go together, in the order of the vocabulary, with their models."""
    supports = notation.supports
    choices = [
        [given[condition]] if condition in given else [w for w in words if w in supports.words[condition]]
        for condition, words in CONDITIONS.items()
    ]
    ranked = sorted(product(*(enumerate(words) for words in choices)), key=lambda words: sum(i for i, _ in words))
    for indexed in ranked:
        words = dict(zip(CONDITIONS, (word for _, word in indexed), strict=True))
        try:
            yield words, small_model(words, supports)
        except BadInput:
            continue


def _problem(words: Mapping[str, str], supports: Supports, *, depth: int = 1, variance: float | None = None) -> Problem:
    spec = small_model(words, supports, depth=depth, variance=variance)
    parts = [word for condition, word in words.items() if word != CONDITIONS[condition][0]]
    parts += [f"{spec.variance:g}"] if spec.variance else []
    parts += [f"{depth}-hidden"] if depth > 1 else []
    return small_problem(spec, "-".join(("probe", *parts)))
