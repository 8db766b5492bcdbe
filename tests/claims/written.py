"""A notation.toml with a planted error, written to disk and run for real by the workers of the suite."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claims.false_claim import Lie
from claims.gathered import complaints

from elbostone.backends.table import BACKENDS
from elbostone.claims.facts import ClaimsRecord, ClaimsTask, facts_of
from elbostone.claims.judge.evidence import Violation
from elbostone.notations.notation import Notation
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import packages
from elbostone.reference.errors import BadInput
from elbostone.reference.problem import read_tensors
from elbostone.workers.pool import run_plan
from elbostone.workers.records import CLAIMS, Cell
from elbostone.workers.selection import Plan


def as_toml(value: Any) -> str:
    """A document of tables, lists, texts and numbers as TOML; JSON's texts are TOML's too."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(name, ensure_ascii=False)} = {as_toml(entry)}" for name, entry in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(as_toml(entry) for entry in value)}]"
    return json.dumps(value, ensure_ascii=False)


def run_for_real(planted: Sequence[tuple[Notation, Lie]], backend: str, folder: Path) -> list[list[Violation] | str]:
    """For each planted error what a run of it violates; the message alone where the file is refused."""
    results: dict[int, list[Violation] | str] = {}
    tasks, files = [], {}
    for i, (notation, lie) in enumerate(planted):
        files[i] = folder / f"{i}" / "notation.toml"
        files[i].parent.mkdir()
        lines = [f"{json.dumps(name, ensure_ascii=False)} = {as_toml(value)}" for name, value in lie.document.items()]
        files[i].write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            load_notation(files[i], notation.id)
        except BadInput as error:
            results[i] = f"{notation.id}: {error}"
            continue
        cell = Cell(f"{CLAIMS}{i}", notation.id, BACKENDS[backend].framework, backend, "cpu", "float64", "eager")
        tasks.append(ClaimsTask(cell, packages()[notation.id], str(files[i])))
    records: list[ClaimsRecord] = []
    run_plan(Plan(tasks), folder, cpus=1, timeout_s=300, on_record=records.append)
    for record in records:
        assert record.status == "ok", record.reason
        i = int(record.cell.problem.removeprefix(CLAIMS))
        facts = facts_of(record.facts, read_tensors(folder / "tensors" / record.tensors))
        source = planted[i][0]
        false = load_notation(files[i], source.id)
        results[i] = list(complaints(false, facts, source))
    return [results[i] for i in range(len(planted))]
