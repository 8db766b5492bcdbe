"""What the kernel tells of a processor."""

from pathlib import Path

import pytest

from elbostone.execution import processor

X86 = "processor\t: 0\nmodel name\t: A CPU @ 3 GHz: fast\nflags\t\t: fpu avx avx2 fma avx512f{more}\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("text", "name", "bfloat16"),
    [
        (X86.format(more=""), "A CPU @ 3 GHz: fast", False),
        (X86.format(more=" avx512_bf16"), "A CPU @ 3 GHz: fast", True),
        (X86.format(more=" amx_bf16 amx_tile"), "A CPU @ 3 GHz: fast", True),
        ("processor\t: 0\nFeatures\t: fp asimd sve bf16\n", None, True),
    ],
    ids=["avx-512", "zen 4", "amx", "arm"],
)
def test_a_processor_is_told_by_its_flags(tmp_path: Path, text: str, name: str | None, bfloat16: bool) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text, encoding="utf-8")
    assert name is None or processor.model(file) == name
    assert processor.computes_bfloat16(file) is bfloat16
    assert set(processor.features(file)) <= set(processor.NOTED)


def test_a_kernel_that_does_not_say_has_no_features(tmp_path: Path) -> None:
    assert processor.features(tmp_path / "none") == []
    assert not processor.computes_bfloat16(tmp_path / "none")
