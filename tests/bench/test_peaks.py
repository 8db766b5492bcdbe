"""The limits of the processor: measured by a program that is compiled here, or null with the reason."""

import os
import shutil
from pathlib import Path

import pytest

from elbostone.timing import peaks
from elbostone.timing.peaks import NoPeaksError, compiled, dram_bytes, measured, peaks_beside
from elbostone.workers.records import read_records

WEIGHTS = 4 * 329_640


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("peaks"))


def test_figures_are_those_of_a_processor(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "dram_bytes", lambda: 2**26)
    figures = measured(program, 2, [WEIGHTS])
    found = {(f["quantity"], f["dtype"], f["bytes"], f["threads"]): f["value"] for f in figures}
    assert len(found) == len(figures)
    for threads in (1, 2):
        single, double = (found["fma", dtype, 0, threads] for dtype in ("float32", "float64"))
        # From one 128-bit pipe at 1 GHz to four of 512 bits at 6 GHz; a float64 is twice as wide.
        assert 8e9 < single / threads < 1e12
        assert threads > 1 or single == pytest.approx(2 * double, rel=0.5), "on a busy machine, two may differ by more"
        if threads == 1 and (bfloat16 := found.get(("fma", "bfloat16", 0, 1))):
            assert bfloat16 > single
        for quantity, size in (("triad", 2**26), ("read", 2**26), ("read", WEIGHTS)):
            assert 1e9 < found[quantity, "", size, threads] < 5e12
    assert {f["unit"] for f in figures} == {"FLOP/s", "byte/s"}


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="what the processor has is read from /proc/cpuinfo")
def test_bfloat16_has_a_peak_where_the_processor_multiplies_it(program: Path) -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    has = "avx512_bf16" in flags or "amx_bf16" in flags
    assert any(f["dtype"] == "bfloat16" for f in measured(program, 1, [])) == has


def test_peaks_stand_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "dram_bytes", lambda: 2**24)
    file = tmp_path / "records.jsonl"
    with peaks_beside(file, 1, [WEIGHTS, WEIGHTS]):
        inside = read_records(file)
    records = read_records(file)
    assert {r["kind"] for r in records} == {"peak"}
    assert [r["when"] for r in records] == ["before"] * len(inside) + ["after"] * len(inside)
    assert [r["quantity"] for r in inside] == [r["quantity"] for r in records[len(inside) :]]
    assert sum(r["bytes"] == WEIGHTS for r in inside) == 1


def test_nothing_is_measured_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "dram_bytes", lambda: 2**24)
    with pytest.raises(KeyError), peaks_beside(tmp_path / "records.jsonl", 1, []):
        raise KeyError
    assert {r["when"] for r in read_records(tmp_path / "records.jsonl")} == {"before"}


def broken(folder: Path) -> str:
    """A compiler that says what it lacks."""
    file = folder / "cxx"
    file.write_text("#!/bin/sh\necho 'fatal error: atomic: no such file' >&2\nexit 4\n", encoding="ascii")
    file.chmod(0o755)
    return str(file)


def test_without_a_compiler_there_is_one_record_and_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "records.jsonl"
    with peaks_beside(file, 1, []):
        pass
    [record] = read_records(file)
    assert (record["status"], record["value"]) == ("missing", None)
    assert record["reason"] == "no C++ compiler: none of g++, clang++, c++ is installed, and CXX is not set"


def test_the_compiler_is_that_of_the_environment(tmp_path: Path) -> None:
    cxx = broken(tmp_path)
    with pytest.raises(NoPeaksError, match="exit code 4: fatal error: atomic: no such file"):
        compiled(tmp_path, {**os.environ, "CXX": cxx})
    with pytest.raises(NoPeaksError, match="No such file"):
        compiled(tmp_path, {**os.environ, "CXX": "/no/such/compiler -O1"})


def test_memory_is_larger_than_every_cache(tmp_path: Path) -> None:
    assert dram_bytes(tmp_path) == 2**28
    for index, size in enumerate(("48K", "1024K", "114688K")):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(f"{size}\n", encoding="ascii")
    assert dram_bytes(tmp_path) == 8 * 112 * 2**20


@pytest.mark.parametrize("march", ["x86-64", "haswell", "sapphirerapids"])
def test_the_source_is_one_of_every_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, march: str) -> None:
    if os.uname().machine != "x86_64" or not shutil.which("g++"):
        pytest.skip("compiled by g++ for other processors of the family x86-64")
    flags = [f"-march={march}" if flag.startswith("-march") else flag for flag in peaks.FLAGS]
    monkeypatch.setattr(peaks, "FLAGS", (*flags, "-Wall", "-Wextra", "-Werror"))
    assert compiled(tmp_path).exists()


def test_the_program_says_how_it_is_called(program: Path) -> None:
    with pytest.raises(NoPeaksError, match=r"exit code 2: usage: .* THREADS CPU"):
        peaks._output([str(program)], os.environ)
