"""Which formulas are one edit away from a right one? A wrong factor or sign, a dropped summand, a misread scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from .formula import Atom, Formula

_FACTORS = {2.0: "dropped-half", 0.5: "extra-half", -1.0: "sign", 0.0: "dropped-term"}
SAID = {
    "dropped-half": "lacks its factor 1/2 on {} alone",
    "extra-half": "has a factor 1/2 too much on {}",
    "sign": "has the wrong sign on {}",
    "dropped-term": "lacks {}",
    "scale-read-as-sd": "has the square of {}, as if that were a standard deviation",
    "scale-read-as-variance": "has the standard deviation in place of the variance in {}",
    "missing-square": "lacks the square in {}",
    "absolute-for-square": "has the absolute value in place of the square in {}",
    "cube-for-square": "has a cube in place of the square in {}",
    "square-inside": "squares before it subtracts in {}",
    "sum-for-difference": "has a sum in place of the difference in {}",
    "sign-inside": "has the wrong sign inside of {}",
    "precedence": "lacks brackets in {}",
    "swapped-pair": "has the two sides of {} swapped",
    "missing-transform": "has the argument itself in place of {}",
    "log-of-the-argument": "has the log of the argument itself in place of {}",
    "log1p-for-log": "has log1p in place of log in {}",
    "log10-for-log": "has log10 in place of log in {}",
    "missing-log": "lacks the log in {}",
    "target-for-complement": "weighs {} with the wrong one of the data and their complement",
    "reversed-divergence": "is the divergence of the prior from the posterior, in place of {}",
    "sigmoid-twice": "applies a sigmoid twice to {}",
    "swapped-arguments": "has {} in each other's place",
    "missing-complement": "has the reconstruction in place of its complement in {}",
}
"""Edit → the predicate of a sentence about the term, with the edited part in braces."""


@dataclass(frozen=True)
class Edited:
    """An edited formula.

    Attributes:
        formula: the formula with the edit.
        edit: a key of `SAID`.
        where: the edited part, with roles in braces.
    """

    formula: Formula
    edit: str
    where: str


def edits(formula: Formula) -> Iterator[Edited]:
    """All single edits of a formula: of one atom, or a factor on several atoms, but not on all."""
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
            wrong = (weight, Atom(f"edited[{atom.text}]", value, {}))
            yield Edited(replace(formula, atoms=(*atoms[:place], wrong, *atoms[place + 1 :])), name, atom.text)


def exchanged(formula: Formula, one: str, two: str) -> Edited:
    """A formula with two roles exchanged."""
    atoms = tuple((weight, _exchanged(atom, one, two)) for weight, atom in formula.atoms)
    return Edited(replace(formula, atoms=atoms), "swapped-arguments", f"{{{one}}} and {{{two}}}")


def _exchanged(atom: Atom, one: str, two: str) -> Atom:
    text = atom.text.replace(f"{{{one}}}", "{}").replace(f"{{{two}}}", f"{{{one}}}").replace("{}", f"{{{two}}}")
    return Atom(text, lambda values: atom.value({**values, one: values[two], two: values[one]}), {})
