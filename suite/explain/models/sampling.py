"""How a model draws z: z = μ + s·ε of one draw ε, which head s is made of, and of which scale kind that head is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..dictionary.formula import Array
from ..dictionary.scale_kinds import VARIANCE, as_kind
from ..lab import LossFailed
from .run import Place, Run, Runner, Setting, same

OTHER = "other"
"""The scale kind of a head of which s is another function."""
NONE = -1
"""In place of the operation that draws, where none does."""
_DRAWS = 8
_AT = ((0.0,), (0.0, 0.5))
"""Values of ε at which z may be μ: of a normal draw, and of another one, which may be uniform."""


@dataclass(frozen=True)
class Sampling:
    """One draw.

    Attributes:
        noise: the operation that draws ε, or `NONE`, where z is μ.
        z, mu, scale: z = μ + s·ε, and the heads of which μ and s are made.
        kind: the scale kind of the scale's head, or `OTHER`.
        factor: s over the standard deviation that the kind stands for.
    """

    noise: int
    z: Place
    mu: Place
    scale: Place
    kind: str
    factor: float = 1.0

    @property
    def deviation(self) -> Callable[[Array], Array] | None:
        """The head → s; None where it is another function."""
        if self.kind == OTHER:
            return None
        return lambda head: self.factor * np.sqrt(VARIANCE[self.kind](head))


def drawing(run: Run, noise: int, value: float, replaced: dict[Place, Array] | None = None) -> Setting:
    """The setting in which a draw gives one number everywhere."""
    filled = np.full(run.value(Place(noise)).shape, value)
    if run.operations[noise].draws == "normal":
        return Setting(noise={noise: filled}, replaced=replaced or {})
    return Setting(replaced={Place(noise): filled, **(replaced or {})})


def step(runner: Runner, run: Run, noise: int, z: Place, replaced: dict[Place, Array]) -> Array:
    """What z gains where ε grows by one, while other outputs are replaced: s, with its sign.

    Raises:
        LossFailed: it cannot be run so.
    """
    low, high = (runner.run(run.x, drawing(run, noise, e, replaced)).value(z) for e in (0.0, 1.0))
    return high - low


def sampling(runner: Runner, run: Run, noise: int) -> Sampling | None:
    """What is found of one draw; None where it is no draw of a posterior."""
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
    """How many draws of z stand in front of the posterior's axes; 0 where z has another form."""
    own, each = run.value(z), run.value(mu)
    if own.size == each.size:
        return 1
    return own.shape[0] if own.shape[1:] == each.shape else 0


def _holds(run: Run, place: Place, value: Array) -> bool:
    """Whether a place has these values, or they repeat it along an axis in front."""
    own = run.value(place)
    if own.size == value.size:
        return same(own, value)
    return value.shape[1:] == own.shape and all(same(own, each) for each in value)


def _float(run: Run, place: Place) -> bool:
    return run.value(place).dtype.kind == "f"


def _before(run: Run, last: Place) -> Iterator[Place]:
    """The outputs before one that are as large, or as each of its parts along an axis in front."""
    shape, size = run.value(last).shape, run.value(last).size
    for place in run.places():
        own = run.value(place)
        if place.operation < last.operation and _float(run, place) and (own.size == size or own.shape == shape[1:]):
            yield place


def _scale(runner: Runner, run: Run, noise: int, z: Place, mu: Place, moves: Array) -> tuple[Place, str, float] | None:
    """The first head of s that a KL of μ is normal in; else the first that the loss reads; else the first."""
    size = run.value(mu).size
    moves = moves.reshape(-1)[:size]
    heads = [p for p in _before(run, z) if p != mu and run.value(p).size == size]
    held = {z: run.value(z)}
    read: tuple[Place, str, float] | None = None
    first: tuple[Place, str, float] | None = None
    for find in (_exact, _times, _another):
        for head in heads:
            found = find(runner, run, Sampling(noise, z, mu, head, OTHER), moves)
            if found is None:
                continue
            if _is_read(runner, run, (z, mu), head):
                if kl_of(runner, run, mu, head, held) is not None:
                    return head, *found
                read = read or (head, *found)
            first = first or (None if find is _another else (head, *found))
    if read is not None:
        return read
    for head in heads:  # s is no function of it, and the KL is
        if _is_read(runner, run, (z, mu), head) and kl_of(runner, run, mu, head, held) is not None:
            return head, OTHER, 1.0
    return first


def kl_of(runner: Runner, run: Run, mu: Place, scale: Place, held: dict[Place, Array]) -> str | None:
    """The scale kind of a normal posterior's KL that the loss has of two outputs, while others are held."""
    random = np.random.default_rng(9)
    seen: list[tuple[Array, Array, dict[str, Array]]] = []
    try:
        for _ in range(_DRAWS):
            mean = random.normal(size=run.value(mu).shape)
            head = random.uniform(0.3, 1.9, run.value(scale).shape)
            terms = runner.run(run.x, Setting(replaced={**held, mu: mean, scale: head}, terms_only=True)).terms
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
    """Other values of an output, positive where its own are."""
    value = run.value(place)
    return value + np.random.default_rng(6).uniform(0.1, 0.5, value.shape)


def _measured(runner: Runner, run: Run, one: Sampling, head: Array) -> Array | None:
    """s at other values of its head; None where the model cannot be run so."""
    try:
        found = step(runner, run, one.noise, one.z, {one.mu: run.value(one.mu), one.scale: head})
    except LossFailed:
        return None
    return found.reshape(-1)[: head.size]


def _exact(runner: Runner, run: Run, one: Sampling, moves: Array) -> tuple[str, float] | None:
    """The scale kind of which the head is; shown again at other values of the head, since its own may be zero."""
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
    """The scale kind whose standard deviation s is a multiple of."""
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
    """Whether s moves with the head at all, latent by latent."""
    moved = run.value(one.scale).copy()
    moved.flat[::2] += 0.3
    after = _measured(runner, run, one, moved)
    if after is None or not (after != moves)[::2].all() or (after != moves)[1::2].any():
        return None
    return OTHER, 1.0


def _is_read(runner: Runner, run: Run, held: tuple[Place, ...], head: Place) -> bool:
    """Whether the loss depends on a head while z and μ are held."""
    cuts = {place: run.value(place) for place in (*held, head)}
    try:
        before, after = (
            runner.run(run.x, Setting(replaced={**cuts, head: value}, terms_only=True)).terms
            for value in (cuts[head], _moved(run, head))
        )
    except LossFailed:
        return False
    return any(not same(before[name], after.get(name, np.zeros(0))) for name in before)
