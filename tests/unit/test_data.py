"""Data: the embedded digits, and IDX files made here."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from elbostone.reference.data import digits, read_idx_images
from elbostone.reference.errors import BadInput

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10
IDX = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 3, 4) + PIXELS.tobytes()


def test_digits_are_1797_images_of_64_pixels() -> None:
    grey, binary = digits(binarised=False), digits(binarised=True)
    assert grey.shape == binary.shape == (1797, 64)
    assert grey.min() == 0
    assert grey.max() == 1
    np.testing.assert_array_equal(binary, grey >= 0.5)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_images_are_read_as_grey_values(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "images"
    path.write_bytes(pack(IDX))  # type: ignore[operator]
    np.testing.assert_array_equal(read_idx_images(path), PIXELS.reshape(2, 12) / 255)


@pytest.mark.parametrize(
    ("content", "message"),
    [(IDX[:-1], "expected 2×3×4 bytes"), (b"\0\0\x08\x01" + IDX[4:], "expected an IDX file"), (b"", "expected an IDX")],
    ids=["cut off", "labels", "empty"],
)
def test_a_bad_idx_file_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_idx_images(path)
