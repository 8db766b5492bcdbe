"""Which expressions do the measured coefficients have? The numbers that `judgement`, `remarks` and `sentences` read."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod

from .answer import Number
from .binding import named_sizes
from .experiments.reductions import collapsed
from .expressions import Monomial, evaluate, names_in, near
from .investigation import Investigation
from .normaliser import normaliser_of

PLAIN = (0.5, 1.0, 2.0)
"""The coefficients of terms that are summed, and not averaged."""


class Facts:
    """The measured coefficients as expressions, and what follows from them.

    Args:
        found: the results of the experiments.
        known: sizes and arguments at which expressions are evaluated, by name.

    Attributes:
        pinned: quantities whose dependence on arguments is unknown, while the user set a value of all these arguments:
            their coefficient is known at that value.
        recon, kl, threshold: coefficients and threshold as monomials; None if not determined.
        edited: the matches of a formula under an edit.
        bend: the threshold of the KL.
        constants: the constant as a sum of monomials; None if not determined.
        powers: term → exponents of the sizes.
        normaliser: the normaliser of the decoder's density, if the loss has it.
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
        self.normaliser = normaliser_of(self)
        if self.normaliser is not None and self.constants is None:
            self.constants = [self.normaliser.constant]
        if self.bend is not None and self.bend.kind == "floor" and self._is_hinge():
            self.bend = type(self.bend)("hinge", self.bend.per, self.bend.at)

    def monomial(self, quantity: str) -> Monomial | None:
        """A quantity as a number times powers of sizes and arguments; None if it was not measured or is no monomial.

        Args:
            quantity: `recon`, `kl` or `threshold`.
        """
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
        """Term → exponents of the sizes. They may be known where the dependence on arguments is not."""
        fitted, sizes = self.found.at_base, self.found.sizes
        scales = {} if fitted is None else {"recon": fitted.recon or "recon" in sizes, "kl": fitted.kl}
        known = [name for name, scale in scales.items() if scale and sizes.get(name) is not None]
        return {name: collapsed(sizes[name], self.layout) for name in known}

    @property
    def trained_alone(self) -> list[str]:
        """The roles of the posterior that have a gradient but do not change the value."""
        slopes = self.found.slopes
        moved = slopes.wrong if slopes is not None else ()
        return [role for role in moved if role in ("mu", "scale", "z") and role not in self.found.state.roles]

    def undecided(self, quantity: str, axes: tuple[str, ...]) -> list[str]:
        """The axes that ran at one size only and over which a mean cannot be told from a weighted sum."""
        fixed = [axis for axis in axes if axis in self.found.fixed_axes]
        if not fixed or quantity not in self.powers:
            return []
        term = self.recon if quantity == "recon" else self.kl
        if term is None:
            return fixed
        size = prod(self.lab.sizes[axis] for axis in fixed)
        as_sum, as_mean = (any(near(abs(term.number) * n, p) for p in PLAIN) for n in (1.0, float(size)))
        return [] if as_sum and (not as_mean or near(abs(term.number), 1.0)) else fixed

    def value_of(self, expression: str) -> float | None:
        """The value of an expression at the arguments of the calls."""
        numbers = {n: float(v) for n, v in self.lab.parameters.items() if isinstance(v, int | float)}
        return evaluate(expression, numbers)

    def _constants(self) -> list[Monomial] | None:
        """The parts of the constant, each with the powers of the arguments."""
        if self.found.constants is None or "constant" in self.found.arguments.undetermined:
            return None
        powers = self.found.arguments.powers.get("constant", {})
        numbers = {n: float(v) for n, v in self.lab.parameters.items() if isinstance(v, int | float)}
        scale = prod((evaluate(name, numbers) or 1.0) ** float(power) for name, power in powers.items())
        return [Monomial(part.number / scale, {**powers, **part.powers}) for part in self.found.constants]

    def _is_hinge(self) -> bool:
        """Whether the KL counts as 0 below its threshold λ (hinge), and not as λ (floor): a hinge adds −λ per unit."""
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
        """`minimised` or `maximised` by the sign of the data term, else of the KL; None if neither is known."""
        fitted = self.found.at_base
        signs = [] if fitted is None else [fitted.recon, fitted.kl]
        for sign in signs:
            if sign:
                return "minimised" if sign > 0 else "maximised"
        return "minimised" if self.found.outer and self.found.outer.slope > 0 else None

    def number(self, expression: str, at: Mapping[str, float] | None = None) -> Number:
        """An expression with its value at the known sizes and arguments, and at those of `at`."""
        known = {**self.known, **(at or {})}
        names = {name for name in known if name in names_in(expression)}
        return Number(expression, {name: known[name] for name in sorted(names)}, evaluate(expression, known))

    @property
    def beta(self) -> Monomial | None:
        """The KL's weight in effect: kl / recon, or kl over the weight of the decoder's density if that is known."""
        if self.recon is None or self.kl is None or not self.recon.number:
            return None
        return self.kl.over(self.recon if self.normaliser is None else self.normaliser.weight)

    @property
    def sizes_in_weight(self) -> list[str]:
        """The names of sizes of data and latents in the KL's weight in effect."""
        names = dict.fromkeys(("D", "J", *self.layout.data, *self.layout.latent))
        return [name for name in names if self.beta is not None and name in self.beta.powers]

    @property
    def unknown(self) -> bool:
        """Whether the loss depends on data or posterior and the term of that side was not identified."""
        found = self.found
        data, latent = ("recon", "x", "log_px", "log_joint"), ("mu", "scale", "z", "log_pz", "log_q")
        sides = ((found.recon, data), (found.kl_term, latent))
        return any(term is None and any(r in found.state.roles for r in roles) for term, roles in sides)

    @property
    def affine(self) -> bool | None:
        """Whether loss = a·R + b·K + c at fixed sizes and arguments; None if not determined."""
        fitted = self.found.at_base
        odd = self.edited or (self.found.apart and not self.found.apart.or_prior) or self.found.bent or self.found.outer
        if odd or self.found.examples_tied or self.found.lab.fixed_roles:
            return False
        if self.found.additive is not None and not self.found.additive.holds:
            return None
        if self.found.near_prior_only and not self.found.clamps:
            return None
        if fitted is None or self.unknown:
            return None
        return True if fitted.holds or fitted.residual <= 4 * fitted.allowed else None
