"""`elbostone compare`: planted changes of verdicts and of speed are named, and nothing else is."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from elbostone.cli import app
from elbostone.reference.errors import BadInput
from elbostone.report.tables import frame, read_rows, write_table
from elbostone.runs.compare import comparison

QUICK = Path(__file__).parents[2] / "reports" / "committed" / "quick"
Change = Callable[[list[dict[str, Any]]], Any]


def changed(folder: Path, table: str, change: Change) -> Path:
    """The committed quick run with one table changed."""
    names = ("run.json", "equivalence.parquet", "claims.parquet", "throughput.parquet")
    folder.mkdir()
    for name in names:
        shutil.copyfile(QUICK / name, folder / name)
    rows = read_rows(folder / f"{table}.parquet")
    change(rows)
    write_table(frame(rows, tuple(rows[0])), folder / table)
    return folder


def invoked(*words: str | Path) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["compare", *map(str, words)])
    return done.exit_code, done.output, done.exception


def test_a_run_and_itself_do_not_differ() -> None:
    found = comparison(QUICK, QUICK)
    assert found.compared > 2000 and not found.verdicts and found.alone == (0, 0)
    assert len(found.figures) == 33 and {each.ratio for each in found.figures} == {1.0}
    assert not {each.verdict for each in found.figures} & {"faster", "slower"}
    assert invoked(QUICK, QUICK)[0] == 0


@pytest.mark.parametrize(
    ("now", "worse"), [("differs", True), ("failed", True), ("excluded", True), ("unsupported", True)]
)
def test_an_equal_cell_that_is_so_no_longer_is_worse(tmp_path: Path, now: str, worse: bool) -> None:
    def plant(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if row["term"] == "kl" and row["verdict"] == "equal")
        cell = [row[name] for name in ("problem", "notation", "backend", "dtype", "mode")]
        for each in rows:  # `excluded` and `unsupported` are of whole cells
            if [each[name] for name in ("problem", "notation", "backend", "dtype", "mode")] == cell:
                each["verdict"] = now

    other = changed(tmp_path / "other", "equivalence", plant)
    (only,) = comparison(QUICK, other).verdicts
    assert (only.of, only.before, only.after, only.worse) == ("cell", "equal", now, worse)
    code, text, _ = invoked(QUICK, other)
    assert code == 1 and "verdicts: 1 of" in text and text.index("verdicts") < text.index("figures")
    (line,) = (line.split() for line in text.splitlines() if line.split()[:1] == ["cell"])
    assert line[-3:] == ["equal", now, "worse"]
    (back,) = comparison(other, QUICK).verdicts
    assert not back.worse and invoked(other, QUICK)[0] == 0, "what is mended is no worse"


def test_a_claim_that_is_refuted_is_worse(tmp_path: Path) -> None:
    other = changed(tmp_path / "other", "claims", lambda rows: rows[5].update(verdict="differs"))
    (only,) = comparison(QUICK, other).verdicts
    assert only.of == "claim" and only.worse


def test_a_cell_of_one_run_alone_is_counted_and_no_change(tmp_path: Path) -> None:
    def drop(rows: list[dict[str, Any]]) -> None:
        rows[:] = [row for row in rows if row["notation"] != "keras_io"]

    found = comparison(QUICK, changed(tmp_path / "other", "equivalence", drop))
    assert not found.verdicts and found.alone[0] > 0 and found.alone[1] == 0


def speeds(rate: float, noise: float, processes: int, seed: int) -> Change:
    """Timings of all rows around `rate` times 1,000 images a second."""
    generator = np.random.default_rng(seed)

    def plant(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["by_process"] = (1000 * rate * np.exp(noise * generator.standard_normal(processes))).tolist()
            row["images_per_second"] = float(np.median(row["by_process"]))

    return plant


def test_slower_figures_are_found_and_are_no_failure(tmp_path: Path) -> None:
    before = changed(tmp_path / "before", "throughput", speeds(1.0, 0.01, 6, 1))
    after = changed(tmp_path / "after", "throughput", speeds(0.8, 0.01, 6, 2))
    found = comparison(before, after)
    assert {each.verdict for each in found.figures} == {"slower"}
    assert all(each.lower < 0.8 < each.upper < 1 for each in found.figures)
    code, text, _ = invoked(before, after)
    assert code == 0 and "33 slower" in text


def test_among_many_figures_none_is_called_changed_by_chance(tmp_path: Path) -> None:
    """33 timings without a difference, 20 times: with 95 % each of them has none that is beyond its interval."""
    alarms = 0
    for seed in range(20):
        before = changed(tmp_path / f"before-{seed}", "throughput", speeds(1.0, 0.05, 6, 2 * seed))
        after = changed(tmp_path / f"after-{seed}", "throughput", speeds(1.0, 0.05, 6, 2 * seed + 1))
        alarms += any(each.verdict != "same" for each in comparison(before, after).figures)
    assert alarms <= 4, "expected 1; more than 4 has a probability of 0.3 %"


def test_what_goes_unseen_is_said(tmp_path: Path) -> None:
    """Of two processes the intervals are wide: half the speed is called the same, and the line below says why."""
    before = changed(tmp_path / "before", "throughput", speeds(1.0, 0.05, 2, 1))
    after = changed(tmp_path / "after", "throughput", speeds(0.5, 0.05, 2, 2))
    found = comparison(before, after).figures
    same = [(each.upper / each.lower) ** 0.5 for each in found if each.verdict == "same"]
    assert same and all(factor > 1.8 for factor in same)
    assert f"a factor below {min(same):.3g} to {max(same):.3g} go unseen" in invoked(before, after)[1]


def test_one_process_has_no_interval(tmp_path: Path) -> None:
    before = changed(tmp_path / "before", "throughput", speeds(1.0, 0.01, 1, 1))
    assert {each.verdict for each in comparison(before, QUICK).figures} == {"unknown"}


@pytest.mark.parametrize("field", ["cpu", "cpu_features", "cpus", "gpu"])
def test_other_machines_are_compared_only_when_asked(field: str, tmp_path: Path) -> None:
    other = changed(tmp_path / "other", "throughput", lambda rows: None)
    settings = json.loads((other / "run.json").read_text())
    settings[field] = {"cpu": "a Z80", "cpu_features": ["avx", "amx_tile"], "cpus": 77, "gpu": "a Voodoo"}[field]
    (other / "run.json").write_text(json.dumps(settings))
    code, _, error = invoked(QUICK, other)
    assert code != 0 and isinstance(error, BadInput)
    assert "--across-machines" in str(error)
    assert re.search("a Z80|avx amx_tile|77 CPUs|a Voodoo", str(error))
    assert invoked(QUICK, other, "--across-machines")[0] == 0


def test_json_has_all(tmp_path: Path) -> None:
    document = json.loads(invoked(QUICK, QUICK, "--json")[1])
    assert document["compared"] > 2000 and len(document["figures"]) == 33 and document["verdicts"] == []


def test_no_run_is_refused(tmp_path: Path) -> None:
    assert isinstance(invoked(QUICK, tmp_path)[2], BadInput)
