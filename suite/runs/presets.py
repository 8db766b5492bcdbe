"""The presets of equality and claims: the problems and cells that commands run by default, and with `--full`.

What is timed is in `timing/plan.QUICK` and its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..backends.table import BACKENDS, DTYPES, MODES
from ..notations.notation import Notation
from ..notations.schema import FRAMEWORKS
from ..notations.writing import written_by
from ..reference.data import digits
from ..reference.problem import Array, Problem
from ..reference.spec import Spec
from ..reference.weights import drawn_shapes, random_weights
from ..timing.plan import BenchSample
from ..timing.workloads import DIGITS, make_workload
from ..workers.selection import Selection

Sample = list[tuple[Problem, tuple[Selection, ...]]]

CHECKED_DTYPES = ("float64", "float32")
"""The dtypes that `check` runs by default, and the quick preset."""
BATCH = 128
FEW = 16
SEED = 1
#: Backends that compile every operation of every eager call would take most of the quick preset's time.
SLOW_TO_PROVE = tuple(name for name, backend in BACKENDS.items() if backend.compiles_each)
QUICK_TO_PROVE = tuple(name for name in BACKENDS if name not in SLOW_TO_PROVE)


def problem_of(name: str, spec: Spec, x: Array, *, samples: int = 1, seed: int = SEED) -> Problem:
    """A problem on data x [batch, data], with random weights and `samples` draws of noise per datum, from one seed."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((samples, len(x), spec.latent_dim))
    weight_noise = {name: generator.standard_normal((samples, *shape)) for name, shape in drawn_shapes(spec).items()}
    return Problem(name, spec, x, noise, random_weights(spec, seed), weight_noise)


def family_problems() -> list[Problem]:
    """One problem per family of models that only some sources define, on a few grey digits, all of the same sizes."""
    plain = Spec("mlp", "bernoulli", "standard", "tanh", (16,), 64, 4)
    unit = replace(plain, likelihood="gaussian-fixed", variance=1.0)
    specs = {
        "isotropic": replace(unit, posterior="isotropic"),
        "full": replace(unit, posterior="full"),
        "rank-one": replace(plain, posterior="rank-one", latents=(3, 1)),
        "free": replace(plain, posterior="free", data_count=FEW),
        "vamp": replace(plain, prior="vamp", activation="gated", components=5),
        "learned-prior": replace(plain, prior="learned", likelihood="gaussian"),
        "beta": replace(plain, beta=4.0),
        "chain": replace(plain, chain=(3, 1)),
        "full-vb": replace(plain, decoder_weights="posterior", data_count=len(digits(binarised=False))),
        "global": replace(plain, decoder_weights="posterior", posterior="free", data_count=FEW),
    }
    x = digits(binarised=False)[-FEW:]
    return [problem_of(f"digits-{name}", spec, x, samples=2) for name, spec in specs.items()]


def source_configuration(notation: Notation) -> Problem | None:
    """A problem in a source's own configuration, on seeded noise images; None where the source fixes no network."""
    own = notation.source_configuration
    if not {"hidden", "data_dim", "latent_dim"} <= set(own):
        return None
    defaults = {"network": "mlp", "likelihood": "bernoulli", "prior": "standard", "activation": "tanh"}
    spec = Spec(**{**defaults, **own})
    x = np.random.default_rng(SEED).integers(0, 2, (8, spec.data_dim)).astype(np.float64)
    return problem_of(f"{notation.id.replace('_', '-')}-own", spec, x)


def equality_sample(selection: Selection, *, full: bool = False) -> Sample:
    """The problems that are checked beside the timed workloads, and the cells of each.

    With `full` it is every mode and dtype on every problem, each source's own configuration and a convolutional
    network. The dtypes and modes of the selection are replaced.
    """
    eager = replace(selection, dtypes=CHECKED_DTYPES, modes=("eager",))
    everything = replace(selection, dtypes=DTYPES, modes=MODES)
    if full:
        parts: tuple[Selection, ...] = (everything,)
    elif selection.backends:
        parts = (eager,)
    else:  # only float64 on backends that compile each operation again for each dtype
        slow = replace(eager, backends=SLOW_TO_PROVE, dtypes=("float64",))
        parts = replace(eager, backends=QUICK_TO_PROVE), slow
    grey = digits(binarised=False)
    spec = Spec("mlp", "bernoulli", "standard", "relu", (32,), 64, 8)
    sample: Sample = [(problem_of("digits-grey", spec, grey[-BATCH:], samples=2), (everything if full else eager,))]
    if full:  # 8 × 8 images, the smallest network of keras.io's shape
        spec = Spec("conv", "bernoulli", "standard", "relu", (16,), 64, 2, image_shape=(1, 8, 8), channels=(8, 16))
        sample.append((problem_of("digits-conv", spec, grey[:32]), (everything,)))
    for problem in family_problems():  # each runs only in the notations that can write it
        writing = tuple(n for n in selection.notations if written_by(n, problem.spec) is not None)
        if writing:
            sample.append((problem, tuple(replace(part, notations=writing, broken={}) for part in parts)))
    for notation in selection.notations if full else ():
        if (own := source_configuration(notation)) is not None:
            sample.append((own, (replace(everything, notations=(notation,), broken={}),)))
    return sample


def check_sample(selection: Selection, problems: Sequence[Problem]) -> Sample:
    """A user's problems in all selected cells; without any, the embedded ones, each in the notations of its preset."""
    if problems:
        return [(problem, (selection,)) for problem in problems]
    embedded = equality_sample(selection)
    return [(problem, (replace(selection, notations=chosen.notations),)) for problem, (chosen, *_) in embedded]


def bench_proofs(selection: Selection, sample: BenchSample, *, full: bool) -> Sample:
    """The digits at batch 128, on which the formula of each cell that is timed is proven, in every mode.

    On them float64 is also run as Keras ships it. What is timed is proven once more by the process that times it, at
    its own workload and batch. With `full` it is every mode and dtype of every notation, also those that are not
    timed. The dtypes and modes of the selection are replaced.
    """
    eager = replace(selection, dtypes=DTYPES, modes=("eager",))
    # A cell that is compiled costs seconds: it is proven in the dtype that is timed.
    modes = tuple(mode for mode in MODES if mode.startswith("compiled") or (mode == "published" and sample.has(mode)))
    proven = sample.compiled_proofs
    chosen = tuple(n for n in selection.notations if proven is None or n.id in proven)
    timed = replace(selection, notations=chosen, dtypes=("float32",), modes=modes)
    every = replace(selection, dtypes=DTYPES, modes=MODES)
    problem = make_workload(DIGITS, BATCH, digits(binarised=True)).problem
    return [(problem, (every,) if full else (eager, timed))]


def claims_sample(selection: Selection, *, full: bool) -> Selection:
    """The backends on which claims are executed: those asked for by name, all of them, or one for each of the two files
    of a notation.

    For a file it is the last installed backend in the table, except what compiles each operation: Keras on torch builds
    its models in a third of the time that it takes on TensorFlow.
    """
    if full or selection.backends:
        return selection
    chosen = []
    for framework in FRAMEWORKS:
        candidates = [name for name in QUICK_TO_PROVE if BACKENDS[name].framework == framework]
        chosen.append(([name for name in candidates if not BACKENDS[name].lacking()] or candidates)[-1])
    return replace(selection, backends=tuple(chosen))
