"""A reverse-mode tape in float64 NumPy whose every operation passes through an arithmetic, exact or perturbed.

Every tensor has the leading axis `run`. Models are written with the methods of `Tape`: nowhere else do numbers combine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .arithmetic import Arithmetic, Array, Selection, sigmoid

Pullback = Callable[[Array], Array]


@dataclass(eq=False)
class Node:
    """A tensor on a tape: its value [run, ...], and how its adjoint becomes its parents'."""

    value: Array
    parents: list[tuple[Node, Pullback]] = field(default_factory=list)
    wanted: bool = False


def _entry(index: int, d: Array) -> Array:
    return d[:, index]


def _part(part: slice, d: Array) -> Array:
    return d[..., part]


class Tape:
    """Records operations for one backward pass. Axes are counted without `run`; operands align at their last axes."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.arithmetic = arithmetic
        self._round = arithmetic.round
        self._nodes: list[Node] = []

    def _record(self, value: Array, *parents: tuple[Node, Pullback]) -> Node:
        wanted = [(node, pullback) for node, pullback in parents if node.wanted]
        node = Node(value, wanted, bool(wanted))
        self._nodes.append(node)
        return node

    def input(self, values: Array | float, *, wanted: bool = False, carries_run: bool = False) -> Node:
        """Data or weights enter, [...] or (if `carries_run`) [run, ...]; `wanted` asks for the adjoint."""
        array = np.asarray(values, dtype=np.float64)
        if not carries_run:
            array = np.broadcast_to(array, (self.arithmetic.runs, *array.shape))
        return Node(self._round(array), wanted=wanted)

    def _aligned(self, a: Node, b: Node) -> tuple[Array, Array]:
        rank = max(a.value.ndim, b.value.ndim)
        left, right = (v.reshape(v.shape[0], *[1] * (rank - v.ndim), *v.shape[1:]) for v in (a.value, b.value))
        return left, right

    def _like(self, node: Node, adjoint: Array) -> Array:
        """The adjoint summed over the axes along which `node` was repeated."""
        while adjoint.ndim > node.value.ndim:
            adjoint = self.arithmetic.sum(adjoint, axis=1)
        for axis, size in enumerate(node.value.shape):
            if size == 1 and adjoint.shape[axis] != 1:
                adjoint = np.expand_dims(self.arithmetic.sum(adjoint, axis=axis), axis)
        return adjoint

    def add(self, a: Node, b: Node) -> Node:
        left, right = self._aligned(a, b)
        return self._record(self._round(left + right), (a, lambda d: self._like(a, d)), (b, lambda d: self._like(b, d)))

    def sub(self, a: Node, b: Node) -> Node:
        left, right = self._aligned(a, b)
        return self._record(
            self._round(left - right), (a, lambda d: self._like(a, d)), (b, lambda d: self._like(b, -d))
        )

    def mul(self, a: Node, b: Node) -> Node:
        left, right = self._aligned(a, b)
        return self._record(
            self._round(left * right),
            (a, lambda d: self._like(a, self._round(d * right))),
            (b, lambda d: self._like(b, self._round(d * left))),
        )

    def scale(self, a: Node, factor: float) -> Node:
        return self._record(self._round(a.value * factor), (a, lambda d: self._round(d * factor)))

    def linear(self, a: Node, weight: Node) -> Node:
        """[run, ..., in] and [run, out, in] → [run, ..., out]."""
        inner, w, contract = a.value.shape, weight.value, self.arithmetic.contract
        rows = a.value.reshape(inner[0], -1, inner[-1])
        value = contract(rows.swapaxes(1, 2), w.swapaxes(1, 2)).reshape(*inner[:-1], w.shape[1])

        def flat(d: Array) -> Array:
            return d.reshape(inner[0], -1, w.shape[1])

        return self._record(
            value,
            (a, lambda d: contract(flat(d).swapaxes(1, 2), w).reshape(inner)),
            (weight, lambda d: contract(flat(d), rows)),
        )

    def sum(self, a: Node, axis: int) -> Node:
        where = axis + 1 if axis >= 0 else axis
        shape = a.value.shape
        return self._record(
            self.arithmetic.sum(a.value, where), (a, lambda d: np.broadcast_to(np.expand_dims(d, where), shape))
        )

    def mean(self, a: Node, axis: int) -> Node:
        """The mean over an axis; of a single entry, that entry."""
        count = a.value.shape[axis + 1 if axis >= 0 else axis]
        total = self.sum(a, axis)
        return total if count == 1 else self.scale(total, 1 / count)

    def exp(self, a: Node) -> Node:
        value = self._round(np.exp(a.value))
        return self._record(value, (a, lambda d: self._round(d * value)))

    def log(self, a: Node) -> Node:
        return self._record(self._round(np.log(a.value)), (a, lambda d: self._round(d / a.value)))

    def sqrt(self, a: Node) -> Node:
        value = self._round(np.sqrt(a.value))
        return self._record(value, (a, lambda d: self._round(d / (2 * value))))

    def sigmoid(self, a: Node) -> Node:
        value = self._round(sigmoid(a.value))
        return self._record(value, (a, lambda d: self._round(d * self._sigmoid_slope(a.value, value))))

    def _sigmoid_slope(self, a: Array, s: Array) -> Array:
        if self.arithmetic.exact:  # as for tanh: 1 − σ(a) has no digits left where σ(a) is near 1
            return np.asarray(s * sigmoid(-a))
        return self._round(s * self._round(1 - s))

    def tanh(self, a: Node) -> Node:
        value = self._round(np.tanh(a.value))
        return self._record(value, (a, lambda d: self._round(d * self._tanh_slope(a.value, value))))

    def _tanh_slope(self, a: Array, t: Array) -> Array:
        if self.arithmetic.exact:  # the everyday form cancels where tanh saturates: the truth may not
            e = np.exp(-2 * np.abs(a))
            return np.asarray(4 * e / (1 + e) ** 2)
        return self._round(1 - self._round(t * t))

    def relu(self, a: Node) -> Node:
        return self._record(np.maximum(a.value, 0), (a, lambda d: np.where(a.value > 0, d, 0.0)))

    def softplus(self, a: Node) -> Node:
        value = self._round(np.logaddexp(a.value, 0))
        return self._record(value, (a, lambda d: self._round(d * self._round(sigmoid(a.value)))))

    def logsumexp(self, a: Node, axis: int) -> Node:
        where = axis + 1 if axis >= 0 else axis
        top = a.value.max(axis=where, keepdims=True)
        e = self._round(np.exp(self._round(a.value - top)))
        total = self.arithmetic.sum(e, where)
        value = self._round(self._round(np.log(total)) + top.squeeze(where))

        def pullback(d: Array) -> Array:
            if self.arithmetic.exact:  # the everyday form has the absolute error of `value` as a relative one
                shares = e / np.expand_dims(total, where)
            else:
                shares = self._round(np.exp(self._round(a.value - np.expand_dims(value, where))))
            return self._round(np.expand_dims(d, where) * shares)

        return self._record(value, (a, pullback))

    def bernoulli(self, a: Node, x: Node) -> Node:
        """log p(x|a) = −(max(a, 0) − a·x + log(1 + e^−|a|)) on logits a; x [run, ...] is data and gets no adjoint."""
        logits, data = self._aligned(a, x)
        linear = self._round(np.maximum(logits, 0) - self._round(logits * data))
        e = self._round(np.exp(-np.abs(logits)))
        value = -self._round(linear + self.arithmetic.log_of_one_plus(e))
        return self._record(value, (a, lambda d: self._like(a, self._round(d * self._residual(logits, data)))))

    def _residual(self, a: Array, x: Array) -> Array:
        """x − σ(a)."""
        if self.arithmetic.exact:  # (x − 1) + σ(−a) keeps the digits that x − σ(a) loses where σ(a) is near 1
            return np.where(a > 0, x - 1 + sigmoid(-a), x - sigmoid(a))
        return self._round(x - self._round(sigmoid(a)))

    def reshape(self, a: Node, *shape: int) -> Node:
        inner = a.value.shape
        return self._record(a.value.reshape(inner[0], *shape), (a, lambda d: d.reshape(inner)))

    def transpose(self, a: Node, *axes: int) -> Node:
        order = (0, *(axis + 1 for axis in axes))
        back = tuple(int(i) for i in np.argsort(order))
        return self._record(a.value.transpose(order), (a, lambda d: d.transpose(back)))

    def expand(self, a: Node, axis: int) -> Node:
        """An axis of size one before the axis that is `axis` afterwards; negative axes count from the last."""
        value = np.expand_dims(a.value, axis if axis < 0 else axis + 1)
        return self._record(value, (a, lambda d: d.reshape(a.value.shape)))

    def take(self, a: Node, index: int) -> Node:
        """[..., first axis first] → its entry at `index`, unperturbed."""
        shape = a.value.shape

        def pullback(d: Array) -> Array:
            adjoint = np.zeros(shape)
            adjoint[:, index] = d
            return adjoint

        return self._record(a.value[:, index], (a, pullback))

    def stack(self, nodes: list[Node]) -> Node:
        """Equally shaped nodes along a new first axis, unperturbed."""
        value = np.stack([node.value for node in nodes], axis=1)
        return self._record(value, *((node, partial(_entry, i)) for i, node in enumerate(nodes)))

    def concatenate(self, nodes: list[Node]) -> Node:
        """Nodes one after the other along the last axis, unperturbed."""
        ends = np.cumsum([node.value.shape[-1] for node in nodes])
        value = np.concatenate([node.value for node in nodes], axis=-1)
        parts = [slice(int(end) - node.value.shape[-1], int(end)) for node, end in zip(nodes, ends, strict=True)]
        return self._record(value, *((node, partial(_part, part)) for node, part in zip(nodes, parts, strict=True)))

    def copy(self, a: Node, selection: Selection) -> Node:
        """[..., feature] → [..., *place]; unperturbed, its adjoint's sums are not."""
        return self._record(selection.copy(a.value), (a, lambda d: selection.add(d, self.arithmetic)))

    def add_up(self, a: Node, selection: Selection) -> Node:
        """[..., *place] → [..., feature], the adjoint of `copy`."""
        return self._record(selection.add(a.value, self.arithmetic), (a, lambda d: selection.copy(d)))

    def backward(self, output: Node, wanted: list[Node]) -> list[Array]:
        """Adjoints, each shaped like its node, of the sum over all entries of `output` in each run."""
        adjoints = {id(output): np.ones_like(output.value)}
        for node in reversed(self._nodes):
            if id(node) not in adjoints or not node.parents:
                continue
            adjoint = self._round(adjoints.pop(id(node)))
            for parent, pullback in node.parents:
                share = pullback(adjoint)
                known = adjoints.get(id(parent))
                adjoints[id(parent)] = share if known is None else self._round(known + share)
        return [self._round(adjoints.get(id(node), np.zeros_like(node.value))) for node in wanted]
