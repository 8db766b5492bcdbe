"""The tensors of a VAE, found by what depends on what: values are changed, and it is seen where a change arrives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..lab import LossFailed
from .run import INPUT, Place, Run, Runner, Setting
from .sampling import Sampling, draws_in, sampling

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Flow:
    """What was found.

    Attributes:
        run: a run in training mode.
        drawn: how z is drawn: the draw, z, μ and the scale's head.
        recon: the decoder's output, and its scale where there is one.
        batch: the batch axis of x and of μ.
        copies: further outputs of a role, as `z` where several are drawn, or `recon` where the decoder is called twice.
        noises: the draws of these z.
    """

    run: Run
    drawn: Sampling
    recon: tuple[Place, ...]
    batch: tuple[int, int]
    copies: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    noises: tuple[int, ...] = ()

    @property
    def z(self) -> Place:
        return self.drawn.z

    @property
    def mu(self) -> Place:
        return self.drawn.mu

    @property
    def scale(self) -> Place:
        return self.drawn.scale

    @property
    def places(self) -> dict[str, Place]:
        """The output of each role."""
        found = {"mu": self.mu, "scale": self.scale, "z": self.z, "recon": self.recon[0]}
        return found | ({"recon_scale": self.recon[1]} if len(self.recon) > 1 else {})

    @property
    def draws(self) -> int:
        """How many z of one posterior are drawn."""
        return (1 + len(self.copies.get("z", ()))) * draws_in(self.run, self.z, self.mu)


def flow_of(runner: Runner) -> Flow:
    """Run the model on the first shape that it takes, and find its tensors.

    Raises:
        BadInput: it takes none, draws no noise, or a tensor is not found.
    """
    run = _first(runner)
    for noise in run.draws("normal") + run.draws("other"):
        found = sampling(runner, run, noise)
        if found is not None:
            batch = _batch(runner, run, found.mu)
            also = [] if found.noise in run.draws("other") else _also(runner, run, found)
            recon, copies = _decoder(runner, run, found, tuple(one.z for one in also))
            if also:
                copies["z"] = tuple(one.z for one in also)
            return Flow(run, found, recon, batch, copies, tuple(one.noise for one in also))
    if not run.draws("normal"):
        raise BadInput("the model draws no normal noise in training mode: there is no z = μ + s·ε to find")
    raise BadInput("of the model's draws none is the ε of a z = μ + s·ε with a scale that depends on the input")


def _also(runner: Runner, run: Run, first: Sampling) -> list[Sampling]:
    """The other draws of the same posterior."""
    later = (sampling(runner, run, noise) for noise in run.draws("normal") if noise > first.noise)
    return [one for one in later if one is not None and (one.mu, one.scale) == (first.mu, first.scale)]


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


def _decoder(
    runner: Runner, run: Run, drawn: Sampling, also: tuple[Place, ...]
) -> tuple[tuple[Place, ...], dict[str, tuple[Place, ...]]]:
    """The last output, or pair of outputs, through which all of z's influence goes on what first meets x.

    Outputs of equal values count as one, since a decoder may be called twice; those that are further copies come second.
    """
    cuts = {place: run.value(place) for place in (drawn.mu, drawn.scale, drawn.z)}
    cuts |= {place: run.value(drawn.z) for place in also}
    z = cuts[drawn.z]
    k = max(1, draws_in(run, drawn.z, drawn.mu))
    if k > 1:  # of several draws each is the first
        z = np.broadcast_to(z[0], z.shape)
    cuts |= dict.fromkeys((drawn.z, *also), z)
    held = Setting(replaced=cuts)
    base = runner.run(run.x, held)
    by_x = runner.run(_input(run.x.shape, 2), held)
    move = np.random.default_rng(4).normal(size=z[0].shape if k > 1 else z.shape)
    other = {**cuts, **dict.fromkeys((drawn.z, *also), z + move)}
    by_z = runner.run(run.x, replace(held, replaced=other))

    def moved(after: Run, place: Place) -> bool:
        return not np.array_equal(base.value(place), after.value(place), equal_nan=True)

    sizes = {run.x.size, k * run.x.size}
    plain = [
        p
        for p in run.places()
        if p not in cuts
        and run.value(p).size in sizes
        and run.value(p).dtype.kind == "f"
        and moved(by_z, p)
        and not moved(by_x, p)
    ]
    met: list[Place] = []
    for one in run.operations:
        if any(
            run.value(p).size in sizes and (p == INPUT or (moved(by_x, p) and not moved(by_z, p))) for p in one.inputs
        ):
            met += [p for p in one.inputs if p in plain and p not in met]
    if not met:
        raise BadInput("no output of the decoder meets x: the model returns no loss; name the method that has one")
    equal = {
        p: [q for q in plain if not _differ(base, p, q, k) and not _differ(by_z, p, q, k)]
        for p in plain
    }  # fmt: skip
    for count in (1, 2):
        for chosen in combinations(sorted(plain, reverse=True), count):
            groups = [equal[p] for p in chosen]
            if any(p != max(group) for p, group in zip(chosen, groups, strict=True)):
                continue
            stopped = {**other, **{q: base.value(q) for group in groups for q in group}}
            after = runner.run(run.x, Setting(replaced=stopped))
            if any(moved(after, p) for p in met):
                continue
            groups.sort(key=lambda group: met[0] not in group)
            return _needed(runner, base, cuts, groups)
    raise BadInput("the decoder puts out more than two tensors that meet x; explain its loss as a function of them")


def _differ(run: Run, one: Place, other: Place, draws: int) -> bool:
    """Whether two outputs have other values; one may repeat the other for each draw."""
    first, second = run.value(one).reshape(-1), run.value(other).reshape(-1)
    if first.size != second.size and draws * min(first.size, second.size) != max(first.size, second.size):
        return True
    size = max(first.size, second.size)
    return not np.array_equal(np.resize(first, size), np.resize(second, size), equal_nan=True)


def _needed(
    runner: Runner, base: Run, cuts: dict[Place, Array], groups: list[list[Place]]
) -> tuple[tuple[Place, ...], dict[str, tuple[Place, ...]]]:
    """The last of each group, and those of the others through which it reaches the loss as well."""
    kept = [q for group in groups for q in group]
    for q in [q for group in groups for q in group[:-1]]:
        held = {**cuts, **{p: base.value(p) for p in kept}}
        before, after = (
            runner.run(base.x, Setting(replaced={**held, q: base.value(q) + change})).terms for change in (0.0, 0.1)
        )
        if all(np.array_equal(before[name], after.get(name), equal_nan=True) for name in before):
            kept.remove(q)
    copies = {
        role: tuple(q for q in group[:-1] if q in kept)
        for role, group in zip(("recon", "recon_scale"), groups, strict=False)
    }
    return tuple(group[-1] for group in groups), {role: places for role, places in copies.items() if places}
