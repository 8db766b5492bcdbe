"""Claims in a worker: the facts of every notation of a job, one record each."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from ..backends import Binding
from ..notations.reader import load_notation
from ..reference.problem import save_tensors
from ..workers.records import Append
from ..workers.tasks import TasksAsked, active_of, run_each
from .gather import gather
from .records import ClaimsRecord, ClaimsTask

Asked = TasksAsked[ClaimsTask]


def measure(binding: Binding, asked: TasksAsked[ClaimsTask], append: Append) -> None:
    """Gather the facts of all cells; their tensors go to the folder that is asked for."""
    run_each(asked.tasks, partial(_gather, binding, Path(asked.tensors)), append)


def _gather(binding: Binding, folder: Path, task: ClaimsTask) -> ClaimsRecord:
    cell = task.cell
    notation = load_notation(Path(task.notation_file), cell.notation)
    facts = gather(binding, notation, import_module(f"{task.package}.{cell.framework}_vae"))
    path = folder / f"{cell.key}.safetensors"
    save_tensors(facts.tensors, path)
    active = active_of(binding, facts.device, facts.dtype)
    return ClaimsRecord(cell=cell, status="ok", facts=facts.plain(), tensors=path.name, active=active)
