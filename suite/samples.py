"""The declared samples: which problems and cells the default commands run, and which `--full` adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from .definition.data import digits
from .definition.notation import Notation
from .definition.problem import Array, Problem
from .definition.random import random_weights
from .definition.spec import Spec
from .execution.backends import BACKENDS, DTYPES, MODES
from .execution.plan import Selection

Sample = list[tuple[Problem, tuple[Selection, ...]]]

BATCH = 128
SEED = 1


def problem_of(name: str, spec: Spec, x: Array, *, samples: int = 1, seed: int = SEED) -> Problem:
    """A problem with random weights and noise.

    Args:
        name: its name.
        spec: the model.
        x: [batch, data].
        samples: draws of noise per datum.
        seed: of weights and noise.
    """
    noise = np.random.default_rng(seed).standard_normal((samples, len(x), spec.latent_dim))
    return Problem(name, spec, x, noise, random_weights(spec, seed))


def digits_binarised(batch: int = BATCH) -> Problem:
    """The digits at 0.5, 64-32-8, tanh: what is also timed."""
    spec = Spec("mlp", "bernoulli", "standard", "tanh", (32,), 64, 8)
    return problem_of("digits-binarised", spec, digits(binarised=True)[:batch])


def digits_grey() -> Problem:
    """The grey digits, 64-32-8, ReLU, two draws of noise."""
    spec = Spec("mlp", "bernoulli", "standard", "relu", (32,), 64, 8)
    return problem_of("digits-grey", spec, digits(binarised=False)[-BATCH:], samples=2)


def digits_convolutional() -> Problem:
    """The grey digits as 8 × 8 images, the smallest network of keras.io's shape."""
    spec = Spec("conv", "bernoulli", "standard", "relu", (16,), 64, 2, image_shape=(1, 8, 8), channels=(8, 16))
    return problem_of("digits-conv", spec, digits(binarised=False)[:32])


def source_configuration(notation: Notation, batch: int = 8) -> Problem | None:
    """A problem in a source's own configuration, on seeded noise images; None where the source fixes no network."""
    own = notation.source_configuration
    if not {"hidden", "data_dim", "latent_dim"} <= set(own):
        return None
    defaults = {"network": "mlp", "likelihood": "bernoulli", "prior": "standard", "activation": "tanh"}
    spec = Spec(**{**defaults, **own})
    x = np.random.default_rng(SEED).integers(0, 2, (batch, spec.data_dim)).astype(np.float64)
    return problem_of(f"{notation.id.replace('_', '-')}-own", spec, x)


def equality_sample(selection: Selection, *, full: bool = False) -> Sample:
    """The problems of the default check and the cells of each.

    Args:
        selection: notations, backends and device; its dtypes and modes are replaced.
        full: every mode and dtype on every problem, each source's own configuration and a convolutional network.
    """
    eager = replace(selection, dtypes=("float64", "float32"), modes=("eager",))
    if not full:
        compiled = replace(eager, modes=("compiled", "compiled-xla"))
        shipped = replace(eager, dtypes=("float64-as-shipped",))
        return [(digits_binarised(), (eager, compiled, shipped)), (digits_grey(), (eager,))]
    everything = replace(selection, dtypes=DTYPES, modes=MODES)
    sample: Sample = [(p, (everything,)) for p in (digits_binarised(), digits_grey(), digits_convolutional())]
    own = ((notation, source_configuration(notation)) for notation in selection.notations)
    return sample + [(p, (replace(everything, notations=(notation,)),)) for notation, p in own if p is not None]


def cells_in(sample: Iterable[tuple[Problem, tuple[Selection, ...]]]) -> int:
    """How many cells a sample may hold: an upper bound for a progress bar."""
    return sum(
        len(s.notations) * len(s.backends or BACKENDS) * len(s.dtypes) * len(s.modes) for _, all_ in sample for s in all_
    )
