"""The generator of the exact cases, which imports nothing of the suite."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "exact"))
    return importlib.import_module("generate")
