"""Coefficients by name, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod

from .answer import Number
from .binding import named_sizes
from .experiments.reductions import collapsed
from .expressions import Monomial, evaluate, names_in, near
from .investigation import Investigation
from .normaliser import kept

PLAIN = (0.5, 1.0, 2.0)
"""Numbers of a sum that nobody divides."""


class Facts:
    """Coefficients by name, and what follows from them; `judgement` and `sentences` read it.

    Args:
        found: the experiments.
        known: sizes and arguments at which numbers are wanted.

    Attributes:
        pinned: quantities whose dependence on arguments was not found, and for all of these a value was set: they are
            known there.
    """

    def __init__(self, found: Investigation, known: Mapping[str, float]):
        self.found, self.lab, self.layout = found, found.lab, found.lab.binding.layout
        self.pinned = {
            quantity
            for quantity, names in found.arguments.undetermined.items()
            if names and all(name in known and self.lab.parameters.get(name) == known[name] for name in names)
        }
        self.recon, self.kl = self.monomial("recon"), self.monomial("kl")
        self.edited = [m for m in (found.recon, found.kl) if m is not None and m.edited is not None]
        self.bend = found.bent.term.bend if found.bent else None
        self.threshold = self.monomial("threshold")
        self.constants = self._constants()
        self.powers = self._powers()
        self.known = {
            slot.name: float(slot.default)
            for slot in self.lab.binding.slots
            if slot.role == "parameter" and slot.given and isinstance(slot.default, int | float)
        } | dict(known)
        self.kept = kept(self)
        if self.kept is not None and self.constants is None:
            self.constants = [self.kept.constant]
        if self.bend is not None and self.bend.kind == "floor" and self._is_hinge():
            self.bend = type(self.bend)("hinge", self.bend.per, self.bend.at)

    def monomial(self, quantity: str) -> Monomial | None:
        """A quantity as a number times powers of sizes and arguments; None where it was not measured or is none."""
        found, fitted = self.found, self.found.at_base
        if fitted is None:
            return None
        value = {"recon": fitted.recon, "kl": fitted.kl}.get(quantity)
        if quantity == "threshold" and found.bent is not None and found.bent.term.bend is not None:
            value = found.bent.term.bend.at
        powers = found.sizes.get(quantity)
        if value is None or powers is None or quantity in found.arguments.undetermined.keys() - self.pinned:
            return None
        names = collapsed(powers, self.layout)
        numbers: dict[str, float] = {
            **{k: float(v) for k, v in self.lab.sizes.items()},
            **named_sizes(self.lab.sizes, self.layout),
        }
        numbers |= {n: float(v) for n, v in self.lab.parameters.items() if isinstance(v, int | float)}
        arguments = found.arguments.powers.get(quantity, {})
        for name, power in {**names, **arguments}.items():
            at = evaluate(name, numbers)
            if not at:
                return None
            value /= at ** float(power)
        return Monomial(value, {**arguments, **names})

    def _powers(self) -> dict[str, dict[str, Fraction]]:
        """Term → exponents of the sizes: they are known where a coefficient's number or its arguments are not."""
        fitted, sizes = self.found.at_base, self.found.sizes
        scales = {} if fitted is None else {"recon": fitted.recon or "recon" in sizes, "kl": fitted.kl}
        known = [name for name, scale in scales.items() if scale and sizes.get(name) is not None]
        return {name: collapsed(sizes[name], self.layout) for name in known}

    @property
    def trained_alone(self) -> list[str]:
        """Roles of the posterior that only the gradient depends on: in the value they cancel."""
        slopes = self.found.slopes
        moved = slopes.wrong if slopes is not None else ()
        return [role for role in moved if role in ("mu", "scale", "z") and role not in self.found.state.roles]

    def undecided(self, quantity: str, axes: tuple[str, ...]) -> list[str]:
        """The axes of one size over which a mean is no other than a weighted sum: where the number is no plain one."""
        stuck = [axis for axis in axes if axis in self.found.stuck]
        if not stuck or quantity not in self.powers:
            return []
        term = self.recon if quantity == "recon" else self.kl
        if term is None:
            return stuck
        size = prod(self.lab.sizes[axis] for axis in stuck)
        as_sum, as_mean = (any(near(abs(term.number) * n, p) for p in PLAIN) for n in (1.0, float(size)))
        return [] if as_sum and (not as_mean or near(abs(term.number), 1.0)) else stuck

    def value_of(self, expression: str) -> float | None:
        """An expression's value at the arguments with which the loss was called."""
        numbers = {n: float(v) for n, v in self.lab.parameters.items() if isinstance(v, int | float)}
        return evaluate(expression, numbers)

    def _constants(self) -> list[Monomial] | None:
        """The constant's parts, with the arguments that they are proportional to."""
        if self.found.constants is None or "constant" in self.found.arguments.undetermined:
            return None
        powers = self.found.arguments.powers.get("constant", {})
        numbers = {n: float(v) for n, v in self.lab.parameters.items() if isinstance(v, int | float)}
        scale = prod((evaluate(name, numbers) or 1.0) ** float(power) for name, power in powers.items())
        return [Monomial(part.number / scale, {**powers, **part.powers}) for part in self.found.constants]

    def _is_hinge(self) -> bool:
        """Whether the loss is 0 and not λ below a floor: the constant tells."""
        fitted, bend = self.found.at_base, self.bend
        if fitted is None or bend is None or fitted.kl is None:
            return False
        sizes = named_sizes(self.lab.sizes, self.layout)
        batch = sizes.get("N", 1.0)
        units = {"element": batch * sizes["J"], "example": batch, "latent": batch * sizes["J"], "batch": batch}
        lost = fitted.kl * bend.at * units[bend.per]
        return abs(fitted.constant + lost) < 1e-6 * abs(lost)

    @property
    def sense(self) -> str | None:
        """By the sign of the data term; of the divergence where there is none."""
        fitted = self.found.at_base
        signs = [] if fitted is None else [fitted.recon, fitted.kl]
        for sign in signs:
            if sign:
                return "minimised" if sign > 0 else "maximised"
        return "minimised" if self.found.outer and self.found.outer.slope > 0 else None

    def number(self, expression: str, at: Mapping[str, float] | None = None) -> Number:
        """An expression with its value where all its names are known."""
        known = {**self.known, **(at or {})}
        names = {name for name in known if name in names_in(expression)}
        return Number(expression, {name: known[name] for name in sorted(names)}, evaluate(expression, known))

    @property
    def beta(self) -> Monomial | None:
        """kl / recon, per draw and datum; over the density's own weight where that is known."""
        if self.recon is None or self.kl is None or not self.recon.number:
            return None
        return self.kl.over(self.recon if self.kept is None else self.kept.weight)

    @property
    def sizes_in_weight(self) -> list[str]:
        """The sizes of data and latents that the KL's weight in effect changes with."""
        names = dict.fromkeys(("D", "J", *self.layout.data, *self.layout.latent))
        return [name for name in names if self.beta is not None and name in self.beta.powers]

    @property
    def unknown(self) -> bool:
        """Whether the loss depends on a side whose term was not identified."""
        found = self.found
        sides = ((found.recon, ("recon", "x")), (found.kl_term, ("mu", "scale", "z")))
        return any(term is None and any(r in found.state.roles for r in roles) for term, roles in sides)

    @property
    def affine(self) -> bool | None:
        fitted = self.found.at_base
        odd = self.edited or (self.found.apart and not self.found.apart.or_prior) or self.found.bent or self.found.outer
        if odd or self.found.tied or self.found.lab.held:
            return False
        if self.found.additive is not None and not self.found.additive.holds:
            return None
        if self.found.crooked and not self.found.clamps:
            return None
        if fitted is None or self.unknown:
            return None
        return True if fitted.holds or fitted.residual <= 4 * fitted.allowed else None
