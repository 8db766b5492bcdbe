"""A folder of somebody else's Python files, in which the command happens to run: importing one leaves a mark."""

from pathlib import Path

import pytest

NAMES = (
    *("random", "json", "typing", "dataclasses", "tempfile", "ast", "numpy", "safetensors", "msgspec", "elbostone"),
    *("torch", "keras", "jax", "tensorflow", "pytest", "pytest_benchmark", "conftest", "sitecustomize", "typer"),
)
LEFT = "somebody else's code ran"


def plant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make such a folder the current one. Returns the folder in which the marks are, each named after its module."""
    planted, marks = folder / "somebody-else's", folder / "marks"
    planted.mkdir()
    marks.mkdir()
    for name in NAMES:
        code = f"open({str(marks / name)!r}, 'w').close()\nraise ImportError({LEFT!r})\n"
        (planted / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(planted)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return marks


def marked(marks: Path) -> list[str]:
    """The modules of the folder that were imported."""
    return sorted(path.name for path in marks.iterdir())
