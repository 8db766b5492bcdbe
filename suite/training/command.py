"""`elbostone train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..backends.base import cpu_count
from ..backends.table import BACKENDS
from ..notations.registry import packages
from ..notations.weight_maps import weight_maps
from ..notations.writing import written_by
from ..reference.arithmetic import Exact
from ..reference.errors import BadInput
from ..reference.problem import save_problem
from ..report.console import print_json, print_table, progress, shown_path, stderr
from ..report.options import TIMEOUT_S, AsJson, Backends, Notations, Out, Timeout, select
from ..report.tables import exit_code
from ..workers.pool import run_plan
from ..workers.records import Cell
from ..workers.run_folder import create_run
from ..workers.selection import Plan, Selection
from .ascent import EPOCHS, MODELS, problem_of, train_reference
from .records import CurveRecord, TrainingTask
from .tables import PANELS, TITLE, latents, panels, pixels, rows_of, shown, write_training

Epochs = Annotated[int, typer.Option(help="Passes over the digits.", min=1)]


def train(
    notation: Notations = None,
    backend: Backends = None,
    epochs: Epochs = EPOCHS,
    out: Out = Path("reports"),
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Train every implementation on the digits, from the same weights with the same draws, and compare their curves."""
    selection = select(notation, backend, "cpu", None, None)
    if not any(written_by(each, spec) for each in selection.notations for spec in MODELS.values()):
        chosen = ", ".join(each.id for each in selection.notations)
        raise BadInput(f"--notation: expected a source with weights in a {' or '.join(MODELS)} p(x|z); found {chosen}")
    problems = {name: problem_of(name) for name in MODELS}
    options = {"verb": "train", "notations": notation or [], "backends": backend or [], "epochs": epochs}
    folder = create_run(out, options | {"timeout_s": timeout})
    files = {name: save_problem(problem, folder.problems) for name, problem in problems.items()}
    plan = plan_trainings(selection, files, epochs)
    with progress("training", plan.total) as advance:
        run_plan(plan, folder.path, cpus=cpu_count(), timeout_s=timeout, on_record=advance)
    with stderr.status("the training runs of the reference, and their rounding error"):
        rows = rows_of(folder.records_of(CurveRecord), problems, epochs)
        _, trained = train_reference(problems["bernoulli"], "elbo", Exact(), epochs)
    write_training(rows, pixels(problems["bernoulli"], trained), latents(problems["bernoulli"], trained), folder.path)
    found = panels(rows)
    if as_json:
        print_json({"schema": 1, "run": str(folder.path), "panels": found, "training": rows})
    else:
        print_table(TITLE, PANELS, [tuple(shown(row[name]) for name in PANELS) for row in found])
    stderr.print(f"tables: {shown_path(folder.path)}/training.md, with .csv and .parquet", soft_wrap=True)
    raise typer.Exit(exit_code(rows))


def plan_trainings(selection: Selection, files: dict[str, Path], epochs: int) -> Plan:
    """A training per model, backend and notation that writes the model.

    Args:
        selection: the notations and the backends.
        files: problem files by model.
        epochs: epochs of each training.
    """
    plan, where = Plan(), packages()
    for backend in (BACKENDS[name] for name in selection.backends or BACKENDS):
        # Eager steps of TensorFlow and JAX would take most of the time.
        mode = "compiled" if backend.framework == "keras" and "compiled" in backend.modes else "eager"
        for model, file in files.items():
            for notation in selection.notations:
                if (written := written_by(notation, MODELS[model])) is None:
                    continue
                cell = Cell(model, notation.id, backend.framework, backend.name, "cpu", "float64", mode)
                if backend.lacking():
                    plan.settled.append(CurveRecord(cell=cell, status="missing", reason=backend.remedy()))
                    continue
                weight_maps(notation, backend.framework, written.target)  # raises BadInput: the table is wrong
                task = TrainingTask(cell, str(file.absolute()), where[notation.id], str(notation.path), epochs)
                plan.tasks.append(task)
    return plan
