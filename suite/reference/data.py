"""Data: scikit-learn's handwritten digits, which need no download."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .problem import Array

MNIST_PIXELS = 28 * 28


def digits(*, binarised: bool) -> Array:
    """scikit-learn's 1,797 digits of 8 × 8 pixels.

    Args:
        binarised: whether to threshold the grey values at 0.5 (a pixel of exactly 0.5 is on).

    Returns:
        [data count, data], in [0, 1].
    """
    from sklearn.datasets import load_digits  # here, so that a worker needs no scikit-learn

    grey = np.asarray(load_digits().data, dtype=np.float64) / 16
    return (grey >= 0.5).astype(np.float64) if binarised else grey


def labels() -> NDArray[np.int64]:
    """Which digit each of scikit-learn's images shows: [data count]."""
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().target, dtype=np.int64)


def digits_enlarged(count: int) -> NDArray[np.uint8]:
    """The digits at the size of MNIST's: each pixel of 8 × 8 becomes 3 × 3, within a frame of two.

    Args:
        count: images; the 1,797 digits come again and again.

    Returns:
        [count, 784], unsigned bytes.
    """
    square = digits(binarised=False).reshape(-1, 8, 8)
    large = np.pad(np.kron(square, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
    return np.resize(np.rint(255 * large).astype(np.uint8), (count, MNIST_PIXELS))
