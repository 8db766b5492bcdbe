"""A framework's own tensors with the operators and methods of a node, so that the definition runs on them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..backends import Binding
from ..reference.arithmetic import Array

OPERATORS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.negative: operator.neg,
    np.power: operator.pow,
    np.matmul: operator.matmul,
}


@dataclass(frozen=True, eq=False)
class Tensor(NDArrayOperatorsMixin):
    """A framework's own tensor with the operators and methods of `node.Node`, in which the densities are written.

    Attributes:
        value: the tensor.
        f: the functions of its framework, under the names of `keras.ops`.
        binding: makes its constants.
    """

    value: Any
    f: Any
    binding: Binding

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Tensor | float) -> Tensor:
        """An operator, which is the framework's own on its own tensors."""
        return self._with(OPERATORS[ufunc](*(o.value if isinstance(o, Tensor) else o for o in operands)))

    def _with(self, value: Any) -> Tensor:
        return Tensor(value, self.f, self.binding)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return tuple(self.value.shape)

    def constant(self, values: Array | float) -> Tensor:
        """Numbers in the same framework."""
        return self._with(self.binding.tensor(np.asarray(values), "float64"))

    def __getitem__(self, index: Any) -> Tensor:
        return self._with(self.value[index])

    def linear(self, weight: Tensor) -> Tensor:
        """[row, in] and [out, in] → [row, out]."""
        return self._with(self.value @ self.f.transpose(weight.value))

    def transpose(self) -> Tensor:
        """A matrix with its axes exchanged."""
        return self._with(self.f.transpose(self.value))

    def expand(self, axis: int) -> Tensor:
        """An axis of size one, which is `axis` (negative) afterwards."""
        return self[(..., None, *[slice(None)] * (-1 - axis))]

    def sum(self, axis: int) -> Tensor:
        """The sum over an axis."""
        return self._with(self.f.sum(self.value, axis))

    def logsumexp(self, axis: int) -> Tensor:
        """log Σ exp over an axis."""
        return self._with(self.f.logsumexp(self.value, axis))

    def exp(self) -> Tensor:
        """e^a."""
        return self._with(self.f.exp(self.value))

    def tanh(self) -> Tensor:
        """tanh a."""
        return self._with(self.f.tanh(self.value))

    def bernoulli(self, x: Tensor) -> Any:
        """log p(x|a) = x·log σ(a) + (1 − x)·log σ(−a) on logits a."""
        positive, negative = (self._with(self.f.log_sigmoid(a.value)) for a in (self, -self))
        return x * positive + (1.0 - x) * negative

    def solve(self, right: Tensor) -> Tensor:
        """The matrix X of self @ X = right."""
        return self._with(self.f.solve(self.value, right.value))

    def log_det(self) -> Tensor:
        """The log determinant of a positive definite matrix: []."""
        return self._with(self.f.slogdet(self.value)[1])
