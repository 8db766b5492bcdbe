"""The page's table of public losses agrees with their answers of today."""

import ast
import json

import pytest
from explain.public import LOSSES, REPORTS, TABLE, rows


@pytest.mark.backend("torch")
def test_the_table_is_what_is_explained() -> None:
    assert rows() == json.loads(TABLE.read_text(encoding="utf-8")), "python tests/explain/public.py writes it anew"


def test_every_loss_of_the_file_is_in_the_table() -> None:
    """The table has a fault for each report that was right, and none for a report that was wrong."""
    table = {row["entry"]: row for row in json.loads(TABLE.read_text(encoding="utf-8"))}
    assert list(table) == [report.entry for report in REPORTS]
    tree = ast.parse(LOSSES.read_text(encoding="utf-8"))
    written = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert written == {entry.partition("(")[0] for entry in table}
    assert [entry for entry, row in table.items() if row["fault"]] == ["pytorch_examples_234", "Pyro1852().loss(x)"]
    assert table["keras_4538"]["change"] is None
