"""A reverse-mode tape in float64 NumPy whose every operation passes through an arithmetic, exact or perturbed.

Every tensor has the leading axis `run`. Models are written with the operators and methods of `node.Node`: nowhere else
do numbers combine.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import itemgetter

import numpy as np

from .arithmetic import Arithmetic, Array
from .node import Node, Pullback


class Tape:
    """Records operations for one backward pass.

    Attributes:
        arithmetic: computes every operation.
    """

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.arithmetic = arithmetic
        self._nodes: list[Node] = []

    def input(self, values: Array | float, *, wanted: bool = False, carries_run: bool = False) -> Node:
        """Data or weights, [...] or (if `carries_run`) [run, ...]; with `wanted`, `backward` can return its adjoint."""
        array = np.asarray(values, dtype=np.float64)
        if not carries_run:
            array = np.broadcast_to(array, (self.arithmetic.runs, *array.shape))
        return Node(self, self.arithmetic.round(array), wanted=wanted)

    def record(self, value: Array, *parents: tuple[Node, Pullback]) -> Node:
        """An operation's result [run, ...], and how its adjoint becomes that of each operand."""
        wanted = [(node, pullback) for node, pullback in parents if node.wanted]
        node = Node(self, value, wanted, bool(wanted))
        if wanted:  # no other is walked backwards, and a tape that keeps none is freed with its last node
            self._nodes.append(node)
        return node

    def backward(self, output: Node, wanted: Sequence[Node]) -> list[Array]:
        """Adjoints, each shaped like its node, of the sum over all entries of `output` in each run."""
        adjoints = {id(output): np.ones_like(output.value)}
        for node in reversed(self._nodes):
            if id(node) not in adjoints:
                continue
            adjoint = self.arithmetic.round(adjoints.pop(id(node)))
            for parent, pullback in node.parents:
                share = pullback(adjoint)
                known = adjoints.get(id(parent))
                adjoints[id(parent)] = share if known is None else self.arithmetic.round(known + share)
        return [self.arithmetic.round(adjoints.get(id(node), np.zeros_like(node.value))) for node in wanted]


def stack(nodes: Sequence[Node]) -> Node:
    """Equally shaped nodes along a new first axis, unperturbed."""
    value = np.stack([node.value for node in nodes], axis=1)
    return nodes[0].tape.record(value, *((node, itemgetter(np.s_[:, i])) for i, node in enumerate(nodes)))


def concatenate(nodes: Sequence[Node]) -> Node:
    """Nodes one after the other along the last axis, unperturbed."""
    value = np.concatenate([node.value for node in nodes], axis=-1)
    bounds = pairwise(accumulate((node.shape[-1] for node in nodes), initial=0))
    parts = (itemgetter(np.s_[..., first:last]) for first, last in bounds)
    return nodes[0].tape.record(value, *zip(nodes, parts, strict=True))
