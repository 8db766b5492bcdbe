"""The tensors of a VAE, found by what depends on what: values are changed, and it is seen where a change arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..dictionary.scale_kinds import VARIANCE, as_kind
from ..lab import LossFailed
from .run import INPUT, Place, Run, Runner, Setting, same

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Flow:
    """What was found.

    Attributes:
        run: a run in training mode.
        noise: the operation that draws ε.
        z, mu, scale: z = μ + s·ε, and the heads of which μ and s are made.
        kind: the scale kind of the scale's head.
        recon: the decoder's output, and its scale where there is one.
        batch: the batch axis of x and of μ.
    """

    run: Run
    noise: int
    z: Place
    mu: Place
    scale: Place
    kind: str
    recon: tuple[Place, ...]
    batch: tuple[int, int]


def flow_of(runner: Runner) -> Flow:
    """Run the model on the first shape that it takes, and find its tensors.

    Raises:
        BadInput: it takes none, draws no noise, or a tensor is not found.
    """
    run = _first(runner)
    for noise in run.draws("normal"):
        found = _sampling(runner, run, noise)
        if found is not None:
            z, mu, scale, kind = found
            batch = _batch(runner, run, mu)
            recon = _decoder(runner, run, {place: run.value(place) for place in (mu, scale, z)}, z)
            return Flow(run, noise, z, mu, scale, kind, recon, batch)
    if not run.draws("normal"):
        raise BadInput("the model draws no normal noise in training mode: there is no z = μ + s·ε to find")
    raise BadInput("of the model's draws none is the ε of a z = μ + s·ε with a scale that depends on the input")


def _first(runner: Runner) -> Run:
    failed = ""
    for shape in runner.shapes():
        try:
            return runner.run(_input(shape), Setting())
        except LossFailed as error:
            failed = failed or f"x {list(shape)}: {error}"
    raise BadInput(f"the model could not be run: {failed or 'no shape of x suggests itself'}; give one with --at D=784")


def _input(shape: Shape, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0.1, 0.9, shape)


def _sampling(runner: Runner, run: Run, noise: int) -> tuple[Place, Place, Place, str] | None:
    """z, its mean and the head of its scale, of one draw; None where it is no draw of a posterior."""
    size = run.value(Place(noise)).size
    runs = [
        runner.run(run.x, Setting(noise={noise: np.full(run.value(Place(noise)).shape, float(e))})) for e in (0, 1, 2)
    ]
    for z in run.places():
        if z.operation < noise or run.value(z).size != size:
            continue
        zero, one, two = (r.value(z).reshape(-1) for r in runs)
        scale = np.abs(one - zero)
        if not zero.any() or not scale.any() or not np.allclose(two - one, one - zero, rtol=1e-9, atol=1e-12):
            continue
        mu = next((p for p in _before(run, z, size) if same(runs[1].value(p), zero) and same(run.value(p), zero)), None)
        if mu is None or not scale.all():
            continue
        kinds = {kind: as_kind(scale**2, kind) for kind in VARIANCE}
        for head in _before(run, z, size):
            for kind, value in kinds.items():
                if head != mu and same(run.value(head), value):
                    return z, mu, head, kind
    return None


def _before(run: Run, last: Place, size: int) -> Iterator[Place]:
    return (p for p in run.places() if p.operation < last.operation and run.value(p).size == size)


def _batch(runner: Runner, run: Run, mu: Place) -> tuple[int, int]:
    """The axes of x and of μ along which a change of one example stays one."""
    before = run.value(mu)
    for axis in range(run.x.ndim):
        if run.x.shape[axis] < 2:
            continue
        moved = run.x.copy()
        np.moveaxis(moved, axis, 0)[1] = np.moveaxis(_input(run.x.shape, 1), axis, 0)[1]
        after = runner.run(moved, Setting()).value(mu)
        for own in range(before.ndim):
            if before.shape[own] == run.x.shape[axis]:
                changed = np.moveaxis(after != before, own, 0).reshape(before.shape[own], -1).any(axis=1)
                if changed[1] and changed.sum() == 1:
                    return axis, own
    return 0, 0  # batch statistics tie the examples


def _decoder(runner: Runner, run: Run, cuts: dict[Place, Array], z: Place) -> tuple[Place, ...]:
    """The last output, or pair of outputs, through which all of z's influence goes on what first meets x."""
    held = Setting(replaced=cuts)
    base = runner.run(run.x, held)
    by_x = runner.run(_input(run.x.shape, 2), held)
    other = {**cuts, z: cuts[z] + np.random.default_rng(4).normal(size=cuts[z].shape)}
    by_z = runner.run(run.x, replace(held, replaced=other))

    def moved(after: Run, place: Place) -> bool:
        return not np.array_equal(base.value(place), after.value(place), equal_nan=True)

    size = run.x.size
    plain = [p for p in run.places() if moved(by_z, p) and not moved(by_x, p) and run.value(p).size == size]
    met: list[Place] = []
    for one in run.operations:
        if any(
            run.value(p).size == size and (p == INPUT or (moved(by_x, p) and not moved(by_z, p))) for p in one.inputs
        ):
            met += [p for p in one.inputs if p in plain and p not in met]
    if not met:
        raise BadInput("no output of the decoder meets x: the model returns no loss; name the method that has one")
    for count in (1, 2):
        for chosen in sorted(combinations(plain, count), reverse=True):
            stopped = {**other, **{p: base.value(p) for p in chosen}}
            after = runner.run(run.x, Setting(replaced=stopped))
            if not any(moved(after, p) for p in met):
                first = next((p for p in chosen if p == met[0]), chosen[0])
                return (first, *(p for p in chosen if p != first))
    raise BadInput("the decoder puts out more than two tensors that meet x; explain its loss as a function of them")
