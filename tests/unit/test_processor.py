"""What the kernel tells of a processor, and what is timed on one that lacks something."""

from pathlib import Path

import pytest

from elbostone.timing import phases
from elbostone.timing.plan import FULL, Proven
from elbostone.timing.recipes.table import Step
from elbostone.timing.steps import comparison_of
from elbostone.timing.timings import Timing
from elbostone.workers import machine
from elbostone.workers.records import Cell, read_records
from elbostone.workers.run_folder import create_run

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
def test_bfloat16_is_tuned_only_where_the_processor_multiplies_it(
    multiplies: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell("p", "pytorch_examples", "torch", "torch", "cpu", "float32", "eager")
    first = (Timing(cell, "784-400-20", "encoder", 128, "p.json", "", ""),)
    planned = [
        comparison_of(("torch", "784-400-20", "encoder", 128, dtype), first, (Step("inference", ""),))
        for dtype in ("float32", "bfloat16")
    ]
    monkeypatch.setattr(phases, "computes_bfloat16", lambda: multiplies)
    monkeypatch.setattr(phases, "plan_step_comparisons", lambda *arguments, **options: planned)
    monkeypatch.setattr(phases, "kept_workloads", lambda folder, sample: [])
    monkeypatch.setattr(phases, "write_expected", lambda timings: None)
    folder = create_run(tmp_path, {})
    phase = phases.Phases(folder, [], Proven(frozenset()), "cpu", threads=1, timeout_s=1).steps(FULL)
    assert len(phase.comparisons) == 1 + multiplies
    records = [] if multiplies else read_records(folder.records)
    assert [(r["dtype"], r["mode"], r["status"]) for r in records] == [("bfloat16", "tuned", "unsupported")] * (
        not multiplies
    )
