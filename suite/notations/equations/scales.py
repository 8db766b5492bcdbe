"""A scale in the kind that a formula needs, written in the source's symbols."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .expressions import Exponential, Expression, Fraction, Log, Power, negative, times
from .leaves import Vector, number
from .tex_letters import component, is_matrix

#: The kind that a formula needs → the printed kinds from which it is computed, the nearest first.
ORDER = {
    "variance": ("variance", "sd", "log_variance", "log_sd", "precision", "log_precision"),
    "sd": ("sd", "variance", "log_sd", "log_variance", "precision", "log_precision"),
    "log_variance": ("log_variance", "variance", "sd", "log_sd", "log_precision", "precision"),
}
#: Kinds of a matrix that are a kind of scale: C, and an R of C = RRᵀ.
OF_MATRIX = {"covariance": "variance", "factor": "sd", "cholesky": "sd"}


@dataclass(frozen=True)
class Letter:
    """A printed scale.

    Attributes:
        tex: without indices.
        kind: the scale kind.
        tensor: the canonical tensor that it is.
        shared: whether it is one number for all components.
    """

    tex: str
    kind: str
    tensor: str
    shared: bool = False

    @property
    def matrix(self) -> bool:
        return is_matrix(self.tex)

    def leaf(self, index: str | None) -> Vector:
        """The scale, or its component."""
        return Vector(self.tex if index is None or self.shared else component(self.tex, index), self.tensor)


def derived(letter: Letter) -> Iterator[Letter]:
    """A printed scale, and the scales that are printed inside it: σ² and σ in log σ²."""
    yield letter
    inner, kind, tensor = letter.tex, letter.kind, letter.tensor
    if kind.startswith("log_") and (prefix := re.match(r"\\(?:log|ln) ", inner)):
        inner, kind, tensor = inner[prefix.end() :], kind.removeprefix("log_"), tensor.replace("_log_", "_")
        yield Letter(inner, kind, tensor, letter.shared)
    base = square_root(inner)
    if kind == "variance" and base is not None:
        yield Letter(base, "sd", tensor.replace("variance", "sd"), letter.shared)


def square_root(tex: str) -> str | None:
    """The letter whose square is printed, with or before its arguments: \\sigma_j^2(x) → \\sigma_j(x)."""
    found = re.fullmatch(r"((?:\\[A-Za-z]+(?:\{[^{}]*\})?|[a-z])(?:_\{[^{}]*\}|_\w)?)\^2((?:[(\[].*)?)", tex)
    return found[1] + found[2] if found else None


def in_kind(letters: list[Letter], needed: str, index: str | None, log: str) -> Expression:
    """The scale as `variance`, `sd` or `log_variance`, computed from the nearest printed letter.

    Args:
        letters: what a source prints.
        needed: a key of `ORDER`.
        index: the index of its component, or None for the whole scale.
        log: the source's logarithm.
    """
    by_kind: dict[str, Letter] = {}
    for each in (*letters, *(inner for letter in letters for inner in derived(letter))):
        by_kind.setdefault(each.kind, each)
    kind = next(kind for kind in ORDER[needed] if kind in by_kind)
    leaf = by_kind[kind].leaf(index)
    if kind == needed:
        return leaf
    return _FORMS[needed, kind](leaf, log)


_FORMS: dict[tuple[str, str], Callable[[Expression, str], Expression]] = {
    ("variance", "sd"): lambda s, _: Power(s, "2"),
    ("variance", "log_variance"): lambda s, _: Exponential(s),
    ("variance", "log_sd"): lambda s, _: Exponential(times(number(2), s)),
    ("variance", "precision"): lambda s, _: Power(s, "-1"),
    ("variance", "log_precision"): lambda s, _: Exponential(negative(s)),
    ("sd", "variance"): lambda s, _: Power(s, "1/2"),
    ("sd", "log_sd"): lambda s, _: Exponential(s),
    ("sd", "log_variance"): lambda s, _: Exponential(times(Fraction(number(1), number(2)), s)),
    ("sd", "precision"): lambda s, _: Power(s, "-1/2"),
    ("sd", "log_precision"): lambda s, _: Exponential(negative(times(Fraction(number(1), number(2)), s))),
    ("log_variance", "log_sd"): lambda s, _: times(number(2), s),
    ("log_variance", "variance"): lambda s, log: Log(s, log),
    ("log_variance", "sd"): lambda s, log: Log(Power(s, "2"), log),
    ("log_variance", "log_precision"): lambda s, _: negative(s),
    ("log_variance", "precision"): lambda s, log: negative(Log(s, log)),
}
