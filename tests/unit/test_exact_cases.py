"""The committed exact cases are what their generator writes."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

EXACT = Path(__file__).parents[1] / "exact"


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXACT))
    return importlib.import_module("generate")


@pytest.mark.parametrize("name", ["singletons-learned", "collapsed-wide", "conv-one-layer"])
def test_a_case_is_regenerated_byte_for_byte(name: str, generate: ModuleType, tmp_path: Path) -> None:
    generate.write(name, generate.CASES[name], tmp_path)
    for suffix in (".json", ".safetensors", ".gradients.safetensors"):
        made, kept = tmp_path / f"{name}{suffix}", EXACT / f"{name}{suffix}"
        assert made.read_bytes() == kept.read_bytes(), f"{kept} is not what `python tests/exact/generate.py` writes"


def test_every_case_is_committed_and_nothing_else(generate: ModuleType) -> None:
    assert {path.stem for path in EXACT.glob("*.json")} == set(generate.CASES)
