"""The limits of a device through its library; the device is a value, and the CPU is one."""

import pytest
from msgspec.structs import replace

from elbostone.backends import open_binding
from elbostone.timing.judge.rates import rates_of
from elbostone.timing.measure.device import open_timing
from elbostone.timing.measure.rooflines import measure_ceilings


@pytest.mark.backend("torch")
def test_a_device_has_products_and_memory() -> None:
    device, dtypes = open_timing(open_binding("torch", "cpu")), ["bfloat16", "float32", "tf32"]
    figures = list(measure_ceilings(device, dtypes, "before", side=128, memory_bytes=2**22))
    names = [(f.quantity, f.dtype, f.bytes) for f in figures]
    # No TF32 where no GPU is.
    assert names == [("fma", "bfloat16", 0), ("fma", "float32", 0), ("read", "", 2**22)]
    assert all(1e8 < f.value < 1e15 for f in figures)
    rates = rates_of([replace(figure, device="cuda") for figure in figures])
    assert set(rates.multiply_adds) == {("cuda", "bfloat16"), ("cuda", "float32")}
    assert rates.memory == {"cuda": figures[2].value}
