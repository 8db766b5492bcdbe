"""Scalars in 80-digit arithmetic, each of which knows what it was made of, and the derivatives by all of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mpmath import mp, mpf

mp.dps = 80


@dataclass(eq=False)
class Number:
    """A scalar, and the derivative by each of the scalars it was made of."""

    value: mpf
    made_of: Sequence[tuple[Number, mpf]] = ()
    adjoint: mpf = field(default_factory=lambda: mpf(0))

    def __add__(self, other: Number | int) -> Number:
        return total([self, lift(other)])

    def __sub__(self, other: Number | int) -> Number:
        other = lift(other)
        return Number(self.value - other.value, [(self, mpf(1)), (other, mpf(-1))])

    def __mul__(self, other: Number | mpf) -> Number:
        other = lift(other)
        return Number(self.value * other.value, [(self, other.value), (other, self.value)])

    def __truediv__(self, other: Number | int) -> Number:
        if isinstance(other, Number):
            ratio = self.value / other.value
            return Number(ratio, [(self, 1 / other.value), (other, -ratio / other.value)])
        return Number(self.value / other, [(self, mpf(1) / other)])


def lift(value: Number | mpf | float) -> Number:
    return value if isinstance(value, Number) else Number(mpf(value))


def total(parts: Sequence[Number]) -> Number:
    return Number(mp.fsum(part.value for part in parts), [(part, mpf(1)) for part in parts])


def exp(a: Number) -> Number:
    value = mp.exp(a.value)
    return Number(value, [(a, value)])


def log(a: Number) -> Number:
    return Number(mp.log(a.value), [(a, 1 / a.value)])


def sqrt(a: Number) -> Number:
    value = mp.sqrt(a.value)
    return Number(value, [(a, 1 / (2 * value))])


def sigmoid(a: Number) -> Number:
    """1 / (1 + e^−a)."""
    value = 1 / (1 + mp.exp(-a.value))
    return Number(value, [(a, value / (1 + mp.exp(a.value)))])


def log_sigmoid(a: Number) -> Number:
    """log(1 / (1 + e^−a))."""
    return Number(-mp.log(1 + mp.exp(-a.value)), [(a, 1 / (1 + mp.exp(a.value)))])


def tanh(a: Number) -> Number:
    return Number(mp.tanh(a.value), [(a, 1 / mp.cosh(a.value) ** 2)])


def relu(a: Number) -> Number:
    return Number(max(a.value, mpf(0)), [(a, mpf(a.value > 0))])


def softplus(a: Number) -> Number:
    return Number(mp.log(1 + mp.exp(a.value)), [(a, 1 / (1 + mp.exp(-a.value)))])


def backward(output: Number) -> None:
    """Add the derivative of `output` to the adjoint of everything that it was made of, all of them 0 before."""
    order: list[Number] = []
    seen: set[int] = set()
    stack: list[tuple[Number, Iterator[tuple[Number, mpf]]]] = [(output, iter(output.made_of))]
    while stack:
        number, parts = stack[-1]
        for part, _ in parts:
            if id(part) not in seen:
                seen.add(id(part))
                stack.append((part, iter(part.made_of)))
                break
        else:
            order.append(number)
            stack.pop()
    for number in order:
        number.adjoint = mpf(0)
    output.adjoint = mpf(1)
    for number in reversed(order):
        for part, slope in number.made_of:
            part.adjoint += number.adjoint * slope


Matrix = list[list[Number]]


def product(a: Matrix, b: Matrix) -> Matrix:
    return [[total([a[i][k] * b[k][j] for k in range(len(b))]) for j in range(len(b[0]))] for i in range(len(a))]


def transpose(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def diagonal(entries: Sequence[Number]) -> Matrix:
    return [[entry if i == j else lift(0) for j in range(len(entries))] for i, entry in enumerate(entries)]


def invert(a: Matrix) -> tuple[Matrix, Number]:
    """The inverse of a positive definite matrix, and the log of its determinant, by Gauss and Jordan's elimination."""
    size = len(a)
    rows = [[*row, *one] for row, one in zip(a, diagonal([lift(1)] * size), strict=True)]
    pivots = []
    for i in range(size):
        pivots.append(rows[i][i])
        rows[i] = [entry / pivots[i] for entry in rows[i]]
        for k in range(size):
            if k != i:
                factor = rows[k][i]
                rows[k] = [entry - factor * above for entry, above in zip(rows[k], rows[i], strict=True)]
    return [row[size:] for row in rows], total([log(pivot) for pivot in pivots])
