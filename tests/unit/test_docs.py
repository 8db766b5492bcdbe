"""The documents: what is generated is what the code says now."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from elbostone.claims.judge.misprints import MISPRINT
from elbostone.equality.tables import cell_table
from elbostone.notations.manual import reference, written
from elbostone.notations.reader import parse_notation
from elbostone.notations.registry import notations
from elbostone.report.tables import read_rows

ROOT = Path(__file__).parents[2]
NOTATION = ROOT / "docs" / "notation.md"


@pytest.mark.parametrize("document", ["README.md", "docs/notation.md", "docs/misprints.md"])
def test_what_is_generated_is_current(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert written(text) == text, f"run python -m elbostone.notations.manual {document}"


def test_readme_prints_what_the_committed_run_found() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    run = ROOT / "reports" / "committed" / "quick"
    cells = cell_table(read_rows(run / "equivalence.parquet"))["verdict"].value_counts()
    assert f"cells: {cells['equal']} equal, {cells['excluded']} excluded, {cells['unsupported']} unsupported" in readme
    claims = pd.read_parquet(run / "claims.parquet")
    assert set(claims["verdict"]) == {"equal"}
    assert f"claims: {len(claims)} equal" in readme
    speeds = pd.read_csv(run / "throughput.csv")
    for figure in re.findall(r"\b[\d,]{6,}\b", readme.partition("The quickest of each stage")[2].partition("...")[0]):
        found = speeds["images_per_second"].dropna()
        assert (abs(found / float(figure.replace(",", "")) - 1) < 0.01).any(), figure


def test_misprints_are_as_far_off_as_the_committed_run_found() -> None:
    document = (ROOT / "docs" / "misprints.md").read_text(encoding="utf-8")
    claims = pd.read_parquet(ROOT / "reports" / "committed" / "quick" / "claims.parquet")
    rows = claims[claims["symbol"].str.startswith(MISPRINT)]
    found = {
        f"| {row.notation} | {row.symbol.removeprefix(MISPRINT)} | {re.findall(r'up to (.*) on', row.found)[0]} |"
        for row in rows.itertuples()
    }
    listed = {line for line in document.splitlines() if re.match(r"\| \w+_\w+ \|", line)}
    assert listed == found
    assert len(found) == sum(len(notation.misprints) for notation in notations().values())


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


def scripts() -> list[str]:
    """The scripts of the tests that documents tell a reader to run."""
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = [document.read_text(encoding="utf-8") for document in documents]
    return sorted({found for text in texts for found in re.findall(r"python (tests/\S+\.py)", text)})


@pytest.mark.parametrize("script", scripts())
def test_a_script_that_a_document_names_finds_what_it_imports(script: str) -> None:
    loaded = f"import runpy, sys; sys.path[0] = {str(Path(script).parent)!r}; runpy.run_path({script!r})"
    subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=True)
