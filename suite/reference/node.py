"""A tensor on a tape, with the operators and methods in which the definition is written.

The tensors of `theta.functions` have the operators and methods of a node, so that the definition runs on them as well.
A float that is added or subtracted enters the tape as data does, so that a perturbed arithmetic rounds it; a float that
multiplies or divides is exact, like the ½ and the −1 of a formula. `Node.constant` makes a factor that is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .arithmetic import Array, Selection, sigmoid

if TYPE_CHECKING:
    from .tape import Tape

Pullback = Callable[[Array], Array]

# Axes by name. A tensor has its draws first, and last what a density adds up.
SAMPLE = WEIGHT = 0
LATENT = DATA = BATCH = COMPONENT = COLUMN = LAYER = -1


@dataclass(eq=False)
class Node:
    """A tensor: its value [run, ...], and how its adjoint becomes its parents'.

    Axes are counted without `run`. Operands align at their last axes.
    """

    tape: Tape
    value: Array
    parents: list[tuple[Node, Pullback]] = field(default_factory=list)
    wanted: bool = False
    __array_ufunc__ = None  # operators with NumPy's own scalars are the node's

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes but `run`."""
        return self.value.shape[1:]

    @property
    def exact(self) -> bool:
        """Whether the tape's arithmetic is exact."""
        return self.tape.arithmetic.exact

    def constant(self, value: Array | float) -> Node:
        """Numbers on the same tape, rounded as data are."""
        return self.tape.input(value)

    def _round(self, values: Array) -> Array:
        return self.tape.arithmetic.round(values)

    def _then(self, value: Array, pullback: Pullback) -> Node:
        """The result of an operation on this node alone."""
        return self.tape.record(value, (self, pullback))

    def _scaled(self, factor: float) -> Node:
        return self._then(self._round(self.value * factor), lambda d: self._round(d * factor))

    def __add__(self, other: Node | float) -> Node:
        b = other if isinstance(other, Node) else self.constant(other)
        left, right = _aligned(self, b)
        total = self._round(left + right)
        return self.tape.record(total, (self, lambda d: _like(self, d)), (b, lambda d: _like(b, d)))

    __radd__ = __add__

    def __sub__(self, other: Node | float) -> Node:
        b = other if isinstance(other, Node) else self.constant(other)
        left, right = _aligned(self, b)
        difference = self._round(left - right)
        return self.tape.record(difference, (self, lambda d: _like(self, d)), (b, lambda d: _like(b, -d)))

    def __rsub__(self, other: float) -> Node:
        return self.constant(other) - self

    def __mul__(self, other: Node | float) -> Node:
        if not isinstance(other, Node):
            return self._scaled(other)
        left, right = _aligned(self, other)
        return self.tape.record(
            self._round(left * right),
            (self, lambda d: _like(self, self._round(d * right))),
            (other, lambda d: _like(other, self._round(d * left))),
        )

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Node:
        return self._scaled(1 / divisor)

    def __neg__(self) -> Node:
        return self._scaled(-1.0)

    def __pow__(self, exponent: int) -> Node:
        if exponent != 2:
            raise ValueError(f"exponent: expected 2; found {exponent}")
        return self * self

    def linear(self, weight: Node) -> Node:
        """[..., in] and [out, in] → [..., out]."""
        inner, w, contract = self.value.shape, weight.value, self.tape.arithmetic.contract
        rows = self.value.reshape(inner[0], -1, inner[-1])
        value = contract(rows.swapaxes(1, 2), w.swapaxes(1, 2)).reshape(*inner[:-1], w.shape[1])

        def flat(d: Array) -> Array:
            return d.reshape(inner[0], -1, w.shape[1])

        return self.tape.record(
            value,
            (self, lambda d: contract(flat(d).swapaxes(1, 2), w).reshape(inner)),
            (weight, lambda d: contract(flat(d), rows)),
        )

    def __matmul__(self, other: Node) -> Node:
        """The product of two matrices."""
        return self.linear(other.transpose())

    def solve(self, right: Node) -> Node:
        """The matrix X of self @ X = right. As in LAPACK's, the errors are those of another matrix near to it."""
        a, x = self.value, self._solution(self.value, right.value)

        def back(d: Array) -> Array:
            return self._solution(a.swapaxes(1, 2), d)

        def outer(d: Array) -> Array:
            return -self.tape.arithmetic.contract(back(d).swapaxes(1, 2), x.swapaxes(1, 2))

        return self.tape.record(x, (self, outer), (right, back))

    def _solution(self, matrix: Array, right: Array) -> Array:
        return self._round(np.asarray(np.linalg.solve(self._round(matrix), right)))

    def log_det(self) -> Node:
        """The log determinant of a positive definite matrix: []."""
        matrix = self._round(self.value)
        value = self._round(np.linalg.slogdet(matrix)[1])
        return self._then(value, lambda d: self._round(d[:, None, None] * np.linalg.inv(matrix).swapaxes(1, 2)))

    def sum(self, axis: int) -> Node:
        """The sum over an axis."""
        where, shape = _with_run(axis), self.value.shape
        value = self.tape.arithmetic.sum(self.value, where)
        return self._then(value, lambda d: np.broadcast_to(np.expand_dims(d, where), shape))

    def mean(self, axis: int) -> Node:
        """The mean over an axis; of a single entry, that entry."""
        count, total = self.shape[axis], self.sum(axis)
        return total if count == 1 else total / count

    def logsumexp(self, axis: int) -> Node:
        """log Σ exp over an axis."""
        where, a = _with_run(axis), self.value
        top = a.max(axis=where, keepdims=True)
        e = self._round(np.exp(self._round(a - top)))
        total = self.tape.arithmetic.sum(e, where)
        value = self._round(self._round(np.log(total)) + top.squeeze(where))

        def pullback(d: Array) -> Array:
            if self.exact:  # the usual form turns the absolute error of `value` into a relative one
                shares = e / np.expand_dims(total, where)
            else:
                shares = self._round(np.exp(self._round(a - np.expand_dims(value, where))))
            return self._round(np.expand_dims(d, where) * shares)

        return self._then(value, pullback)

    def exp(self) -> Node:
        """e^a."""
        value = self._round(np.exp(self.value))
        return self._then(value, lambda d: self._round(d * value))

    def log(self) -> Node:
        """log a."""
        return self._then(self._round(np.log(self.value)), lambda d: self._round(d / self.value))

    def sqrt(self) -> Node:
        """√a."""
        value = self._round(np.sqrt(self.value))
        return self._then(value, lambda d: self._round(d / (2 * value)))

    def sigmoid(self) -> Node:
        """1 / (1 + e^−a)."""
        a = self.value
        s = self._round(sigmoid(a))

        def slope() -> Array:
            if self.exact:  # as for tanh: 1 − σ(a) has no digits left where σ(a) is near 1
                return np.asarray(s * sigmoid(-a))
            return self._round(s * self._round(1 - s))

        return self._then(s, lambda d: self._round(d * slope()))

    def tanh(self) -> Node:
        """tanh a."""
        a = self.value
        t = self._round(np.tanh(a))

        def slope() -> Array:
            if self.exact:  # the usual form cancels where tanh saturates; the reference must not
                e = np.exp(-2 * np.abs(a))
                return np.asarray(4 * e / (1 + e) ** 2)
            return self._round(1 - self._round(t * t))

        return self._then(t, lambda d: self._round(d * slope()))

    def relu(self) -> Node:
        """max(a, 0), unperturbed."""
        return self._then(np.maximum(self.value, 0), lambda d: np.where(self.value > 0, d, 0.0))

    def softplus(self) -> Node:
        """log(1 + e^a)."""
        value = self._round(np.logaddexp(self.value, 0))
        return self._then(value, lambda d: self._round(d * self._round(sigmoid(self.value))))

    def bernoulli(self, x: Node) -> Node:
        """log p(x|a) = −(max(a, 0) − a·x + log(1 + e^−|a|)) on logits a; x is data and gets no adjoint."""
        a, data = _aligned(self, x)
        linear = self._round(np.maximum(a, 0) - self._round(a * data))
        e = self._round(np.exp(-np.abs(a)))
        value = -self._round(linear + self.tape.arithmetic.log_of_one_plus(e))

        def residual() -> Array:
            """x − σ(a)."""
            if self.exact:  # (x − 1) + σ(−a) keeps the digits that x − σ(a) loses where σ(a) is near 1
                return np.where(a > 0, data - 1 + sigmoid(-a), data - sigmoid(a))
            return self._round(data - self._round(sigmoid(a)))

        return self._then(value, lambda d: _like(self, self._round(d * residual())))

    def reshape(self, *shape: int) -> Node:
        """The same numbers in other axes."""
        inner = self.value.shape
        return self._then(self.value.reshape(inner[0], *shape), lambda d: d.reshape(inner))

    def transpose(self, *axes: int) -> Node:
        """The axes in another order; without one, in reverse."""
        order = (0, *(axis + 1 for axis in axes or reversed(range(len(self.shape)))))
        back = tuple(int(i) for i in np.argsort(order))
        return self._then(self.value.transpose(order), lambda d: d.transpose(back))

    def expand(self, axis: int) -> Node:
        """An axis of size one, which is `axis` afterwards; negative axes count from the last."""
        value = np.expand_dims(self.value, axis if axis < 0 else axis + 1)
        return self._then(value, lambda d: d.reshape(self.value.shape))

    def __getitem__(self, index: int) -> Node:
        """The entry of the first axis at `index`."""
        shape = self.value.shape

        def pullback(d: Array) -> Array:
            adjoint = np.zeros(shape)
            adjoint[:, index] = d
            return adjoint

        return self._then(self.value[:, index], pullback)

    def copy(self, selection: Selection) -> Node:
        """[..., feature] → [..., *place]; its adjoint's sums are rounded."""
        arithmetic = self.tape.arithmetic
        return self._then(selection.copy(self.value), lambda d: selection.add(d, arithmetic))

    def add_up(self, selection: Selection) -> Node:
        """[..., *place] → [..., feature], the adjoint of `copy`."""
        return self._then(selection.add(self.value, self.tape.arithmetic), selection.copy)


#: Weights, noises, heads or tensors by name.
Nodes = Mapping[str, Node]


def _with_run(axis: int) -> int:
    return axis + 1 if axis >= 0 else axis


def _aligned(a: Node, b: Node) -> tuple[Array, Array]:
    rank = max(a.value.ndim, b.value.ndim)
    left, right = (v.reshape(v.shape[0], *[1] * (rank - v.ndim), *v.shape[1:]) for v in (a.value, b.value))
    return left, right


def _like(node: Node, adjoint: Array) -> Array:
    """The adjoint summed over the axes along which `node` was repeated."""
    total = node.tape.arithmetic.sum
    while adjoint.ndim > node.value.ndim:
        adjoint = total(adjoint, axis=1)
    for axis, size in enumerate(node.value.shape):
        if size == 1 and adjoint.shape[axis] != 1:
            adjoint = np.expand_dims(total(adjoint, axis=axis), axis)
    return adjoint
