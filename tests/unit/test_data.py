"""Data: the embedded digits."""

import numpy as np

from elbostone.reference.data import digits


def test_digits_are_1797_images_of_64_pixels() -> None:
    grey, binary = digits(binarised=False), digits(binarised=True)
    assert grey.shape == binary.shape == (1797, 64)
    assert grey.min() == 0
    assert grey.max() == 1
    np.testing.assert_array_equal(binary, grey >= 0.5)
