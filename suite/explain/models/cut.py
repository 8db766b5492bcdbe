"""How is a model's loss called? As a function of the tensors x, decoder's output, μ, scale's head and z.

A head is the output of the encoder from which μ or the scale is made, such as a log variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..binding import Binding, Layout, Slot
from ..dictionary.formula import Array
from ..experiments.bind import SIZES
from ..lab import Float64, Lab, LossFailed
from .flow import Flow
from .run import INPUT, Place, Runner, RunnerInDtypes, Setting, domain_of

_DATA = {0: (), 1: ("D",), 2: ("S", "A"), 3: ("C", "H", "W")}
_LATENT = {0: (), 1: ("J",), 2: ("h", "w"), 3: ("c", "h", "w")}


@dataclass
class CutLoss(Float64):
    """The loss as a function of the tensors of `flow`, which are replaced by given values; a `lab.Called`.

    At other sizes than the model's own, the model is run as it is if it takes them. Else it is built anew with other
    arguments of its constructor, or run with weights of other sizes, or run without the operations before the replaced
    tensors, whose values nothing uses.

    Attributes:
        runner: runs the model.
        flow: the model's tensors.
        roles: role → the user's name of its tensor.
        training: whether the model runs in training mode.
        how: sizes → the number of the setting that works, in the order of `_settings`.
    """

    runner: Runner
    flow: Flow
    roles: dict[str, str]
    training: bool = True
    how: dict[tuple[int, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = self.runner.name

    def terms(self, arguments: Mapping[str, Any]) -> dict[str, Array]:
        """Name → number that the model returns.

        Raises:
            LossFailed: the model raised with every setting.
        """
        x, settings = self._settings(arguments)
        sizes = (*x.shape, *arguments[self.roles["mu"]].shape)
        failed: LossFailed | None = None
        for place, setting in enumerate(settings):
            if self.how.get(sizes, place) != place:
                continue
            try:
                terms = self.runner.run(x, setting).terms
            except LossFailed as error:
                failed = failed or error
                continue
            if sizes not in self.how:
                self.how[sizes] = self._quicker(x, place, settings, terms)
            return terms
        raise failed or LossFailed("the model cannot be run at these sizes")

    def _quicker(self, x: Array, place: int, settings: list[Setting], terms: dict[str, Array]) -> int:
        """The number of the last setting, which skips most operations, if it gives the same numbers; else `place`."""
        if not self.runner.leaves_out:
            return place
        try:
            shorter = self.runner.run(x, settings[-1]).terms
        except LossFailed:
            return place
        same = all(np.array_equal(terms[name], shorter.get(name, np.nan), equal_nan=True) for name in terms)
        return len(settings) - 1 if same else place

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        """Argument → gradients of the summed terms, at the model's own sizes."""
        x, [setting, *_] = self._settings(arguments)
        found = self.runner.gradients(x, setting, total)
        if found is None:
            return None
        slopes: dict[str, Any] = {}
        for role, places in self._replaced().items():
            shape = np.shape(arguments[self.roles[role]])
            parts = [self._summed(role, slope, shape) for place in places if (slope := found[place]) is not None]
            slopes[self.roles[role]] = [sum(parts, np.zeros(shape))]
        return slopes

    def _summed(self, role: str, slope: Array, shape: tuple[int, ...]) -> Array:
        """The gradient of one role's tensor, summed over the draws in front, in the canonical shape."""
        draws = slope.size // int(np.prod(shape))
        return sum((self.canonical(role, part, shape) for part in slope.reshape(draws, -1)), np.zeros(shape))

    def has(self, dtype: str) -> bool:
        """Whether the model runs in a dtype."""
        return isinstance(self.runner, RunnerInDtypes) and self.runner.has(dtype)

    def rounded(self, value: Array, dtype: str) -> Array:
        """Values rounded to a dtype, as float64."""
        assert isinstance(self.runner, RunnerInDtypes)
        return self.runner.rounded(value, dtype)

    def places(self) -> dict[str, Place]:
        """Role → its tensor, without x."""
        return {role: place for role, place in self.flow.places.items() if role in self.roles}

    def _replaced(self) -> dict[str, tuple[Place, ...]]:
        """Role → all tensors that are replaced by the role's value."""
        return {role: (place, *self.flow.copies.get(role, ())) for role, place in self.places().items()}

    def _settings(self, arguments: Mapping[str, Any]) -> tuple[Array, list[Setting]]:
        """x in the model's layout, and settings to try: as it is, built anew, resized, without encoder and decoder."""
        given = {role: np.asarray(arguments[name]) for role, name in self.roles.items()}
        x = self._own("x", given["x"], INPUT)
        replaced = {
            place: self._own(role, given[role], place) for role, places in self._replaced().items() for place in places
        }
        parameters = {name: value for name, value in arguments.items() if name in self.runner.parameters}
        live = Setting(
            self.training,
            replaced,
            self._noise(given),
            parameters=parameters,
            terms_only=True,
            dtype=self.dtype,
        )
        settings = [live]
        own = self.flow.run
        if x.shape != own.x.shape:
            sizes = dict(zip(own.x.shape, x.shape, strict=True))
            sizes |= dict(zip(own.value(self.flow.mu).shape, replaced[self.flow.mu].shape, strict=True))
            anew = {
                name: sizes[value]
                for name, value in self.runner.arguments.items()
                if value in sizes and sizes[value] != value
            }
            if anew:
                settings.append(replace(live, rebuilt=anew))
        elif replaced[self.flow.mu].shape != own.value(self.flow.mu).shape:
            anew = {
                name: replaced[self.flow.mu].shape[axis]
                for axis, size in enumerate(own.value(self.flow.mu).shape)
                for name, value in self.runner.arguments.items()
                if value == size and replaced[self.flow.mu].shape[axis] != size
            }
            if anew:
                settings.append(replace(live, rebuilt=anew))
        others = self._resized(x, replaced[self.flow.mu]) if self.runner.resizes else ()
        settings += [replace(live, resized=sizes) for sizes in others]
        before = self._operations_before if self.runner.leaves_out else frozenset()
        if before:
            settings.append(replace(live, skipped=before, before=own))
        return x, settings

    def _resized(self, x: Array, mu: Array) -> Iterator[dict[int, int]]:
        """Size of a weight's axis → its other size: of data and latents, then also of two heads in one tensor."""
        pairs = [
            (own, size)
            for axis, before, after in zip(
                self.flow.batch, (self.flow.run.x, self.flow.run.value(self.flow.mu)), (x, mu), strict=True
            )
            for place, (own, size) in enumerate(zip(before.shape, after.shape, strict=True))
            if place != axis
        ]
        for several in (pairs, [*pairs, *((2 * own, 2 * size) for own, size in pairs)]):
            sizes = dict(several)
            if all(sizes[own] == size for own, size in several) and any(own != size for own, size in several):
                yield {own: size for own, size in sizes.items() if own != size}

    def _noise(self, given: Mapping[str, Array]) -> dict[int, Array]:
        """Drawing operation → the noise (z − μ)/s of the given z; empty if no normal noise gives z."""
        flow, deviation = self.flow, self.flow.drawn.deviation
        if "z" not in given:
            return {}
        places = [Place(noise) for noise in (flow.drawn.noise, *flow.noises)]
        fits = flow.run.value(places[0]).size == flow.run.value(flow.z).size
        if deviation is None or not fits or flow.run.operations[places[0].operation].draws != "normal":
            return {}
        noise = (given["z"] - given["mu"]) / deviation(given["scale"])
        return {place.operation: self._own("z", noise, place) for place in places}

    @cached_property
    def _operations_before(self) -> frozenset[int]:
        """The operations whose outputs reach the returned numbers only through replaced tensors."""
        run, cuts = self.flow.run, {place for places in self._replaced().values() for place in places}
        needed: set[int] = set()
        pending = list(run.returned)
        while pending:
            place = pending.pop()
            if place == INPUT or place.operation in needed or place in cuts:
                continue
            needed.add(place.operation)
            pending += run.operations[place.operation].inputs
        return frozenset(range(len(run.operations))) - needed

    def _own(self, role: str, value: Array, place: Place) -> Array:
        """A canonical value in the model's layout of a tensor: batch axis, axes of length one, and draws in front."""
        own = self.flow.run.value(place).shape
        axis = self.flow.batch[0 if role in ("x", "recon", "recon_scale") else 1]
        like = self.flow.run.x if role in ("x", "recon", "recon_scale") else self.flow.run.value(self.flow.mu)
        rest = iter(value.shape[1:])
        shape = [value.shape[0] if a == axis else 1 if size == 1 else next(rest) for a, size in enumerate(like.shape)]
        placed = np.moveaxis(value.reshape(shape[axis], *(s for a, s in enumerate(shape) if a != axis)), 0, axis)
        if self.flow.run.value(place).size > like.size:  # the tensor has an axis of draws in front
            each = placed if own[1:] == like.shape else _flattened(placed, like.shape, own[1:])
            return np.broadcast_to(each, (own[0], *each.shape))
        return placed if own == like.shape else _flattened(placed, like.shape, own)

    def canonical(self, role: str, value: Array, shape: tuple[int, ...]) -> Array:
        """A value of a role's tensor, at the model's own sizes, in the canonical layout with the batch axis first."""
        data = role in ("x", "recon", "recon_scale")
        like = self.flow.run.x if data else self.flow.run.value(self.flow.mu)
        return np.moveaxis(value.reshape(like.shape), self.flow.batch[0 if data else 1], 0).reshape(shape)


