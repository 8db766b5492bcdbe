"""`elbostone.api`: the verbs of the command line as functions, with the same options; it is loaded on first use."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import elbostone
from elbostone.backends import table as backends
from elbostone.claims.command import symbols
from elbostone.claims.judge import verdicts
from elbostone.claims.judge.evidence import Violation
from elbostone.notations import registry
from elbostone.reference.errors import BadInput, EnvironmentLacks
from elbostone.runs.check import check
from elbostone.theta.command import theta
from elbostone.theta.judge.answer import Answer
from elbostone.theta.records import ThetaRecord
from elbostone.theta.tables import answer_tables
from elbostone.workers.records import Cell

api = elbostone.api
TWO = ["kingma_welling_2013", "pytorch_examples"]
CELL = Cell("theta", "kingma_welling_2013", "torch", "torch", "cpu", "float64", "eager")
LIGHT = """
import sys
import elbostone
heavy = ("pandas", "numpy", "typer", "torch", "keras", "tensorflow", "jax", "elbostone.api")
print([name for name in heavy if name in sys.modules], "api" in dir(elbostone))
elbostone.api.notations()
print([name for name in ("torch", "keras", "tensorflow", "jax") if name in sys.modules], "pandas" in sys.modules)
"""


def test_the_package_is_light_until_its_api_is_used(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[] True", "[] True"]


def test_the_command_line_starts_without_what_takes_seconds() -> None:
    slow = ("scipy.stats", "sklearn", "torch", "tensorflow", "jax", "keras")
    code = f"import sys, elbostone.cli; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'elbostone' has no attribute 'nothing'"):
        elbostone.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("function", "command", "alone"),
    [
        (api.check, check, {"out", "resume", "as_json"}),
        (api.symbols, symbols, {"as_equations", "as_json", "named"}),
        (api.theta, theta, {"train", "out", "as_json"}),
    ],
)
def test_options_have_the_names_of_the_command(
    function: Callable[..., Any], command: Callable[..., None], alone: set[str]
) -> None:
    names = inspect.signature(function).parameters
    assert set(names) - {"executed"} == set(inspect.signature(command).parameters) - alone
    kinds = {parameter.kind for parameter in list(names.values())[1:]}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY}
    assert all(name in api.__all__ for name in (function.__name__,))


def test_every_public_name_is_there() -> None:
    assert all(hasattr(api, name) for name in api.__all__)


def test_notations_are_rows() -> None:
    table = api.notations()
    assert list(table.index) == list(registry.notations())
    prince = table.loc["prince_2023"]
    assert (prince["year"], prince["title"]) == (2023, "Understanding Deep Learning")
    assert prince["θ names"] == "encoder"
    assert table.loc["kingma_welling_2013", "θ names"] == "decoder"
    assert prince["likelihood"] == ("gaussian-fixed",)
    assert prince["frameworks"] == ("torch", "keras")


def test_symbols_without_running_anything() -> None:
    table = api.symbols(symbol="θ", executed=False)
    meanings = {row.notation: row.role for row in table.itertuples()}
    assert meanings["prince_2023"] == "inference_weights"
    assert meanings["kingma_welling_2013"] == "generative_weights"
    assert not table["verified"].any()

    pair = api.symbols(TWO, compare=True, executed=False)
    assert list(pair.columns) == ["role", *TWO, "verified"]
    assert any(str(printed).startswith("logvar (log_variance) [encode") for printed in pair["pytorch_examples"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: api.implementation("nobody_2020", "torch"), "notation 'nobody_2020': expected one of"),
        (lambda: api.implementation("prince_2023", "caffe"), "framework 'caffe': expected one of torch, keras"),
        (lambda: api.symbols(role="nothing"), "role 'nothing': expected one of"),
        (lambda: api.symbols("prince_2023", compare=True), "compare: expected two notations; found 1"),
        (lambda: api.symbols(run="nowhere"), "nowhere"),
        (lambda: api.claims("nobody_2020"), "notation 'nobody_2020': expected one of"),
        (lambda: api.check("nowhere.json"), "nowhere.json: cannot be read"),
        (lambda: api.check(dtype="float8"), "dtype 'float8': expected one of"),
        (lambda: api.theta(backend="caffe"), "backend 'caffe': expected one of"),
    ],
)
def test_bad_input_is_an_exception(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        call()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: api.implementation("prince_2023", "torch"),
        lambda: api.check(backend="torch"),
        lambda: api.claims("prince_2023", backend="torch"),
        lambda: api.theta(backend="torch"),
    ],
)
def test_what_is_not_installed_is_an_exception(call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentLacks, match=r"pip install 'elbostone\[torch\]'"):
        call()


@pytest.mark.backend("torch")
def test_the_class_of_a_notation_builds_a_model() -> None:
    import torch

    network = api.implementation("prince_2023", "torch")
    bound = network(data_dim=6, D_z=2, hidden=(3,))(torch.zeros(4, 6))
    assert bound.shape == (4,)


@pytest.mark.backend("torch")
def test_check_and_claims_find_what_the_commands_find() -> None:
    checked = api.check(notation=TWO, backend="torch", dtype="float64")
    assert checked.passed
    assert set(checked.cells["notation"]) == set(TWO)
    assert set(checked.cells["verdict"]) <= {"equal", "unsupported"}
    assert (checked.tensors["verdict"] == "equal").sum() > 20
    assert repr(checked).startswith("cells: ")
    assert "claims: " in checked._repr_html_()

    claims = api.claims(TWO[0], backend="torch")
    of_check = checked.claims[checked.claims["notation"] == TWO[0]]
    assert claims[["symbol", "field", "verdict"]].equals(
        of_check[["symbol", "field", "verdict"]].reset_index(drop=True)
    )


@pytest.mark.backend("torch")
def test_what_does_not_hold_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    lie = Violation("pytorch_examples", "symbol mu", ("scale",), "scale sd", "scale log_sd")
    monkeypatch.setattr(verdicts, "violations", lambda notation, facts, sources: [lie])
    checked = api.check(notation="pytorch_examples", backend="torch", dtype="float64")
    assert not checked.passed
    assert "differs" in repr(checked).splitlines()[1]
    table = api.symbols("pytorch_examples", role="posterior_mean", backend="torch")
    assert [(row.verified, row.refuted) for row in table.itertuples()] == [([], ["torch"])]


def test_theta_is_an_answer(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "torch": ThetaRecord(cell=CELL, status="ok"),
        "keras-jax": ThetaRecord(cell=replace(CELL, backend="keras-jax"), status="failed", reason="why"),
    }
    monkeypatch.setattr(api, "answer_with", lambda *args, **kwargs: (answer, found))
    shown = api.theta()
    assert shown.holds
    assert shown.conclusions == tuple(answer.conclusions)
    assert repr(shown) == "\n".join(answer.conclusions)
    tables = answer_tables(answer, {"keras-jax": "failed: why"})
    assert {title: table.shape for title, table in shown.tables.items()} == {
        table.title: (len(table.rows), len(table.columns)) for table in tables
    }
    assert any("failed: why" in table.to_string() for table in shown.tables.values())
    assert all(f"<h4>{table.title}</h4>" in shown._repr_html_() for table in tables)


def test_theta_that_nothing_could_compute_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"torch": ThetaRecord(cell=CELL, status="failed", reason="out of memory")}
    monkeypatch.setattr(api, "answer_with", lambda *args, **kwargs: (None, found))
    with pytest.raises(EnvironmentLacks, match="nothing was computed: failed: out of memory"):
        api.theta()
