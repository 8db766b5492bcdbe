"""The documents: what is generated is what the code says now."""

from pathlib import Path

from elbostone.notations.manual import reference, written

NOTATION = Path(__file__).parents[2] / "docs" / "notation.md"


def test_the_reference_of_notation_toml_is_current() -> None:
    text = NOTATION.read_text(encoding="utf-8")
    assert written(text) == text, "run python -m elbostone.notations.manual docs/notation.md"


def test_the_reference_names_every_field_with_a_meaning() -> None:
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert all(cell.strip(" |") for row in rows for cell in row[1:2])
