"""The loss as a function of NumPy values: draws of them, its value, its gradient, and how much of it is rounding."""

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
"""The range of each domain that values are drawn from; `count` is 0 to 6, `class` 1 to K - 1."""
_HELD = 99
"""The seed of what is held."""


class Called(Protocol):
    """The user's loss, of one framework, on arguments of NumPy values and numbers."""

    name: str

    def terms(self, arguments: Mapping[str, Any]) -> dict[str, Array]:
        """Every number and tensor that a call returns, by name."""

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        """Argument → gradient of the sum of the named terms; None where the framework has none."""


@runtime_checkable
class InDtypes(Protocol):
    """A loss that can be called in other dtypes than float64."""

    def has(self, dtype: str) -> bool:
        """Whether the framework has a dtype."""

    def rounded(self, value: Array, dtype: str) -> Array:
        """Values as the dtype holds them, in float64; what are no real numbers as they are."""

    def working_in(self, dtype: str) -> AbstractContextManager[None]:
        """Inside, arguments are handed over in a dtype."""


class Float64:
    """What calls a loss on float64, unless it is told of another dtype."""

    dtype = "float64"

    @contextmanager
    def working_in(self, dtype: str) -> Iterator[None]:
        """Inside, arguments are handed over in a dtype."""
        self.dtype = dtype
        try:
            yield
        finally:
            self.dtype = Float64.dtype


class LossFailed(Exception):
    """The loss raised, or returned what is no number."""


@dataclass
class Lab:
    """The loss bound, at sizes and parameters.

    Attributes:
        loss: the user's.
        binding: roles and layout.
        sizes: axis → size.
        parameters: of the call.
        domains: role → domain.
        total: the terms whose sum is explained.
        calls: how often the loss was called, shared by all that were made from this.
        held: the roles whose values are the same in every draw of one size.
    """

    loss: Called
    binding: Binding
    sizes: Sizes
    parameters: Mapping[str, Any]
    domains: Mapping[str, str]
    total: tuple[str, ...] = ()
    epsilon: float = float(np.finfo(np.float64).eps)
    calls: list[int] = field(default_factory=lambda: [0])
    held: frozenset[str] = frozenset()

    def at(self, sizes: Mapping[str, int] | None = None, parameters: Mapping[str, Any] | None = None) -> Lab:
        """The same at other sizes or parameters."""
        return replace(
            self, sizes={**self.sizes, **(sizes or {})}, parameters={**self.parameters, **(parameters or {})}
        )

    def exchanged(self, one: str, two: str) -> Lab:
        """The lab with two roles exchanged, where a formula says what no name did."""
        domains = {**self.domains, one: self.domains.get(two, "real"), two: self.domains.get(one, "real")}
        return replace(self, binding=self.binding.exchanged(one, two), domains=domains)

    def inverted(self, role: str) -> Lab:
        """The lab with a mask of which a true entry is one that is left out."""
        slots = tuple(replace(slot, inverted=slot.role == role) for slot in self.binding.slots)
        return replace(self, binding=replace(self.binding, slots=slots))

    @property
    def shown_sizes(self) -> str:
        """`N=5 D=7 J=3`."""
        named = named_sizes(self.sizes, self.binding.layout)
        return " ".join(f"{name}={int(named[name])}" for name in "NDJTk" if name in named)

    def draw(self, seed: int) -> Values:
        """Values of every role, random in its domain."""
        random, held = np.random.default_rng(seed), np.random.default_rng(_HELD)
        return {role: self.draw_role(role, held if role in self.held else random) for role in self.binding.roles}

    def draw_role(self, role: str, random: np.random.Generator) -> Array:
        """Values of one role."""
        shape, domain = self.binding.layout.shape(role, self.sizes), self.domains.get(role, "real")
        if role == "mask":
            kept = random.random(shape) < 0.6
            if len(shape) > 1 and shape[-1] > 1:  # each example has both, so that its kept ones may be divided by
                kept[..., 0], kept[..., -1] = True, False
            else:
                kept.flat[:2] = True, False
            kept |= domain.endswith("all kept")
            return kept if domain.startswith("bool") else kept.astype(np.float64)
        if domain == "count":
            return random.integers(0, 7, shape).astype(np.float64)
        if domain == "class":  # none is 0, which is padding for some
            return random.integers(1, self.sizes["K"], shape)
        if domain in ("cholesky", "covariance"):
            factor = np.tril(random.uniform(-0.5, 0.5, shape), -1) + np.eye(shape[-1]) * random.uniform(0.5, 1.5, shape)
            return factor if domain == "cholesky" else factor @ np.swapaxes(factor, -1, -2)
        if domain == "binary":
            return random.integers(0, 2, shape).astype(np.float64)
        low, high = DOMAINS[domain]
        drawn = np.asarray(random.uniform(low, high, shape))
        beside = 0.5 + np.copysign(0.02, drawn - 0.5)  # a continuous Bernoulli is a Taylor series around 1/2
        return np.where(abs(drawn - 0.5) < 0.011, beside, drawn) if role == "recon" else drawn

    def terms(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """What the loss returns.

        Raises:
            LossFailed: it raised.
        """
        self.calls[0] += 1
        return self.loss.terms(self.binding.arguments(values, self.parameters))

    def value(self, values: Mapping[str, Array]) -> float:
        """The sum of the terms that are explained."""
        terms = self.terms(values)
        return float(sum(float(np.sum(terms[name])) for name in self.total))

    def values(self, several: list[Values]) -> Array:
        """The loss at each."""
        return np.array([self.value(values) for values in several])

    def allowed(self, *magnitudes: float) -> float:
        """What rounding explains of a difference of sums of these magnitudes, generously: 64 times eps of them."""
        return 64 * self.epsilon * sum(abs(m) for m in magnitudes)
