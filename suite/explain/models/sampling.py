"""How does a model draw z? z = μ + s·ε of a draw ε, where s is a function of a head, such as exp(½·log variance)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..dictionary.formula import Array
from ..dictionary.scale_kinds import VARIANCE, as_kind
from ..lab import LossFailed
from .run import Place, Run, Runner, Setting, same

OTHER = "other"
"""The scale kind of a head of which s is an unknown function."""
NONE = -1
"""The number in place of the drawing operation of a model without draws."""
_DRAWS = 8
_AT = ((0.0,), (0.0, 0.5))
"""Values of ε at which z may be μ: for a normal draw, and for another draw, such as a uniform one."""


@dataclass(frozen=True)
class Sampling:
    """A draw z = μ + s·ε.

    Attributes:
        noise: the operation that draws ε; `NONE` if z is μ.
        z, mu: the tensors z and μ.
        scale: the head of which s is a function.
        kind: the scale kind of the head, or `OTHER`.
        factor: s over the standard deviation of that kind; 1 in a right model.
    """

    noise: int
    z: Place
    mu: Place
    scale: Place
    kind: str
    factor: float = 1.0

    @property
    def deviation(self) -> Callable[[Array], Array] | None:
        """The function from head to s; None if it is unknown."""
        if self.kind == OTHER:
            return None
        return lambda head: self.factor * np.sqrt(VARIANCE[self.kind](head))


def drawing(run: Run, noise: int, value: float, replaced: dict[Place, Array] | None = None) -> Setting:
    """The setting in which a draw is one number everywhere.

    Args:
        run: a run of the model.
        noise: the operation that draws.
        value: the number.
        replaced: further tensors to replace.
    """
    filled = np.full(run.value(Place(noise)).shape, value)
    if run.operations[noise].draws == "normal":
        return Setting(noise={noise: filled}, replaced=replaced or {})
    return Setting(replaced={Place(noise): filled, **(replaced or {})})


def step(runner: Runner, run: Run, noise: int, z: Place, replaced: dict[Place, Array]) -> Array:
    """The difference of z at ε = 1 and at ε = 0, which is s with its sign, while other tensors are replaced.

    Raises:
        LossFailed: the model cannot be run so.
    """
    low, high = (runner.run(run.x, drawing(run, noise, e, replaced)).value(z) for e in (0.0, 1.0))
    return high - low


def sampling(runner: Runner, run: Run, noise: int) -> Sampling | None:
    """The z, μ and head of one draw; None if it is no draw of a posterior."""
    drawn = run.value(Place(noise))
    if not drawn.size or drawn.dtype.kind != "f":
        return None
    for base in _AT[run.operations[noise].draws == "other"]:
        runs = [runner.run(run.x, drawing(run, noise, base + e)) for e in (0, 1, 2)]
        for z in run.places():
            if z.operation < noise or not _float(run, z) or max(run.value(z).size, 1) % drawn.size:
                continue
            zero, one, two = (r.value(z) for r in runs)
            moves = one - zero
            if not zero.any() or not moves.all() or not np.allclose(two - one, moves, rtol=1e-9, atol=1e-12):
                continue
            mu = next((p for p in _before(run, z) if _holds(runs[1], p, zero) and _holds(run, p, zero)), None)
            found = None if mu is None else _scale(runner, run, noise, z, mu, moves)
            if mu is not None and found is not None:
                return Sampling(noise, z, mu, *found)
    return None


def draws_in(run: Run, z: Place, mu: Place) -> int:
    """The length of an axis of draws in front of z, 1 without one; 0 if z has no shape of draws of this posterior."""
    own, each = run.value(z), run.value(mu)
    if own.size == each.size:
        return 1
    return own.shape[0] if own.shape[1:] == each.shape else 0


def _holds(run: Run, place: Place, value: Array) -> bool:
    """Whether a tensor has these values, or is each of their parts along an axis in front."""
    own = run.value(place)
    if own.size == value.size:
        return same(own, value)
    return value.shape[1:] == own.shape and all(same(own, each) for each in value)


def _float(run: Run, place: Place) -> bool:
    """Whether a tensor has real values."""
    return run.value(place).dtype.kind == "f"


def _before(run: Run, last: Place) -> Iterator[Place]:
    """The earlier tensors of the size of `last`, or of the shape of its parts along an axis in front."""
    shape, size = run.value(last).shape, run.value(last).size
    for place in run.places():
        own = run.value(place)
        if place.operation < last.operation and _float(run, place) and (own.size == size or own.shape == shape[1:]):
            yield place


def _scale(runner: Runner, run: Run, noise: int, z: Place, mu: Place, moves: Array) -> tuple[Place, str, float] | None:
    """The head of s with its scale kind and factor; None if there is none.

    Of several heads, the first with a normal KL of μ and it in the loss is taken, else the first that the loss reads,
    else the first.
    """
    size = run.value(mu).size
    moves = moves.reshape(-1)[:size]
    heads = [p for p in _before(run, z) if p != mu and run.value(p).size == size]
    fixed = {z: run.value(z)}
    read: tuple[Place, str, float] | None = None
    first: tuple[Place, str, float] | None = None
    for find in (_exact, _times, _another):
        for head in heads:
            found = find(runner, run, Sampling(noise, z, mu, head, OTHER), moves)
            if found is None:
                continue
            if _is_read(runner, run, (z, mu), head):
                if kl_of(runner, run, mu, head, fixed) is not None:
                    return head, *found
                read = read or (head, *found)
            first = first or (None if find is _another else (head, *found))
    if read is not None:
        return read
    for head in heads:  # the KL may read a tensor of which s is no function
        if _is_read(runner, run, (z, mu), head) and kl_of(runner, run, mu, head, fixed) is not None:
            return head, OTHER, 1.0
    return first


def kl_of(runner: Runner, run: Run, mu: Place, scale: Place, fixed: dict[Place, Array]) -> str | None:
    """The scale kind of the normal KL of two tensors that the loss has, at fixed values of others; None without one."""
    random = np.random.default_rng(9)
    seen: list[tuple[Array, Array, dict[str, Array]]] = []
    try:
        for _ in range(_DRAWS):
            mean = random.normal(size=run.value(mu).shape)
            head = random.uniform(0.3, 1.9, run.value(scale).shape)
            terms = runner.run(run.x, Setting(replaced={**fixed, mu: mean, scale: head}, terms_only=True)).terms
            seen.append((mean, head.reshape(mean.shape), terms))
    except LossFailed:
        return None
    for name in seen[0][2]:
        values = np.array([float(np.sum(terms.get(name, np.nan))) for _, _, terms in seen])
        if not np.isfinite(values).all() or np.ptp(values) < 1e-9:
            continue
        for kind, variance in VARIANCE.items():
            column = np.array([_divergence(mean, variance(head)) for mean, head, _ in seen])
            centred, target = column - column.mean(), values - values.mean()
            left = np.abs(target - centred * (centred @ target) / (centred @ centred)).max()
            if left < 1e-9 * np.abs(target).max():
                return kind
    return None


def _divergence(mean: Array, variance: Array) -> float:
    return float(0.5 * np.sum(mean**2 + variance - 1 - np.log(variance)))


def _moved(run: Run, place: Place) -> Array:
    """Other values of a tensor, 0.1 to 0.5 larger."""
    value = run.value(place)
    return value + np.random.default_rng(6).uniform(0.1, 0.5, value.shape)


def _measured(runner: Runner, run: Run, one: Sampling, head: Array) -> Array | None:
    """s at given values of its head; None if the model cannot be run so."""
    try:
        found = step(runner, run, one.noise, one.z, {one.mu: run.value(one.mu), one.scale: head})
    except LossFailed:
        return None
    return found.reshape(-1)[: head.size]


def _exact(runner: Runner, run: Run, one: Sampling, moves: Array) -> tuple[str, float] | None:
    """The scale kind of a head with s exactly, at its own and at other values; None if there is none."""
    value = run.value(one.scale)
    with np.errstate(all="ignore"):
        kinds = [kind for kind in VARIANCE if same(value, as_kind(moves**2, kind))]
    kinds += ["sd"] if same(value, moves) and "sd" not in kinds else []
    if not kinds:
        return None
    other = _moved(run, one.scale)
    after = _measured(runner, run, one, other)
    for kind in kinds:
        with np.errstate(all="ignore"):
            expected = other if kind == "sd" else np.sqrt(VARIANCE[kind](other))
        if after is not None and same(after, expected):
            return kind, 1.0
    return None


def _times(runner: Runner, run: Run, one: Sampling, moves: Array) -> tuple[str, float] | None:
    """The scale kind with s a multiple of its standard deviation, and the factor; None if there is none."""
    value = run.value(one.scale).reshape(-1)
    other = _moved(run, one.scale).reshape(-1)
    after: Array | None = None
    for kind in VARIANCE:
        with np.errstate(all="ignore"):
            ratio = moves / np.sqrt(VARIANCE[kind](value))
        if not np.isfinite(ratio).all() or not same(ratio, np.full_like(ratio, ratio[0])):
            continue
        if after is None:
            after = _measured(runner, run, one, _moved(run, one.scale))
        if after is None:
            return None
        if same(after, ratio[0] * np.sqrt(VARIANCE[kind](other))):
            return kind, float(f"{ratio[0]:.9g}")
    return None


def _another(runner: Runner, run: Run, one: Sampling, moves: Array) -> tuple[str, float] | None:
    """The kind `OTHER` if s is any elementwise function of the head; else None."""
    moved = run.value(one.scale).copy()
    moved.flat[::2] += 0.3
    after = _measured(runner, run, one, moved)
    if after is None or not (after != moves)[::2].all() or (after != moves)[1::2].any():
        return None
    return OTHER, 1.0


def _is_read(runner: Runner, run: Run, fixed: tuple[Place, ...], head: Place) -> bool:
    """Whether the loss depends on a head at fixed values of other tensors."""
    cuts = {place: run.value(place) for place in (*fixed, head)}
    try:
        before, after = (
            runner.run(run.x, Setting(replaced={**cuts, head: value}, terms_only=True)).terms
            for value in (cuts[head], _moved(run, head))
        )
    except LossFailed:
        return False
    return any(not same(before[name], after.get(name, np.zeros(0))) for name in before)
