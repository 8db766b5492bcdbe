"""Every field that notation.toml may have is executed by a check that there is, or is said to be prose."""

from pathlib import Path

import pytest

from elbostone.claims.facts import ClaimsRecord, Facts
from elbostone.claims.judge import verdicts
from elbostone.claims.judge.evidence import Violation
from elbostone.claims.judge.schema import FIELDS, PROSE, entries
from elbostone.notations import rows, schema
from elbostone.notations.decode import fields_of
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notations
from elbostone.workers.records import CLAIMS, Cell

CHECKS = {function.__name__ for function in (*verdicts.STATIC, *verdicts.EXECUTED)}
TABLES = {
    "source": schema.Source,
    "model": schema.ModelTable,
    "supports": schema.Supports,
    "methods": schema.MethodsTable,
    "objective": schema.Objective,
    "symbols": schema.Symbol,
    "weights": rows.WeightTable,
    "misprints": schema.Misprint,
}
#: The key of an entry is a field too.
KEYS = {"symbols": {"code"}, "weights": {"canonical"}}


def test_every_table_of_the_schema_is_listed() -> None:
    assert (
        fields_of(schema.Document).keys()
        == FIELDS.keys()
        == {*TABLES, "layout", "other_objectives", "names", "letters"}
    )


@pytest.mark.parametrize("table", TABLES)
def test_every_field_is_executed_or_said_to_be_prose(table: str) -> None:
    known = fields_of(TABLES[table]).keys() | KEYS.get(table, set())
    assert "*" in FIELDS[table] or FIELDS[table].keys() == known


def test_what_executes_a_field_is_a_check() -> None:
    for table, known in FIELDS.items():
        for field, how in known.items():
            assert how == PROSE or how in CHECKS, f"{table}.{field}: {how}"


def test_a_notation_has_an_entry_per_symbol_tensor_and_claim() -> None:
    notation = notations()["kingma_welling_2013"]
    found = [entry.where for entry in entries(notation)]
    assert len(found) == 4 + len(notation.symbols) + len(notation.weights) + len(notation.claims)
    assert "symbol θ" in found
    assert "symbol θ.W_1" in found, "a row of weights prints it"
    assert "claims p_θ(z)" in found


def test_an_entry_that_fails_in_two_checks_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    notation = notations()["kingma_welling_2013"]
    false = [
        Violation(notation.id, "symbol θ", ("covers", "role"), "covers ['decoder.*']", "a set with dependence"),
        Violation(notation.id, "symbol θ", ("code", "role"), "covers ['decoder.*']", "no identifier"),
    ]
    monkeypatch.setattr(verdicts, "violations", lambda *_: false)
    cell = Cell(CLAIMS, notation.id, "torch", "torch", "cpu", "float64", "eager")
    record = ClaimsRecord(cell=cell, status="ok", facts=Facts("torch", "torch"), tensors="t")
    rows = verdicts.judge_claims(notation, record, lambda _: {}, {})
    assert len(rows) == len(list(entries(notation))), "as many as where all hold"
    (row,) = (row for row in rows if row["verdict"] == "differs")
    assert (row["symbol"], row["field"]) == ("symbol θ", "covers, role, code")
    assert (row["claimed"], row["found"]) == ("covers ['decoder.*']", "a set with dependence; no identifier")


def test_the_prose_of_a_name_is_text(tmp_path: Path) -> None:
    """[names] is the one table whose keys a source chooses; its values are prose."""
    text = notations()["kingma_welling_2013"].path.read_text(encoding="utf-8")
    path = tmp_path / "notation.toml"
    path.write_text(text.replace('"g_φ" = "', '"g_φ" = 3 #', 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"names\.g_φ: expected text; found 3"):
        load_notation(path, "planted")
