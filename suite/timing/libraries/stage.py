"""A stage of another library, with the interface of every timed stage."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Binding, Graphs
from ...backends.table import precision
from ...reference import oracle
from ...reference.problem import Problem
from ...workers.evaluation import OBJECTIVE
from ...workers.records import Cell
from ..measure.stages import ADAM_BETA_1, Stage
from .base import LibraryRun
from .table import LIBRARIES, NOISE, Library, Variant, supports

Array = NDArray[Any]


class LibraryStage(Stage):
    """One stage of another library. It has no subject, since the library has its model and draws its noise.

    Attributes:
        variant: the timed variant, with whose bound the outputs are compared.
    """

    def __init__(self, binding: Binding, library: Library, variant: Variant, run: LibraryRun, batch: int):
        self.latest: Any = None
        self.images = batch
        self.binding, self.library, self.variant, self.run = binding, library, variant, run
        self.calls = 0

    def __call__(self) -> Any:
        outputs = self.run() if self.calls else self.run.first()
        self.binding.synchronize((outputs, self.run.pending()))
        self.calls += 1
        self.latest = outputs
        return outputs

    def tensors(self, outputs: Any) -> dict[str, Array]:
        """The objective [], its noise [sample, batch, latent], and the gradients, from Adam's first moments.

        Raises:
            ValueError: the outputs are of a later call: only the noise of a first call is known.
        """
        if self.calls != 1:
            raise ValueError(
                f"{self.library.name}: only the first call after `restore` is replayed; found {self.calls}"
            )
        found = {
            OBJECTIVE: np.asarray(self.library.total_bound(float(outputs), self.images)),
            NOISE: self.run.noise().astype(np.float64)[None],
        }
        for name, moment in self.run.first_moments().items():
            slope = moment.astype(np.float64) / (1 - ADAM_BETA_1)
            found[f"gradient/{name}"] = np.asarray(slope * self.library.total_bound(1.0, self.images))
        return found

    def graphs(self) -> Graphs | None:
        return None if self.run.compiled is None else self.binding.graphs(self.run.compiled)

    def restore(self) -> None:
        self.run.restore()
        self.calls = 0

    def where(self, outputs: Any) -> tuple[str, str]:
        return self.binding.where(self.run.weight())


def make_library_stage(binding: Binding, cell: Cell, problem: Problem, stage: str, variant: str) -> LibraryStage:
    """A stage of another library on a problem's data and weights.

    Args:
        binding: the binding of the library's host backend.
        cell: a cell of mode `peer`; its notation is the library's name.
        problem: the source of x and weights; the noise is the library's.
        stage: `elbo` or `training_step`.
        variant: a name of the library's table.

    Raises:
        ValueError: the library has no such model, or the dtype is not float32.
    """
    library = LIBRARIES[cell.notation]
    if not supports(problem.spec):
        raise ValueError(f"{library.name}: expected one hidden layer of ReLU and a Bernoulli; found {problem.spec}")
    if cell.dtype != "float32":
        raise ValueError(f"{library.name}: expected dtype float32; found {cell.dtype}")
    problem = oracle.rounded(problem, precision(cell.dtype))
    chosen = library.variant(stage, variant)
    run = import_module(f".{library.module}", __package__).open_run(binding, problem, stage, chosen.name)
    return LibraryStage(binding, library, chosen, run, len(problem.x))
