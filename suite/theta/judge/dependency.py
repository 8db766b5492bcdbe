"""The dependency table: which weights each distribution reads, as automatic differentiation finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..cases import BASE, Case, block_of
from ..models import ROWS
from .statement import Statement, number
from .truth import Tensors

GRADIENT = "gradient/"


@dataclass(frozen=True)
class Entry:
    """One cell of one case's table.

    Attributes:
        row, weight: which distribution, and which weight tensor.
        norms: the norm of the gradient (nats per unit of the weight) in the truth and in each backend.
        reads: whether the distribution reads the weight by its definition.
    """

    case: str
    row: str
    weight: str
    norms: Mapping[str, float]
    reads: bool

    @property
    def holds(self) -> bool:
        """Not zero where the distribution reads the weight, and zero, not merely small, where it does not."""
        return all(np.isfinite(norm) and (norm != 0) == self.reads for norm in self.norms.values())


def dependency_table(case: Case, sources: Mapping[str, Tensors]) -> list[Entry]:
    """Row by row, the weights in the order of data flow.

    Args:
        case: whose table it is.
        sources: the truth's tensors and each backend's, by name.
    """
    depends = case.depends()
    entries = []
    for i, row in enumerate(ROWS):
        for weight in case.weights:
            slopes = {
                source: tensors[f"{case.name}/{BASE}/{GRADIENT}{weight}"][i] for source, tensors in sources.items()
            }
            norms = {source: float(np.linalg.norm(slope)) for source, slope in slopes.items()}
            entries.append(Entry(case.name, row, weight, norms, block_of(weight) in depends[row]))
    return entries


def block_norms(case: Case, entries: Sequence[Entry], source: str) -> dict[tuple[str, str], float]:
    """(row, block) → norm of the gradient by all weights of the block."""
    squares: dict[tuple[str, str], float] = {}
    for entry in entries:
        key = entry.row, block_of(entry.weight)
        squares[key] = squares.get(key, 0.0) + entry.norms[source] ** 2
    return {key: float(np.sqrt(square)) for key, square in squares.items()}


def dependency_statement(case: Case, entries: Sequence[Entry], source: str) -> Statement:
    """What the table of a case shows, in one sentence."""
    norms = block_norms(case, entries, source)

    def of(row: str) -> str:
        return ", ".join(
            f"{block} {number(norms[row, block])}" for block in dict.fromkeys((*case.theta, *case.recognition))
        )

    broken = [entry for entry in entries if not entry.holds]
    zeros = sum(not entry.reads for entry in entries)
    prior = " and ".join(case.prior) or "no weight at all (θ_prior is empty)"
    sentence = (
        f"p(z) reads {prior} [{of('p(z)')}]; p(x|z) reads {' and '.join(case.likelihood)} [{of('p(x|z)')}]; "
        f"p(x) and p(z|x) inherit both, with no network of their own [{of('p(x)')}; {of('p(z|x)')}]; "
        f"q(z|x) reads {' and '.join(case.recognition)}. {zeros} of {len(entries)} cells are exact zeros."
    )
    if broken:
        first = broken[0]
        seen = ", ".join(f"{name} {number(norm)}" for name, norm in first.norms.items())
        wanted = "a dependence" if first.reads else "exactly 0"
        sentence = f"{first.row} by {first.weight}: expected {wanted}; found {seen}"
    return Statement("dependency", case.title, sentence, not broken)
