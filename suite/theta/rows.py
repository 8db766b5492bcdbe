"""What `elbostone theta` found with all digits, one row per fact, as files and `--json` have it."""

from __future__ import annotations

from typing import Any

from .cases import block_of
from .judge.answer import Answer


def long_tables(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    """Table → its rows."""
    return {
        "dependency": [
            {
                "case": e.case,
                "row": e.row,
                "weight": e.weight,
                "block": block_of(e.weight),
                "reads": e.reads,
                "holds": e.holds,
            }
            | {f"norm_{source}": norm for source, norm in e.norms.items()}
            for e in answer.dependencies
        ],
        "joint": [
            {"case": r.case, "factor": r.factor, "exchanged": r.exchanged, "ignored": r.ignored, "holds": r.holds}
            | {"tolerance_nats": r.tolerance}
            | {f"residual_nats_{source}": value for source, value in r.residuals.items()}
            for r in answer.residuals
        ],
        "totals": [
            {"case": t.case, "holds": t.holds, "tolerance": t.tolerance}
            | {f"excess_{source}": value for source, value in t.excess.items()}
            for t in answer.totals
        ],
        "trainings": [
            {"regime": s.regime, "readout": s.readout, "seed": s.seed, "verdict": s.verdict}
            | {"standard_error_nats": s.error, "tolerance_nats": s.tolerance}
            | {f"held_out_nats_{backend}": nats for backend, nats in s.nats.items()}
            for s in answer.scores
        ],
        "statements": [{**vars(s), "verdict": s.verdict} for s in answer.statements],
        "readings": [vars(r) for r in answer.readings],
        "sources": [vars(s) for s in answer.sources],
        "agreement": [vars(a) for a in answer.agreements],
    }
