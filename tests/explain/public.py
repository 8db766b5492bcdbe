"""Explain the losses of public reports for the page: `python tests/explain/public.py` writes `explained.json` anew."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, NamedTuple

from elbostone.explain.answer import Answer
from elbostone.explain.phase import asked, explained_in_one_worker
from elbostone.explain.text import facts

ROOT = Path(__file__).parents[2]
LOSSES = ROOT / "examples" / "losses" / "public.py"
TABLE = ROOT / "suite" / "page" / "assets" / "explained.json"


class Report(NamedTuple):
    """A report's address below github.com, its loss in LOSSES, and the sizes at which it is explained."""

    source: str
    entry: str
    at: dict[str, float]


REPORTS = (
    Report("keras-team/keras/issues/4538", "keras_4538", {"D": 784}),
    Report("keras-team/keras-io/issues/270", "keras_io_270", {"J": 2}),
    Report("pytorch/examples/issues/234", "pytorch_examples_234", {"N": 96, "D": 784}),
    Report("AntixK/PyTorch-VAE/issues/40", "pytorch_vae_40", {"D": 12288}),
    Report("deepchem/deepchem/issues/4888", "deepchem_4888", {}),
    Report("clementchadebec/benchmark_VAE/issues/104", "benchmark_vae_104", {}),
    Report("ctallec/world-models/issues/8", "world_models_8", {"J": 32}),
    Report("pyro-ppl/pyro/issues/1852", "Pyro1852().loss(x)", {}),
)


def rows() -> list[dict[str, Any]]:
    """The page's row of each report, in their order.

    Raises:
        AssertionError: a loss has no answer.
    """
    wanted = [asked(f"{LOSSES}:{report.entry}", report.at, {}, {}) for report in REPORTS]
    about = {
        node.name: ast.get_docstring(node)
        for node in ast.parse(LOSSES.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    found = []
    for report, outcome in zip(REPORTS, explained_in_one_worker(wanted, 300.0), strict=True):
        assert outcome.answer is not None, f"{report.entry}: {outcome.bad_input or outcome.raised}"
        name = report.entry.partition("(")[0]
        found.append({"source": report.source, "entry": report.entry, "about": about[name], **_said(outcome.answer)})
    return found


def _said(answer: Answer) -> dict[str, Any]:
    shown = dict(facts(answer))
    change = answer.change
    return {
        "sentence": answer.sentence,
        "fault": answer.bug is not None,
        "formula": answer.formula,
        "beta": shown.get("beta in effect"),
        "notes": [finding.sentence for finding in answer.findings],
        "change": None if change is None else [change.before.strip(), change.after.strip()],
    }


if __name__ == "__main__":
    TABLE.write_text(json.dumps(rows(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
