"""Copies of a notation with one line of its torch file changed, each in a separate package."""

import shutil
from pathlib import Path

import pytest

from elbostone.notations.notation import Notation
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notations


def copied(folder: Path, patch: pytest.MonkeyPatch, name: str, line: str, other: str) -> Notation:
    """A copy of pytorch_examples in a folder that workers import from."""
    source = notations()["pytorch_examples"].path.parent
    shutil.copytree(source, folder / name)
    file = folder / name / "torch_vae.py"
    text = file.read_text(encoding="utf-8")
    assert text.count(line) == 1, f"{line!r} is no longer in {source.name}"
    file.write_text(text.replace(line, other), encoding="utf-8")
    patch.setenv("PYTHONPATH", str(folder))
    return load_notation(folder / name / "notation.toml", name)
