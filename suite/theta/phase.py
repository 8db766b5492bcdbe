"""`elbostone theta`: write the workers' inputs, run the workers, judge their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..backends.table import BACKENDS
from ..notations.notation import Notation
from ..reference.problem import Problem, read_tensors, save_problem, save_tensors
from . import digits, expected
from .cases import all_cases
from .judge.answer import Answer, Expected, answer_of
from .judge.sources import source_line
from .judge.trained import scores
from .plan import split_digits
from .records import Asked
from .start import OnOutcome, Outcome, run_jobs
from .trainings import Trained

HeldClaims = Callable[[str, Path], Iterable[tuple[Notation, set[str]]]]


def compute(
    backends: Sequence[str],
    trained: Trained,
    scratch: Path,
    *,
    held_claims: HeldClaims,
    timeout_s: float,
    on_outcome: OnOutcome,
) -> tuple[Answer | None, dict[str, Outcome]]:
    """Run every backend and judge; no answer where none could run.

    Args:
        backends: by name.
        trained: the weights of the readings' models, and the records of the trainings.
        scratch: an empty folder for the workers' files.
        held_claims: (backend, empty folder) → each notation with its printed distributions whose claims hold.
        timeout_s: how long one worker may take.
        on_outcome: called with each backend's outcome as it comes.
    """
    inputs = scratch / "inputs"
    jobs = {name: Asked(str(inputs), str(scratch / "workers" / name)) for name in backends}
    if all(BACKENDS[name].lacking() for name in backends):
        return None, run_jobs(jobs, timeout_s=timeout_s, on_outcome=on_outcome)
    problems = digits.problems(trained.weights, split_digits()[1])
    write_inputs(problems, inputs)
    with ThreadPoolExecutor(max_workers=1) as beside:  # the reference is computed while the workers run
        running = beside.submit(run_jobs, jobs, timeout_s=timeout_s, on_outcome=on_outcome)
        against = Expected(
            expected.truth_of(all_cases()),
            expected.expectations(problems, digits.latents(), digits.fitted()),
            problems["learned"],
        )
        outcomes = running.result()
    done = [outcome for outcome in outcomes.values() if outcome.status == "ok"]
    if not done:
        return None, outcomes
    small, vae = (
        {o.backend: read_tensors(o.folder / f"{name}.safetensors") for o in done} for name in ("densities", "readings")
    )
    sources = [source_line(notation, held) for notation, held in held_claims(done[0].backend, scratch / "claims")]
    return answer_of(against, small, vae, scores(trained.records), trained.origin, sources), outcomes


def write_inputs(problems: Mapping[str, Problem], folder: Path) -> None:
    """Write the inputs of the task `readings`."""
    for problem in (*problems.values(), digits.gaussian()):
        save_problem(problem, folder)
    save_tensors(digits.latents(), folder / "latents.safetensors")
    save_tensors(digits.fitted(), folder / "fitted.safetensors")
