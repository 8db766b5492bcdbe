"""How is a loss called by an experiment? As a function of NumPy values by role, at chosen sizes and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .binding import Binding, Sizes, named_sizes
from .dictionary.formula import Array

Values = dict[str, Array]

DOMAINS = {"unit": (0.12, 0.88), "real": (-1.6, 1.6), "positive": (0.3, 1.9)}
"""Domain → range of its uniform draws; `count` draws from 0 to 6, `class` from 1 to K - 1."""
_FIXED_SEED = 99
"""The seed of the values of fixed roles."""


class Called(Protocol):
    """The user's loss in one framework, called with NumPy arrays and numbers."""

    name: str

    def terms(self, arguments: Mapping[str, Any]) -> dict[str, Array]:
        """Name → number or tensor, of all that a call returns.

        Raises:
            LossFailed: the loss raised, or returned no number.
        """

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        """Argument → gradients of the sum of the terms in `total`, one per tensor; None if the framework has none."""


@runtime_checkable
class InDtypes(Protocol):
    """A loss that can be called in other dtypes than float64."""

    def has(self, dtype: str) -> bool:
        """Whether the loss can be called in a dtype."""

    def rounded(self, value: Array, dtype: str) -> Array:
        """Real values rounded to a dtype, as float64; other values unchanged."""

    def working_in(self, dtype: str) -> AbstractContextManager[None]:
        """Pass arguments in a dtype inside the context."""


@runtime_checkable
class Draws(Protocol):
    """A loss whose own random draws can be made the same in every call."""

    def hold(self, seed: int) -> None:
        """Draw the values of this seed in every later call."""


class Float64:
    """Calls a loss with float64 arguments, and with another dtype inside `working_in`."""

    dtype = "float64"

    @contextmanager
    def working_in(self, dtype: str) -> Iterator[None]:
        """Pass arguments in a dtype inside the context."""
        self.dtype = dtype
        try:
            yield
        finally:
            self.dtype = Float64.dtype


class LossFailed(Exception):
    """The loss raised, or returned no number."""


@dataclass
class Lab:
    """A bound loss at one set of sizes and arguments, on which experiments run.

    Attributes:
        loss: the user's loss.
        binding: roles and layout of its arguments.
        sizes: axis → size.
        parameters: argument that is no tensor → its value.
        domains: role → domain of its draws.
        total: the names of the returned terms whose sum is explained.
        epsilon: the machine epsilon of the dtype that the loss returns.
        calls: a counter of calls in a list of one, shared by all labs made from this one.
        fixed_roles: roles whose values are the same in every draw of one size.
    """

    loss: Called
    binding: Binding
    sizes: Sizes
    parameters: Mapping[str, Any]
    domains: Mapping[str, str]
    total: tuple[str, ...] = ()
    epsilon: float = float(np.finfo(np.float64).eps)
    calls: list[int] = field(default_factory=lambda: [0])
    fixed_roles: frozenset[str] = frozenset()

    def at(self, sizes: Mapping[str, int] | None = None, parameters: Mapping[str, Any] | None = None) -> Lab:
        """The lab at other sizes or arguments."""
        return replace(
            self, sizes={**self.sizes, **(sizes or {})}, parameters={**self.parameters, **(parameters or {})}
        )

    def exchanged(self, one: str, two: str) -> Lab:
        """The lab with two roles exchanged, if a formula fits so and the names do not state the roles."""
        domains = {**self.domains, one: self.domains.get(two, "real"), two: self.domains.get(one, "real")}
        return replace(self, binding=self.binding.exchanged(one, two), domains=domains)

    def inverted(self, role: str) -> Lab:
        """The lab with a mask of which a true entry is one that is left out."""
        slots = tuple(replace(slot, inverted=slot.role == role) for slot in self.binding.slots)
        return replace(self, binding=replace(self.binding, slots=slots))

    @property
    def shown_sizes(self) -> str:
        """The sizes as text, such as `N=5 D=7 J=3`."""
        named = named_sizes(self.sizes, self.binding.layout)
        return " ".join(f"{name}={int(named[name])}" for name in "NDJTk" if name in named)

    def draw(self, seed: int) -> Values:
        """Role → random canonical values in the role's domain."""
        random, fixed = np.random.default_rng(seed), np.random.default_rng(_FIXED_SEED)
        return {
            role: self.draw_role(role, fixed if role in self.fixed_roles else random) for role in self.binding.roles
        }

    def draw_role(self, role: str, random: np.random.Generator) -> Array:
        """Random canonical values of one role."""
        shape, domain = self.binding.layout.shape(role, self.sizes), self.domains.get(role, "real")
        if role == "mask":
            kept = random.random(shape) < 0.6
            if len(shape) > 1 and shape[-1] > 1:  # no example is all kept or all masked
                kept[..., 0], kept[..., -1] = True, False
            else:
                kept.flat[:2] = True, False
            kept |= domain.endswith("all kept")
            return kept if domain.startswith("bool") else kept.astype(np.float64)
        if domain == "count":
            return random.integers(0, 7, shape).astype(np.float64)
        if domain == "class":  # without class 0, which some losses ignore as padding
            return random.integers(1, self.sizes["K"], shape)
        if domain in ("cholesky", "covariance"):
            factor = np.tril(random.uniform(-0.5, 0.5, shape), -1) + np.eye(shape[-1]) * random.uniform(0.5, 1.5, shape)
            return factor if domain == "cholesky" else factor @ np.swapaxes(factor, -1, -2)
        if domain == "binary":
            return random.integers(0, 2, shape).astype(np.float64)
        low, high = DOMAINS[domain]
        drawn = np.asarray(random.uniform(low, high, shape))
        beside = 0.5 + np.copysign(0.02, drawn - 0.5)  # near 1/2 frameworks use a Taylor series of log C
        return np.where(abs(drawn - 0.5) < 0.011, beside, drawn) if role == "recon" else drawn

    def terms(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Name → number or tensor, of all that the loss returns at these values.

        Raises:
            LossFailed: the loss raised, or returned no number.
        """
        self.calls[0] += 1
        return self.loss.terms(self.binding.arguments(values, self.parameters))

    def value(self, values: Mapping[str, Array]) -> float:
        """The sum of the terms in `total`."""
        terms = self.terms(values)
        return float(sum(float(np.sum(terms[name])) for name in self.total))

    def values(self, several: list[Values]) -> Array:
        """The loss at each of several draws, [draws]."""
        return np.array([self.value(values) for values in several])

    def allowed(self, *magnitudes: float) -> float:
        """The rounding error allowed in a difference of sums of these magnitudes: 64 epsilon of their total."""
        return 64 * self.epsilon * sum(abs(m) for m in magnitudes)
