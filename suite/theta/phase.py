"""`elbostone theta`: write the workers' inputs, run the workers, judge their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..backends.table import BACKENDS
from ..notations.notation import Notation
from ..reference.problem import Problem, save_problem, save_tensors
from ..workers.pool import OnRecord
from . import digits, expected
from .cases import all_cases
from .judge.answer import Answer, Expected, answer_of
from .judge.sources import source_line
from .judge.trained import scores
from .plan import split_digits
from .records import ThetaRecord
from .start import run_backends, tensors_of
from .trainings import Trained

HeldClaims = Callable[[str, Path], Iterable[tuple[Notation, set[str]]]]


def compute(
    backends: Sequence[str],
    trained: Trained,
    scratch: Path,
    *,
    held_claims: HeldClaims,
    timeout_s: float,
    on_record: OnRecord,
) -> tuple[Answer | None, dict[str, ThetaRecord]]:
    """Run every backend and judge; no answer where none could run.

    Args:
        backends: by name.
        trained: the weights of the readings' models, and the records of the trainings.
        scratch: an empty folder for the workers' files.
        held_claims: (backend, empty folder) → each notation with its printed distributions whose claims hold.
        timeout_s: how long one worker may take.
        on_record: called with each backend's record as it comes.
    """
    inputs, workers = scratch / "inputs", scratch / "workers"
    run = partial(run_backends, backends, workers, inputs, {}, timeout_s=timeout_s, on_record=on_record)
    if all(BACKENDS[name].lacking() for name in backends):
        return None, run()
    problems = digits.problems(trained.weights, split_digits()[1])
    write_inputs(problems, inputs)
    with ThreadPoolExecutor(max_workers=1) as beside:  # the reference is computed while the workers run
        running = beside.submit(run)
        against = Expected(
            expected.truth_of(all_cases()),
            expected.expectations(problems, digits.latents(), digits.fitted()),
            problems["learned"],
        )
        records = running.result()
    tensors = {name: tensors_of(record, workers) for name, record in records.items() if record.status == "ok"}
    if not tensors:
        return None, records
    sources = [source_line(notation, held) for notation, held in held_claims(next(iter(tensors)), scratch / "claims")]
    return answer_of(against, tensors, tensors, scores(trained.records), trained.origin, sources), records


def write_inputs(problems: Mapping[str, Problem], folder: Path) -> None:
    """Write the inputs of the task `readings`."""
    for problem in (*problems.values(), digits.gaussian()):
        save_problem(problem, folder)
    save_tensors(digits.latents(), folder / "latents.safetensors")
    save_tensors(digits.fitted(), folder / "fitted.safetensors")
