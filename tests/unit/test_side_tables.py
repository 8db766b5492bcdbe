"""Tables beside those of cells and timings: what they say of a committed run, and that every column has a meaning."""

import shutil
from pathlib import Path

import pytest

from elbostone.report.dictionary import meaning, meanings, rows_of
from elbostone.report.tables import frame, read_rows, write_table
from elbostone.runs.side_tables import write_side_tables
from elbostone.timing.judge.aa import COLUMNS as AA
from elbostone.timing.judge.throughput import COLUMNS as THROUGHPUT
from elbostone.workers.run_folder import RunFolder

COMMITTED = Path(__file__).parents[2] / "reports" / "committed"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed quick run with the tables beside it."""
    folder = tmp_path_factory.mktemp("quick")
    for name in ("run.json", "equivalence.parquet", "claims.parquet", "throughput.parquet"):
        shutil.copyfile(COMMITTED / "quick" / name, folder / name)
    rows, claims = (read_rows(folder / f"{name}.parquet") for name in ("equivalence", "claims"))
    write_side_tables(RunFolder(folder), rows, claims)
    return folder


def test_each_is_csv_parquet_and_markdown(run: Path) -> None:
    for name in ("symbols", "exclusions", "environment", "dictionary"):
        rows = read_rows(run / f"{name}.parquet")
        assert rows and (run / f"{name}.md").read_text(encoding="utf-8").startswith("# ")
        assert (run / f"{name}.csv").read_text(encoding="utf-8").startswith(f"{next(iter(rows[0]))},")


def test_twice_the_same_bytes(run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    rows, claims = (read_rows(run / f"{name}.parquet") for name in ("equivalence", "claims"))
    write_side_tables(RunFolder(run), rows, claims)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_exclusions_have_link_count_and_numbers(run: Path) -> None:
    rows = read_rows(run / "exclusions.parquet")
    assert sum(row["cells"] for row in rows) == 24
    for row in rows:
        assert row["link"].startswith("https://github.com/")
        assert ("expected" in row["numbers"]) is (row["cells"] > 0)


def test_symbols_say_where_they_were_verified(run: Path) -> None:
    rows = read_rows(run / "symbols.parquet")
    sigma = [row for row in rows if row["notation"] == "rezende_2014" and row["role"] == "posterior_scale"]
    assert {row["scale"] for row in sigma} >= {"variance", "sd"}
    assert all("torch" in row["verified"].split() and not row["refuted"] for row in sigma)


def test_every_column_of_every_table_has_a_meaning(run: Path) -> None:
    for folder in (run, *(COMMITTED / name for name in ("quick", "full", "aa", "theta"))):
        lacking = [(row["table"], row["column"]) for row in rows_of(folder) if not row["meaning"]]
        assert not lacking, folder
        known = {path.stem for path in folder.glob("*.parquet")} - {"records", "dictionary"}
        assert known <= meanings().keys()
    assert all(meaning("throughput", name) for name in THROUGHPUT)
    assert all(meaning("trust", name) for name in AA)


def test_a_column_that_nobody_explained_is_found(tmp_path: Path) -> None:
    write_table(frame([{"notation": "x", "new_column": 1}], ()), tmp_path / "claims")
    assert [row["column"] for row in rows_of(tmp_path) if not row["meaning"]] == ["new_column"]
