"""docs/notebook.md prints what it says: `python tests/unit/test_notebook.py` writes what it prints into it."""

import contextlib
import io
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.md"
CELL = re.compile(r"(```python\n(.*?)```\n\n```text\n)(.*?)(```\n)", re.DOTALL)


def executed(text: str) -> str:
    """The page with what each of its cells prints, all of them run in one namespace."""
    names: dict[str, object] = {}

    def run(cell: re.Match[str]) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(cell[2], str(NOTEBOOK), "exec"), names)
        return cell[1] + "".join(line.rstrip() + "\n" for line in printed.getvalue().splitlines()) + cell[4]

    return CELL.sub(run, text)


@pytest.mark.backend("torch")
def test_the_page_prints_what_it_says() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(CELL.findall(text)) == text.count("```python\n") > 3
    assert executed(text) == text, f"run python {Path(__file__).name}, and read what has changed"


if __name__ == "__main__":
    NOTEBOOK.write_text(executed(NOTEBOOK.read_text(encoding="utf-8")), encoding="utf-8")
