"""The documents: what is generated is what the code says now."""

import re
import tomllib
from pathlib import Path

import pytest

from elbostone.notations.manual import reference, written
from elbostone.notations.reader import parse_notation
from elbostone.notations.registry import notations

ROOT = Path(__file__).parents[2]
NOTATION = ROOT / "docs" / "notation.md"


@pytest.mark.parametrize("document", ["README.md", "docs/notation.md"])
def test_what_is_generated_is_current(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert written(text) == text, f"run python -m elbostone.notations.manual {document}"


def test_the_reference_names_every_field_with_a_meaning() -> None:
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert all(cell.strip(" |") for row in rows for cell in row[1:2])


def test_the_file_in_the_guide_is_read_as_it_stands() -> None:
    """It has what the file of pytorch/examples has, where it says anything."""
    (text,) = re.findall(r"```toml\n(.*?)```", NOTATION.read_text(encoding="utf-8"), flags=re.DOTALL)
    whole = notations()["pytorch_examples"]
    source = tomllib.loads(whole.path.read_text(encoding="utf-8"))["source"]
    shown = parse_notation({"source": source, **tomllib.loads(text)}, NOTATION, whole.id)
    codes = {symbol.code: symbol.role for symbol in whole.symbols}
    assert {symbol.code: symbol.role for symbol in shown.symbols}.items() <= codes.items()
    assert shown.weights == whole.weights
