"""`elbostone theta`: write what the workers need, run them, judge what they return."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..analysis.theta import digits as digits_analysis
from ..analysis.theta.answer import Answer, Expected, answer_of
from ..analysis.theta.sources import source_line
from ..analysis.theta.trained import scores
from ..analysis.theta.truth import truth_of
from ..definition.errors import BadInput
from ..definition.problem import Array, Problem, read_tensors, save_problem, save_tensors
from ..definition.registry import notations
from ..definition.theta import digits
from ..definition.theta.cases import all_cases
from ..definition.theta.training import SEEDS, split_digits, trainings
from ..execution.backends import BACKENDS
from ..execution.theta.start import Outcome, run_jobs

TRAINED = Path(__file__).parent.parent / "trained"
"""What `elbostone theta --train` made and was committed: part of the package."""
RECORDS, WEIGHTS = "theta.json", "theta.safetensors"
TRAIN = "elbostone theta --train"
SCHEMA = 1
KEPT = ("learned", "frozen")
"""Regimes whose weights are kept, of the first seed: the readings are of these models."""

OnOutcome = Callable[[Outcome], None]


@dataclass(frozen=True)
class Trained:
    """The trainings: one record per training and readout, and the weights of `KEPT` by canonical name."""

    records: list[dict[str, Any]]
    weights: dict[str, dict[str, Array]]
    origin: str


def load_trained(folder: Path = TRAINED) -> Trained:
    """Committed trainings.

    Raises:
        BadInput: they cannot be read, or are newer than this reader.
    """
    path = folder / RECORDS
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: expected the trainings that '{TRAIN}' writes; {error}") from None
    if document["schema"] > SCHEMA:
        raise BadInput(f"{path}: expected schema {SCHEMA} or older; found {document['schema']}")
    tensors = read_tensors(folder / WEIGHTS)
    weights = {
        name: {n.removeprefix(f"{name}/"): t for n, t in tensors.items() if n.startswith(f"{name}/")} for name in KEPT
    }
    return Trained(document["trainings"], weights, f"trained once: {document['command']}")


def train(
    backends: Sequence[str], scratch: Path, folder: Path, *, timeout_s: float, on_outcome: OnOutcome
) -> tuple[Trained, dict[str, Outcome]]:
    """Train everything in every backend; rounding is measured in the first that is installed.

    Args:
        backends: by name.
        scratch: for the workers' files.
        folder: where `theta.json` and `theta.safetensors` are written.
        timeout_s: how long one backend may take.
        on_outcome: called with each backend's outcome as it comes.

    Raises:
        BadInput: no backend could train.
    """
    inputs = scratch / "inputs"
    inputs.mkdir(parents=True)
    train_set, held_out = split_digits()
    save_tensors({"train": train_set, "held_out": held_out}, inputs / "digits.safetensors")
    first = next((name for name in backends if not BACKENDS[name].lacking()), None)
    jobs = {
        name: {
            "tasks": ["trainings"],
            "inputs": str(inputs),
            "trainings": [asdict(training) for training in trainings(moved=name == first)],
        }
        for name in backends
    }
    outcomes = run_jobs(jobs, scratch, timeout_s=timeout_s, on_outcome=on_outcome)
    done = [outcome for outcome in outcomes.values() if outcome.status == "ok"]
    if not done:
        reasons = "; ".join(f"{o.backend}: {o.status}: {o.reason}" for o in outcomes.values())
        raise BadInput(f"nothing was trained: {reasons}")
    weights = {name: read_tensors(done[0].folder / f"{name}-{SEEDS[0]}-None.safetensors") for name in KEPT}
    records = [record for outcome in done for record in outcome.record["trainings"]]
    document = {
        "schema": SCHEMA,
        "command": TRAIN,
        "versions": {outcome.backend: outcome.record["versions"] for outcome in done},
        "trainings": records,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORDS).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    save_tensors({f"{n}/{w}": t for n, own in weights.items() for w, t in own.items()}, folder / WEIGHTS)
    return Trained(records, weights, "trained now"), outcomes


def compute(
    backends: Sequence[str], trained: Trained, scratch: Path, *, timeout_s: float, on_outcome: OnOutcome
) -> tuple[Answer | None, dict[str, Outcome]]:
    """Run every backend and judge; no answer where none could run.

    Args:
        backends: by name.
        trained: the weights of the readings' models, and the records of the trainings.
        scratch: an empty folder for the workers' files.
        timeout_s: how long one worker may take.
        on_outcome: called with each backend's outcome as it comes.
    """
    problems = digits.problems(trained.weights, split_digits()[1])
    inputs = scratch / "inputs"
    write_inputs(problems, inputs)
    jobs = {name: {"tasks": ["densities", "readings"], "inputs": str(inputs)} for name in backends}
    with ThreadPoolExecutor(max_workers=1) as beside:  # the truth is computed while the workers run
        running = beside.submit(run_jobs, jobs, scratch / "workers", timeout_s=timeout_s, on_outcome=on_outcome)
        expected = Expected(
            truth_of(all_cases()),
            digits_analysis.expectations(problems, digits.latents(), digits.fitted()),
            problems["learned"],
        )
        outcomes = running.result()
    done = [outcome for outcome in outcomes.values() if outcome.status == "ok"]
    if not done:
        return None, outcomes
    small, vae = (
        {o.backend: read_tensors(o.folder / f"{task}.safetensors") for o in done} for task in ("densities", "readings")
    )
    sources = [source_line(notation) for notation in notations().values()]
    return answer_of(expected, small, vae, scores(trained.records), trained.origin, sources), outcomes


def write_inputs(problems: Mapping[str, Problem], folder: Path) -> None:
    """What the task `readings` reads."""
    for problem in (*problems.values(), digits.gaussian()):
        save_problem(problem, folder)
    save_tensors(digits.latents(), folder / "latents.safetensors")
    save_tensors(digits.fitted(), folder / "fitted.safetensors")
