"""One edit of a right formula: a factor at one place or on a pair, a sign, a dropped part, or a part read wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from .formula import Atom, Formula

_FACTORS = {2.0: "dropped-half", 0.5: "extra-half", -1.0: "sign", 0.0: "dropped-term"}


@dataclass(frozen=True)
class Edited:
    """An edited formula, and what was edited where."""

    formula: Formula
    edit: str
    where: str


def edits(formula: Formula) -> Iterator[Edited]:
    """All that one edit makes of a formula: of one atom, and of each group that is not the whole."""
    atoms = formula.atoms
    for size in range(1, len(atoms)):
        for chosen in combinations(range(len(atoms)), size):
            for factor, name in _FACTORS.items():
                if factor in (0.0, -1.0) and size > 1:
                    continue
                edited = [
                    (weight * factor if place in chosen else weight, atom) for place, (weight, atom) in enumerate(atoms)
                ]
                where = " + ".join(atoms[place][1].text for place in chosen)
                yield Edited(replace(formula, atoms=tuple(edited)), name, where)
    for place, (weight, atom) in enumerate(atoms):
        for name, value in atom.wrong.items():
            wrong = (weight, Atom(f"[{name}] {atom.text}", value, {}))
            yield Edited(replace(formula, atoms=(*atoms[:place], wrong, *atoms[place + 1 :])), name, atom.text)
