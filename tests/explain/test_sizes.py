"""An axis whose size is fixed: its exponent is −1 if its side's other axes are averaged over, else it is unknown."""

from fractions import Fraction

import pytest

from elbostone.explain.binding import Binding, Layout
from elbostone.explain.experiments.bind import SIZES
from elbostone.explain.experiments.reductions import powers_of_sizes
from elbostone.explain.lab import Lab, LossFailed


@pytest.mark.parametrize(
    ("averaged", "power", "left"),
    [("CHW", -1, ()), ("HW", None, ("C",)), ("", None, ("C",)), ("W", None, ("C",)), ("C", None, ("C",))],
)
def test_an_axis_of_one_size(averaged: str, power: int | None, left: tuple[str, ...]) -> None:
    def measure(lab: Lab) -> dict[str, float]:
        if lab.sizes["C"] != 3:
            raise LossFailed("channels")
        number = 2 / lab.sizes["N"]
        for axis in averaged:
            number /= lab.sizes[axis]
        return {"recon": number, "kl": 1 / lab.sizes["N"]}

    layout = Layout(("C", "H", "W"), ("J",))
    lab = Lab(None, Binding((), layout), {**SIZES, "C": 3, "H": 5}, {}, {})  # type: ignore[arg-type]
    powers, fixed_axes = powers_of_sizes(lab, measure)
    assert fixed_axes == left
    assert powers["recon"] is not None
    assert powers["recon"].get("C") == (None if power is None else Fraction(power))
