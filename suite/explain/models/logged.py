"""Which number does a model print on the user's data, and what is the ELBO of the same tensors in nats?"""

from __future__ import annotations

import math

import numpy as np

from ..answer import Logged
from ..dictionary.formula import Array
from ..investigation import Investigation
from ..lab import LossFailed
from .cut import CutLoss
from .run import INPUT, Setting

CHUNKS = 12
"""The largest number of batches that are run."""


def logged(found: Investigation, loss: CutLoss, variance: float, data: Array) -> Logged | None:
    """Run the untrained model on the first rows of data; None if it does not take them, or a term has a fault.

    Args:
        found: the results of the experiments on the model's loss.
        loss: the model's loss on its own tensors.
        variance: the decoder's variance, if the data term is a squared error.
        data: the data, [rows, …].
    """
    flow, layout, sizes = loss.flow, found.lab.binding.layout, loss.flow.run.x.shape
    axis = flow.batch[0]
    per_row = flow.run.x.size // sizes[axis]
    recon, kl = found.recon, found.kl
    if recon is None or kl is None or recon.edited or kl.edited or flow.draws != 1 or data[0].size != per_row:
        return None
    squared = recon.term.formula.name == "squared-error"
    rows = data[: CHUNKS * sizes[axis]]
    batches = [rows[at : at + sizes[axis]] for at in range(0, len(rows) - sizes[axis] + 1, sizes[axis])]
    printed, nats = [], []
    kept = [size for place, size in enumerate(sizes) if place != axis]
    for batch in batches:
        x = np.moveaxis(batch.reshape(sizes[axis], *kept), 0, axis)
        try:
            run = loss.runner.run(x, Setting())
        except LossFailed:
            return None
        places = {**loss.places(), "x": INPUT}
        shapes = {role: layout.shape(role, found.lab.sizes) for role in places}
        values = {role: loss.canonical(role, run.value(place), shapes[role]) for role, place in places.items()}
        printed.append(sum(float(np.sum(run.terms[name])) for name in found.lab.total))
        misfit = recon.term.value(values, layout) / (variance if squared else 1.0)
        nats.append((misfit + kl.term.value(values, layout)) / len(batch))
    if not batches:
        return None
    normaliser = 0.5 * per_row * math.log(2 * math.pi * variance) if squared else 0.0
    mean = float(np.mean(nats)) + normaliser
    return Logged(float(np.mean(printed)), mean, mean / (per_row * math.log(2)), len(batches) * sizes[axis])
