"""`elbostone theta`: exit codes, what is printed, what is written. No framework runs."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from elbostone.backends import table as backends
from elbostone.claims.facts import ClaimsRecord
from elbostone.reference.errors import BadInput
from elbostone.theta import command as command
from elbostone.theta.judge.answer import REFERENCE, Answer
from elbostone.theta.judge.trained import scores
from elbostone.theta.plan import REGIMES, SEEDS
from elbostone.theta.records import ThetaRecord
from elbostone.theta.tables import answer_tables, long_tables, write_answer
from elbostone.theta.trainings import load_trained
from elbostone.workers.records import Cell

Run = Callable[..., tuple[int, str, str]]
CELL = Cell("claims", "keras_io", "torch", "torch", "cpu", "float64", "eager")


@pytest.fixture
def run(command_line: Run) -> Run:
    """`elbostone theta` with arguments; see `command_line`."""
    return partial(command_line, "theta")


@pytest.fixture
def no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files take a moment, and have a test of their own."""
    monkeypatch.setattr(command, "write_answer", lambda *args: None)


@pytest.mark.usefixtures("no_framework")
def test_without_a_framework_every_backend_is_missing_and_exit_code_0(run: Run) -> None:
    code, out, _ = run("--json")
    document = json.loads(out)
    assert code == 0
    assert document["backends"].keys() == backends.BACKENDS.keys()
    assert all(reason.startswith("missing: ") for reason in document["backends"].values())
    code, out, _ = run()
    assert code == 0
    assert "pip install 'elbostone[keras-jax]'" in " ".join(out.split())


@pytest.mark.usefixtures("no_framework")
def test_a_backend_asked_for_by_name_and_not_installed_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--backend", "torch")
    assert (code, out) == (3, "")
    assert err == "elbostone: torch needs torch: pip install 'elbostone[torch]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_framework")
def test_training_without_a_framework_is_one_line(run: Run) -> None:
    code, _, err = run("--train")
    assert code == 2
    assert "nothing was trained: torch: missing" in err


@pytest.mark.usefixtures("no_files")
@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(("status", "expected"), [("ok", 0), ("missing", 0), ("failed", 1), ("timeout", 1)])
def test_exit_codes(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: Answer, status: str, expected: int, as_json: bool
) -> None:
    records = {"keras-jax": ThetaRecord(cell=replace(CELL, backend="keras-jax"), status=status, reason="why")}
    monkeypatch.setattr(command, "compute", lambda *args, **kwargs: (answer, records))
    code, out, err = run(*(["--json"] if as_json else []))
    assert code == expected
    assert "theta.md" in err
    if as_json:
        document = json.loads(out)
        assert document["holds"] is True
        assert document["backends"] == ({} if status == "ok" else {"keras-jax": f"{status}: why"})
    elif status != "ok":
        assert f"{status}: why" in out


@pytest.mark.usefixtures("no_files")
def test_a_statement_that_fails_is_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    denied = [replace(statement, holds=False) for statement in answer.statements[:1]]
    failing = replace(answer, statements=[*denied, *answer.statements[1:]])
    monkeypatch.setattr(command, "compute", lambda *args, **kwargs: (failing, {}))
    assert run()[0] == 1


def test_the_bar_goes_on_with_every_backend_and_then_with_the_claims(capsys: pytest.CaptureFixture[str]) -> None:
    with command.waiting("theta", ["torch", "keras-jax"], claims=1) as advance:
        advance(ThetaRecord(cell=CELL, status="ok"))
        advance(ThetaRecord(cell=replace(CELL, backend="keras-jax"), status="failed", reason="why"))
        advance(ClaimsRecord(cell=CELL, status="ok"))
    said = capsys.readouterr().err
    assert "failed: keras-jax: why\n" in said
    assert "theta: judging" in said
    assert "3/3" in said


def test_the_answer_holds_and_concludes(answer: Answer) -> None:
    failing = [s.sentence for s in answer.statements if not s.holds]
    assert answer.holds, failing
    assert len(answer.conclusions) == 4
    assert [reading.name for reading in answer.readings] == ["R1", "R2", "R3", "R4"]


def test_every_table_is_printed_and_written(answer: Answer, tmp_path: Path) -> None:
    missing = {"keras-jax": "missing: keras-jax needs jax"}
    for table in answer_tables(answer, missing):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
    write_answer(answer, missing, tmp_path)
    text = (tmp_path / "theta.md").read_text(encoding="utf-8")
    assert "Made by `elbostone theta`" in text
    assert all(sentence in text for sentence in answer.conclusions)
    assert "keras-jax needs jax" in text
    for name in long_tables(answer):
        assert (tmp_path / f"theta_{name}.csv").stat().st_size > 0


def test_a_printed_zero_is_an_exact_one(answer: Answer) -> None:
    (table,) = (t for t in answer_tables(answer, {}) if t.title.endswith("learned prior, 1 latent"))
    norms = {(e.row, e.weight): e.norm[REFERENCE] for e in answer.dependencies if e.case == "learned"}
    printed = [cell for row in table.rows for cell in row[1:]]
    assert [cell == "0" for cell in printed] == [norm == 0 for norm in norms.values()]


# The committed trainings


def test_committed_trainings_are_of_every_backend_regime_and_seed_and_agree() -> None:
    trained = load_trained()
    found = scores(trained.records)
    assert {score.verdict for score in found} == {"equal"}
    assert all(score.held_out_nats.keys() == backends.BACKENDS.keys() for score in found)
    seeds = {(score.regime, score.seed) for score in found}
    assert {("learned", seed) for seed in SEEDS} <= seeds
    assert {regime.name for regime in REGIMES} == {regime for regime, _ in seeds}


def test_trainings_that_cannot_be_read_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected the trainings that 'elbostone theta --train' writes"):
        load_trained(tmp_path)
    (tmp_path / "theta.json").write_text('{"schema": 99}', encoding="utf-8")
    with pytest.raises(BadInput, match="expected schema 1 or older; found 99"):
        load_trained(tmp_path)
