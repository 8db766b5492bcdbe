"""The additive constants that sources omit, by their words in notation.toml."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ..reference.spec import Spec

#: Word → its value per datum, in nats. J and D are the sizes of the latent and the data, σ² the decoder's constant one.
CONSTANTS: dict[str, Callable[[Spec], float]] = {
    "J/2": lambda spec: spec.latent_dim / 2,
    "J/2 log 2π": lambda spec: spec.latent_dim / 2 * math.log(2 * math.pi),
    "D/2 log 2π": lambda spec: spec.data_dim / 2 * math.log(2 * math.pi),
    "D/2 log σ²": lambda spec: spec.data_dim / 2 * math.log(spec.variance or 1.0),
    "log K": lambda spec: math.log(spec.components or 1),
}


#: What a source may multiply its objective by → its value.
FACTORS: dict[str, Callable[[Spec], float]] = {"2σ²": lambda spec: 2 * (spec.variance or 1.0)}


class Constant(str):
    """One constant with the sign that it has in the whole quantity, as `"- D/2 log 2π"`."""

    word: str
    sign: int

    def __new__(cls, word: str, sign: int) -> Constant:
        constant = super().__new__(cls, f"{'+' if sign > 0 else '-'} {word}")
        constant.word, constant.sign = word, sign
        return constant

    @classmethod
    def read(cls, text: str) -> Constant:
        """Raises ValueError for a text without a sign, or with a word that `CONSTANTS` lacks."""
        sign, _, word = text.partition(" ")
        if sign not in ("+", "-") or word not in CONSTANTS:
            raise ValueError(f"'{text}'")
        return cls(word, 1 if sign == "+" else -1)


def value(constants: Iterable[Constant], spec: Spec) -> float:
    """The sum of the constants of a quantity, per datum, in nats."""
    return math.fsum(constant.sign * CONSTANTS[constant.word](spec) for constant in constants)
