"""What the kernel tells of a processor, and what is timed on one that lacks something."""

from pathlib import Path

import pytest

from elbostone.backends.table import Backend
from elbostone.timing import phases
from elbostone.timing.timings import Timing
from elbostone.workers import machine
from elbostone.workers.records import Cell

X86 = "processor\t: 0\nmodel name\t: A CPU @ 3 GHz: fast\nflags\t\t: fpu avx avx2 fma avx512f{more}\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("text", "name", "bfloat16", "keeps"),
    [
        (X86.format(more=""), "A CPU @ 3 GHz: fast", False, True),
        (X86.format(more=" avx512_bf16"), "A CPU @ 3 GHz: fast", True, True),
        (X86.format(more=" amx_bf16 amx_tile"), "A CPU @ 3 GHz: fast", True, False),
        ("processor\t: 0\nFeatures\t: fp asimd sve bf16\n", None, True, False),
    ],
    ids=["avx-512", "zen 4", "amx", "arm"],
)
def test_a_processor_is_told_by_its_flags(
    tmp_path: Path, text: str, name: str | None, bfloat16: bool, keeps: bool
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text, encoding="utf-8")
    assert name is None or machine.processor(file) == name
    assert machine.computes_bfloat16(file) is bfloat16
    assert machine.keeps_float32(file) is keeps
    assert set(machine.processor_features(file)) <= set(machine.NOTED)


def test_a_kernel_that_does_not_say_has_no_features(tmp_path: Path) -> None:
    assert machine.processor_features(tmp_path / "none") == []
    assert not machine.computes_bfloat16(tmp_path / "none")
    assert not machine.keeps_float32(tmp_path / "none")


@pytest.mark.parametrize("multiplies", [True, False])
def test_bfloat16_is_timed_only_where_the_processor_multiplies_it(
    multiplies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = [
        Timing(Cell("p", "pytorch_examples", "torch", "torch", device, dtype, "tuned"), "w", "encoder", 128)
        for device, dtype in (("cpu", "float32"), ("cpu", "bfloat16"), ("cuda", "bfloat16"))
    ]
    monkeypatch.setattr(phases, "computes_bfloat16", lambda: multiplies)
    monkeypatch.setattr(Backend, "lacking", lambda backend, mode="": [])
    found, missing = phases.possible(timings)
    assert len(found) == 2 + multiplies
    assert [(r.cell.device, r.cell.dtype, r.status) for r in missing] == [("cpu", "bfloat16", "unsupported")] * (
        not multiplies
    )
