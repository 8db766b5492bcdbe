"""The two arithmetics that the oracle runs in: exact (plain float64) and perturbed.

The perturbed one is Monte-Carlo arithmetic: every input, product, sum, function value and adjoint is multiplied by its
own 1 + u·eps(dtype), u uniform in [-1, 1]. Below the dtype's smallest normal number relative precision ends (processors
round gradually, or flush to zero): what is left there is moved by up to all of itself. Its runs are the leading axis
`run` of every tensor, so that one pass makes all of them; the exact arithmetic has one run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7, "tf32": 2.0**-11}
"""Distance from 1 to the next number of each dtype; of TF32, which no tensor has, how its products round factors."""
STORED_AS = {"bfloat16": "float32", "tf32": "float32"}
"""The dtype of the arrays that hold numbers of a precision which NumPy has not."""
SMALLEST_NORMAL = {
    "float64": 2.0**-1022,
    "float32": 2.0**-126,
    "float16": 2.0**-14,
    "bfloat16": 2.0**-126,
    "tf32": 2.0**-126,
}
"""Below it a number of each dtype loses digits, or becomes zero."""

# Random factors of contractions are slices, at random offsets, of this many drawn ones; a block of partial sums and its
# products stay in the second-level cache with them. Drawing a factor per product would take ten times as long.
POOL = 1 << 16
BLOCK = 1 << 14


class Exact:
    """Plain float64, one run."""

    exact = True
    runs = 1

    def round(self, values: Array) -> Array:
        """`values` [run, ...] as this arithmetic keeps them; may be changed in place."""
        return values

    def contract(self, a: Array, b: Array) -> Array:
        """Σ_k a[run, k, row]·b[run, k, column], in the order of k, as [run, row, column]."""
        return np.asarray(np.matmul(a.swapaxes(1, 2), b))

    def sum(self, values: Array, axis: int) -> Array:
        """The sum over one axis, first to last."""
        return np.asarray(values.sum(axis=axis))

    def log_of_one_plus(self, values: Array) -> Array:
        """log(1 + values), in which the sum counts as an operation."""
        return np.log1p(values)


class Perturbed:
    """Monte-Carlo arithmetic of `runs` seeded runs at the precision `epsilon`, with underflow below `smallest`.

    It has the methods of `Exact`.
    """

    exact = False

    def __init__(self, epsilon: float, runs: int, seed: int | tuple[int, ...], smallest: float = 0.0) -> None:
        self.epsilon = epsilon
        self.smallest = smallest
        self.runs = runs
        self._generator = np.random.default_rng(seed)
        self._pool = self._draw(POOL)

    def _draw(self, size: int) -> Array:
        factors = self._generator.random(size)
        factors *= 2 * self.epsilon
        factors += 1 - self.epsilon
        return factors

    def factors(self, size: int) -> Array:
        """`size` factors 1 + u·eps, flat and not to be written to."""
        if size > BLOCK:
            return self._draw(size)
        offset = self._generator.integers(POOL - size + 1)
        return self._pool[offset : offset + size]

    def round(self, values: Array) -> Array:
        return self._underflow(values * self.factors(values.size).reshape(values.shape))

    def _underflow(self, values: Array, operations: int = 1) -> Array:
        """Move results of `operations` by what underflow may take from each: up to `smallest`, and never a zero."""
        lost = operations * self.smallest
        near = np.flatnonzero(np.abs(values) < lost / self.epsilon)
        if near.size:
            flat = values.reshape(-1)
            small = flat[near]
            flat[near] = small + self._generator.uniform(-1, 1, near.size) * np.minimum(np.abs(small), lost)
            return flat.reshape(values.shape)
        return values

    def contract(self, a: Array, b: Array) -> Array:
        if a.shape[2] > b.shape[2]:  # the longer axis innermost, where NumPy's loops are
            return self.contract(b, a).swapaxes(1, 2)
        runs, _, rows = a.shape
        result = np.empty((runs, rows, b.shape[2]))
        a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
        row_step = max(1, BLOCK // b.shape[2])
        run_step = max(1, row_step // rows)
        for run in range(0, runs, run_step):
            for row in range(0, rows, row_step):
                for column in range(0, b.shape[2], BLOCK):
                    block = np.s_[run : run + run_step, row : row + row_step, column : column + BLOCK]
                    self._contract_block(a[block[0], :, block[1]], b[block[0], :, block[2]], result[block])
        return self._underflow(result, a.shape[1])

    def _contract_block(self, a: Array, b: Array, result: Array) -> None:
        """`contract` for a block of at most BLOCK partial sums."""
        total = a[:, 0, :, None] * b[:, 0, None, :]
        product = np.empty_like(total)
        flat_total, flat_product, size = total.reshape(-1), product.reshape(-1), total.size
        flat_total *= self.factors(size)
        offsets = self._generator.integers(POOL - size + 1, size=(a.shape[1], 2)).tolist()
        left, right, pool = a.swapaxes(0, 1)[..., None], b.swapaxes(0, 1)[:, :, None], self._pool
        for k in range(1, len(offsets)):
            first, second = offsets[k]
            np.multiply(left[k], right[k], out=product)
            flat_product *= pool[first : first + size]
            flat_total += flat_product
            flat_total *= pool[second : second + size]
        result[...] = total

    def sum(self, values: Array, axis: int) -> Array:
        parts = np.ascontiguousarray(np.moveaxis(values, axis, 0))
        total: Array = parts[0].copy()
        for part in parts[1:]:
            total += part
            total *= self.factors(total.size).reshape(total.shape)
        return self._underflow(total, len(parts))

    def log_of_one_plus(self, values: Array) -> Array:
        # log((1 + v)·(1 + u·eps)), written so that float64 itself rounds nothing away where v is tiny.
        return self.round(np.log1p(values) + np.log(self.factors(values.size)).reshape(values.shape))


Arithmetic = Exact | Perturbed


def sigmoid(a: Array) -> Array:
    """1 / (1 + e^−a), which overflows for no `a`."""
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1.0, e) / (1.0 + e)


class Selection:
    """The linear map that copies features to places, and its adjoint, which adds them up again.

    Attributes:
        index: [place, ...], the feature that each place holds; −1 for a zero.
        size: number of features.
    """

    def __init__(self, index: Index, size: int) -> None:
        self.index, self.size = index, size
        flat = index.ravel()
        order = np.argsort(flat, kind="stable")
        order = order[flat[order] >= 0]
        features = flat[order]
        counts = np.bincount(features, minlength=size)
        rank = np.arange(len(features)) - (np.cumsum(counts) - counts)[features]
        self._features = np.where(index < 0, size, index)
        self._places = np.full((size, max(1, int(counts.max(initial=0)))), index.size, dtype=np.intp)
        self._places[features, rank] = order

    def copy(self, values: Array) -> Array:
        """[..., feature] → [..., *place]."""
        return _take_or_zero(values, self._features)

    def add(self, values: Array, arithmetic: Arithmetic) -> Array:
        """[..., *place] → [..., feature]: the adjoint of `copy`."""
        flat = values.reshape(*values.shape[: values.ndim - self.index.ndim], self.index.size)
        return arithmetic.sum(_take_or_zero(flat, self._places), axis=-1)


def _take_or_zero(values: Array, places: Index) -> Array:
    """Entries of the last axis; a zero for the place just past its end."""
    extended = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
    return np.take(extended, places, axis=-1, mode="clip")  # "clip" skips a bounds check that takes most of the time
