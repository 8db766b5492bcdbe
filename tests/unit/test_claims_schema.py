"""Every field that notation.toml may have is executed by a check that there is, or is said to be prose."""

import re
from pathlib import Path

import pytest

from elbostone.claims.judge import verdicts
from elbostone.claims.judge.schema import FIELDS, PROSE, entries
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notations
from elbostone.notations.toml_table import Table

CHECKS = {function.__name__ for function in (*verdicts.STATIC, *verdicts.EXECUTED)} | {"notation_file"}


@pytest.fixture
def fields_read(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Table → the fields that the parser asks for, while the test's notations are read."""
    read: dict[str, set[str]] = {}
    finish = Table.finish

    def recording(self: Table) -> None:
        read.setdefault(re.sub(r"\[\d+\]", "", self.name), set()).update(self._known)
        finish(self)

    monkeypatch.setattr(Table, "finish", recording)
    return read


def test_no_field_of_the_parser_is_forgotten(fields_read: dict[str, set[str]]) -> None:
    for notation in notations().values():
        load_notation(notation.path, notation.id)
    tables = {name: names for name, names in fields_read.items() if name and not name.endswith("when")}
    assert {"source", "model", "supports", "methods", "objective", "symbols", "weights", "claims"} <= tables.keys()
    for table, names in tables.items():
        known = FIELDS[table]
        missing = set() if "*" in known else names - known.keys()
        assert not missing, f"{table}: {sorted(missing)} are neither executed nor said to be prose"


def test_no_field_is_listed_that_the_parser_does_not_know(fields_read: dict[str, set[str]]) -> None:
    for notation in notations().values():
        load_notation(notation.path, notation.id)
    for table, known in FIELDS.items():
        if table in fields_read and "*" not in known:
            assert set(known) <= fields_read[table], table


def test_what_executes_a_field_is_a_check() -> None:
    for table, known in FIELDS.items():
        for field, how in known.items():
            assert how == PROSE or how in CHECKS, f"{table}.{field}: {how}"


def test_a_notation_has_an_entry_per_symbol_row_and_claim() -> None:
    notation = notations()["kingma_welling_2013"]
    found = [entry.where for entry in entries(notation)]
    assert len(found) == 4 + len(notation.symbols) + len(notation.weights) + len(notation.claims)
    assert "symbol θ" in found
    assert "claims p_θ(z)" in found


def test_an_unknown_table_is_refused_by_name(tmp_path: Path) -> None:
    """[names] is the one table whose keys a source chooses; its values are prose."""
    text = notations()["kingma_welling_2013"].path.read_text(encoding="utf-8")
    path = tmp_path / "notation.toml"
    path.write_text(text.replace('"g_φ" = "', '"g_φ" = 3 #', 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"names.g_φ: expected text; found 3"):
        load_notation(path, "planted")
