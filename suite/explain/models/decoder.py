"""Which tensor is the decoder's output? It depends on z, enters an operation with x, and carries all influence of z."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from .run import INPUT, Place, Run, Runner, Setting, domain_of, example
from .sampling import Sampling, draws_in


class NoDecoder(BadInput):
    """No output that depends on z enters an operation together with x."""


@dataclass(frozen=True)
class Recon:
    """The decoder's output, and its scale where there is one.

    Attributes:
        places: the output, and its scale if there is one.
        copies: role → further outputs with the same value, of a decoder that is called more than once.
    """

    places: tuple[Place, ...]
    copies: dict[str, tuple[Place, ...]] = field(default_factory=dict)

    @property
    def every(self) -> tuple[Place, ...]:
        """The outputs and their copies."""
        return (*self.places, *(place for places in self.copies.values() for place in places))


def decoder(runner: Runner, run: Run, drawn: Sampling, also: tuple[Place, ...]) -> Recon:
    """The last output, or pair of outputs, that carries all influence of z on tensors in operations with x.

    Outputs of equal values count as one, since a decoder may be called twice.

    Args:
        runner, run: the model, and a run of it.
        drawn: how z is drawn.
        also: further z of the same posterior.

    Raises:
        NoDecoder: no output enters an operation with x.
        BadInput: more than two outputs are needed.
    """
    cuts = {place: run.value(place) for place in (drawn.mu, drawn.scale, drawn.z)}
    cuts |= {place: run.value(drawn.z) for place in also}
    z = cuts[drawn.z]
    k = max(1, draws_in(run, drawn.z, drawn.mu))
    if k > 1:  # all draws are set to the first
        z = np.broadcast_to(z[0], z.shape)
    cuts |= dict.fromkeys((drawn.z, *also), z)
    fixed = Setting(replaced=cuts)
    base = runner.run(run.x, fixed)
    by_x = runner.run(example(run.x.shape, 2, domain_of(run.x)), fixed)
    move = np.random.default_rng(4).normal(size=z[0].shape if k > 1 else z.shape)
    other = {**cuts, **dict.fromkeys((drawn.z, *also), z + move)}
    by_z = runner.run(run.x, replace(fixed, replaced=other))

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
    met: list[Place] = []  # candidates in an operation with x itself
    wider: list[Place] = []  # candidates in an operation with a tensor that depends on x, as a scale with an error
    for one in run.operations:
        of_x = [p for p in one.inputs if run.value(p).size in sizes and (p == INPUT or moved(by_x, p))]
        if of_x:
            wider += [p for p in one.inputs if p in plain and p not in wider]
        if any(p == INPUT or not moved(by_z, p) for p in of_x):
            met += [p for p in one.inputs if p in plain and p not in met]
    if not met:
        raise NoDecoder(
            "no output of the decoder enters an operation with x: the model returns no loss; name the method that does"
        )
    equal = {p: [q for q in plain if not (_differ(base, p, q, k) or _differ(by_z, p, q, k))] for p in plain}
    for every in [wider, met] if len(wider) > len(met) else [met]:
        for chosen in (*combinations(sorted(plain, reverse=True), 1), *combinations(sorted(plain, reverse=True), 2)):
            groups = [equal[p] for p in chosen]
            if any(p != max(group) for p, group in zip(chosen, groups, strict=True)):
                continue
            stopped = {**other, **{q: base.value(q) for group in groups for q in group}}
            after = runner.run(run.x, Setting(replaced=stopped))
            if any(moved(after, p) for p in every):
                continue
            groups.sort(key=lambda group: met[0] not in group)
            return _needed(runner, base, cuts, groups)
    raise BadInput("more than two outputs of the decoder enter the loss with x; explain its loss as a function of them")


def _differ(run: Run, one: Place, other: Place, draws: int) -> bool:
    """Whether two outputs have different values; repetition for each of the draws is no difference."""
    first, second = run.value(one).reshape(-1), run.value(other).reshape(-1)
    if first.size != second.size and draws * min(first.size, second.size) != max(first.size, second.size):
        return True
    size = max(first.size, second.size)
    return not np.array_equal(np.resize(first, size), np.resize(second, size), equal_nan=True)


def _needed(runner: Runner, base: Run, cuts: dict[Place, Array], groups: list[list[Place]]) -> Recon:
    """The last output of each group, and the others of the group that change the loss on their own."""
    kept = [q for group in groups for q in group]
    for q in [q for group in groups for q in group[:-1]]:
        fixed = {**cuts, **{p: base.value(p) for p in kept}}
        before, after = (
            runner.run(base.x, Setting(replaced={**fixed, q: base.value(q) + change})).terms for change in (0.0, 0.1)
        )
        if all(np.array_equal(before[name], after.get(name, np.zeros(0)), equal_nan=True) for name in before):
            kept.remove(q)
    copies = {
        role: tuple(q for q in group[:-1] if q in kept)
        for role, group in zip(("recon", "recon_scale"), groups, strict=False)
    }
    return Recon(tuple(group[-1] for group in groups), {role: places for role, places in copies.items() if places})
