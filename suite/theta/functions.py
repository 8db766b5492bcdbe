"""Tensors of any framework with the operators and methods of a node; NumPy's are exact, or every result is moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..reference.arithmetic import EPSILON, Array

POOL = 1 << 17
"""Rounding factors that are drawn once; drawing one per number would take most of the time."""


@dataclass(frozen=True)
class Functions:
    """The functions of a framework beside the operators + − * @ and the indexing of its own tensors.

    Attributes:
        constant: an array as a float64 tensor.
        exp, log, tanh, log_sigmoid: element by element.
        sum, logsumexp: (tensor, axis) → the tensor without that axis.
        transpose: the transpose of a matrix.
        solve: (matrix [n, n], right sides [n, m]) → [n, m].
        log_det: the log determinant of a positive definite matrix: [].
    """

    constant: Callable[[Array], Any]
    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    log_sigmoid: Callable[[Any], Any]
    sum: Callable[[Any, int], Any]
    logsumexp: Callable[[Any, int], Any]
    transpose: Callable[[Any], Any]
    solve: Callable[[Any, Any], Any]
    log_det: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A framework's own tensor with the operators and methods of `node.Node`, in which the densities are written.

    Attributes:
        value: the tensor.
        f: the functions of its framework.
    """

    value: Any
    f: Functions

    def _with(self, value: Any) -> Tensor:
        return Tensor(value, self.f)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return tuple(self.value.shape)

    def constant(self, values: Array | float) -> Tensor:
        """Numbers in the same framework."""
        return self._with(self.f.constant(np.asarray(values)))

    def __add__(self, other: Tensor | float) -> Tensor:
        return self._with(self.value + _plain(other))

    def __radd__(self, other: float) -> Tensor:
        return self._with(other + self.value)

    def __sub__(self, other: Tensor | float) -> Tensor:
        return self._with(self.value - _plain(other))

    def __rsub__(self, other: float) -> Tensor:
        return self._with(other - self.value)

    def __mul__(self, other: Tensor | float) -> Tensor:
        return self._with(self.value * _plain(other))

    def __rmul__(self, other: float) -> Tensor:
        return self._with(other * self.value)

    def __neg__(self) -> Tensor:
        return self._with(-self.value)

    def __pow__(self, exponent: int) -> Tensor:
        if exponent != 2:
            raise ValueError(f"exponent: expected 2; found {exponent}")
        return self * self

    def __matmul__(self, other: Tensor) -> Tensor:
        return self._with(self.value @ other.value)

    def __getitem__(self, index: Any) -> Tensor:
        return self._with(self.value[index])

    def linear(self, weight: Tensor) -> Tensor:
        """[row, in] and [out, in] → [row, out]."""
        return self @ weight.transpose()

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

    def log_sigmoid(self) -> Tensor:
        """log σ(a)."""
        return self._with(self.f.log_sigmoid(self.value))

    def bernoulli(self, x: Tensor) -> Tensor:
        """log p(x|a) = x·log σ(a) + (1 − x)·log σ(−a) on logits a."""
        return x * self.log_sigmoid() + (1.0 - x) * (-self).log_sigmoid()

    def solve(self, right: Tensor) -> Tensor:
        """The matrix X of self @ X = right."""
        return self._with(self.f.solve(self.value, right.value))

    def log_det(self) -> Tensor:
        """Of a positive definite matrix: []."""
        return self._with(self.f.log_det(self.value))


def _plain(operand: Tensor | float) -> Any:
    return operand.value if isinstance(operand, Tensor) else operand


def tensors(f: Functions, values: Mapping[str, Any]) -> dict[str, Tensor]:
    """A framework's own tensors by name."""
    return {name: Tensor(value, f) for name, value in values.items()}


class Rounding:
    """Seeded factors 1 + u·eps(float64), |u| ≤ 1: slices, at random offsets, of a pool that is drawn once."""

    def __init__(self, seed: int | tuple[int, ...]) -> None:
        self._generator = np.random.default_rng(seed)
        self._pool = self._draw(POOL)

    def _draw(self, size: int) -> Array:
        return 1 + EPSILON["float64"] * self._generator.uniform(-1, 1, size)

    def move(self, values: Array) -> Array:
        """Real and imaginary parts are moved apart: the imaginary part carries a derivative (see `reference`)."""
        if np.iscomplexobj(values):
            return np.asarray(values.real * self._factors(values) + 1j * (values.imag * self._factors(values)))
        return np.asarray(values * self._factors(values))

    def sum(self, values: Array, axis: int) -> Array:
        """The sum over one axis, first to last, every partial sum moved (to first order in eps)."""
        partial = np.cumsum(values, axis=axis)
        return np.asarray(values.sum(axis=axis) + (self.move(partial) - partial).sum(axis=axis))

    def _factors(self, values: Array) -> Array:
        if values.size > POOL:
            return self._draw(values.size).reshape(values.shape)
        offset = self._generator.integers(POOL - values.size + 1)
        return self._pool[offset : offset + values.size].reshape(values.shape)


class Moved(np.ndarray[Any, Any]):
    """An array whose every operation multiplies its result by an own 1 + u·eps (Monte-Carlo arithmetic)."""

    rounding: Rounding

    def __array_finalize__(self, source: Any) -> None:
        self.rounding = getattr(source, "rounding", None)  # type: ignore[assignment]  # `_wrap` gives it its own

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **options: Any) -> Any:
        rounding = next(value.rounding for value in inputs if isinstance(value, Moved))
        plain = [np.asarray(value) for value in inputs]
        if ufunc is np.matmul:  # each product, and the sum of them
            products = rounding.move(plain[0][:, :, None] * plain[1][None])
            return rounding.sum(products, 1).view(Moved)._with(rounding)
        if ufunc is np.add and method == "reduce":
            return rounding.sum(plain[0], options["axis"]).view(Moved)._with(rounding)
        return _wrap(getattr(ufunc, method)(*plain, **options), rounding)

    def _with(self, rounding: Rounding) -> Moved:
        self.rounding = rounding
        return self


def _wrap(values: Any, rounding: Rounding) -> Moved:
    return rounding.move(np.asarray(values)).view(Moved)._with(rounding)


def _log_sigmoid(a: Array) -> Any:
    positive = np.asarray(a).real >= 0
    sign = np.where(positive, 1.0, -1.0)
    return a * (1.0 - positive) - np.log1p(np.exp(-sign * a))


def _logsumexp(a: Array, axis: int) -> Any:
    largest = np.asarray(a).real.max(axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(a - largest), axis=axis)) + largest.squeeze(axis)


def exact() -> Functions:
    """NumPy's functions; they take complex numbers as well."""
    return Functions(
        constant=np.asarray,
        exp=np.exp,
        log=np.log,
        tanh=np.tanh,
        log_sigmoid=_log_sigmoid,
        sum=lambda a, axis: np.sum(a, axis=axis),
        logsumexp=_logsumexp,
        transpose=lambda a: a.T,
        solve=np.linalg.solve,
        log_det=lambda a: np.log(np.linalg.det(a)),
    )


def moved(seed: int | tuple[int, ...]) -> Functions:
    """NumPy's functions in which every input, product, sum and function value is moved by float64's rounding."""
    rounding = Rounding(seed)
    plain = exact()
    return replace(
        plain,
        constant=lambda a: _wrap(a, rounding),
        solve=lambda a, b: _wrap(np.linalg.solve(np.asarray(a * 1.0), np.asarray(b)), rounding),
        log_det=lambda a: _wrap(plain.log_det(np.asarray(a * 1.0)), rounding),
    )
