"""What the tests of the harness share: the backend that they run on, and copies of a notation with one line changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from elbostone.notations.notation import Notation
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notations

NOTATION = "pytorch_examples"


def pytest_itemcollected(item: pytest.Item) -> None:
    """The harness is tested on torch, unless a test is of another backend."""
    if item.get_closest_marker("backend") is None:
        item.add_marker(pytest.mark.backend("torch"))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], Notation]:
    """Copies of the notation in packages of their own, in which a line of the torch file is another one."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")

    def copy(name: str, line: str, other: str) -> Notation:
        source = notations()[NOTATION].path.parent
        shutil.copytree(source, tmp_path / name)
        file = tmp_path / name / "torch_vae.py"
        text = file.read_text(encoding="utf-8")
        assert text.count(line) == 1, f"{line!r} is no longer in {source.name}"
        file.write_text(text.replace(line, other), encoding="utf-8")
        return load_notation(tmp_path / name / "notation.toml", name)

    return copy
