"""Data: scikit-learn's handwritten digits, which need no download, and a reader for IDX files such as MNIST's."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import BadInput
from .problem import Array

MNIST_PIXELS = 28 * 28

_IDX_UNSIGNED_BYTE = 0x08


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


def read_idx_images(path: Path) -> Array:
    """Images of an IDX file (the format of MNIST), plain or gzipped, as grey values in [0, 1].

    Returns:
        [data count, data]; pixels in row order.

    Raises:
        BadInput: the file cannot be read, or is no IDX file of images of unsigned bytes, or is cut off.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    if len(content) < 16 or content[:2] != b"\0\0" or content[2:4] != bytes((_IDX_UNSIGNED_BYTE, 3)):
        raise BadInput(f"{path}: expected an IDX file of images (magic 0x00000803); found 0x{content[:4].hex()}")
    count, height, width = struct.unpack(">III", content[4:16])
    if len(content) != 16 + count * height * width:
        raise BadInput(f"{path}: expected {count}×{height}×{width} bytes after the header; found {len(content) - 16}")
    pixels = np.frombuffer(content, dtype=np.uint8, offset=16)
    return pixels.reshape(count, height * width).astype(np.float64) / 255
