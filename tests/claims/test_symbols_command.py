"""`elbostone symbols`: it says nothing that was not run, and fails where something does not hold."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from elbostone.backends import table as backends
from elbostone.claims.judge import verdicts
from elbostone.claims.judge.evidence import Violation
from elbostone.claims.tables import write_claims

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(command_line: Run) -> Run:
    """`elbostone symbols` with arguments; see `command_line`."""
    return partial(command_line, "symbols")


def test_every_row_names_the_backend_that_executed_it(backend: str, run: Run) -> None:
    code, out, err = run("pytorch_examples", "--backend", backend, "--json")
    assert code == 0, err
    symbols = json.loads(out)["symbols"]
    assert {"mu", "logvar", "fc1", "loss"} <= {symbol["code"] for symbol in symbols}
    assert all(symbol["verified"] == [backend] and not symbol["refuted"] for symbol in symbols)


@pytest.mark.backend("torch")
def test_what_does_not_hold_is_refuted_and_exits_with_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lie = Violation("pytorch_examples", "symbol mu", ("scale",), "scale sd", "scale log_sd")
    monkeypatch.setattr(verdicts, "violations", lambda notation, facts, sources: [lie])
    code, out, err = run("pytorch_examples", "--role", "posterior_mean")
    assert code == 1
    assert "NOT by torch" in out
    assert "symbol mu: scale: claimed scale sd; found scale log_sd" in err


@pytest.mark.backend("torch")
def test_a_letter_two_sources_side_by_side_and_equations(run: Run) -> None:
    both = ("kingma_welling_2013", "pytorch_examples", "--backend", "torch")
    code, out, _ = run(*both, "--symbol", "θ")
    assert code == 0
    assert "What θ names" in out
    assert "generative_weights" in out
    assert "logvar (log_variance) [encode; read]" in run(*both, "--compare")[1]
    equations = run(*both, "--equations")[1]
    assert equations.count(r"\begin{equation}") == 30
    assert r"\boldsymbol{\theta}" in equations
    assert "% joint; not printed there, built: joint, likelihood, prior" in equations


@pytest.mark.backend("torch")
def test_a_run_is_read_instead_of_executed(run: Run, tmp_path: Path) -> None:
    values = ("pytorch_examples", "symbol mu", "role", "keras-jax", "equal", "role posterior_mean", None)
    row = dict(zip(verdicts.COLUMNS, values, strict=True))
    (tmp_path / "old").mkdir()
    (tmp_path / "old/run.json").write_text('{"schema": 1}', encoding="utf-8")
    code, _, err = run("--run", "old")
    assert code == 2
    assert "claims.parquet: expected a table of the run; it has none" in err
    write_claims([row], tmp_path / "old")
    code, out, _ = run("pytorch_examples", "--run", "old", "--json")
    assert code == 0
    found = {symbol["code"]: symbol["verified"] for symbol in json.loads(out)["symbols"]}
    assert found["mu"] == ["keras-jax"]
    assert found["logvar"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--role", "nothing"), 2, "role 'nothing': expected one of posterior_mean"),
        (("nobody_2020",), 2, "notation 'nobody_2020': expected one of"),
        (("pytorch_examples", "--compare"), 2, "--compare: expected two notations; found 1"),
        (("pytorch_examples", "--backend", "keras-jax"), 3, "pip install 'elbostone[keras-jax]'"),
    ],
)
def test_wrong_usage(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, message: str
) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    found, _, err = run(*arguments)
    assert (found, err.count("\n")) == (code, 1)
    assert message in err


def test_without_a_backend_nothing_is_verified(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    code, out, _ = run("pytorch_examples", "--json")
    assert code == 0
    assert all(not s["verified"] and s["refuted"] == [] for s in json.loads(out)["symbols"])