def _flattened(value: Array, like: tuple[int, ...], own: tuple[int, ...]) -> Array:
    """A value reshaped as `like` is reshaped to `own`: each axis of `own` is a product of neighbouring axes of `like`.

    Raises:
        LossFailed: `own` is no such shape.
    """
    axes, shape = list(zip(like, value.shape, strict=True)), []
    for size in own:
        product, actual = 1, 1
        while axes and (product < size or (axes[0][0] == 1 and product * axes[0][0] <= size)):
            before, now = axes.pop(0)
            product, actual = product * before, actual * now
        if product != size:
            raise LossFailed(f"a tensor of shape {list(own)} is no reshaped {list(like)}")
        shape.append(actual)
    return value.reshape(shape)


def lab_of(runner: Runner, flow: Flow, given: Mapping[str, Any]) -> Lab:
    """The model's loss bound to its own tensors, at the model's own sizes.

    Args:
        runner: runs the model.
        flow: the model's tensors.
        given: attribute of the model → value, as the user gave them.

    Raises:
        LossFailed: a tensor has more axes than the layouts know.
    """
    run = flow.run
    sizes = dict(SIZES)
    layouts: list[tuple[str, ...]] = []
    for place, axis, names in ((INPUT, flow.batch[0], _DATA), (flow.mu, flow.batch[1], _LATENT)):
        shape = run.value(place).shape
        rest = [size for a, size in enumerate(shape) if a != axis and size > 1]
        if len(rest) not in names:
            raise LossFailed(f"a tensor of shape {list(shape)} has more axes than are explained")
        sizes |= dict(zip(names[len(rest)], rest, strict=True)) | {"N": shape[axis]}
        layouts.append(names[len(rest)])
    roles = {role: flow.name(role) for role in dict.fromkeys(("recon", "x", *flow.places))}
    roles = {role: name if list(roles.values()).count(name) == 1 else role for role, name in roles.items()}
    slots = [Slot(name, role) for role, name in roles.items()]
    for name, value in runner.parameters.items():
        if name not in roles.values():
            known = name in given or name not in runner.unset
            slots.append(Slot(name, "parameter", given.get(name, value), given=known))
    binding = Binding(tuple(slots), Layout(layouts[0], layouts[1]))
    x = domain_of(run.x)
    domains = {"recon": "positive" if x == "count" else "unit", "x": x, "scale": "positive", "recon_scale": "positive"}
    return Lab(CutLoss(runner, flow, roles), binding, sizes, binding.parameters, domains)
