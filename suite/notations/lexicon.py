"""A notation's own TeX by role, for equations: what it prints, else a form built from its letters, and said to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .notation import Notation, Symbol

#: What stands for a role that a source has no letter for.
NEUTRAL = {
    "data": "x",
    "latent": "z",
    "noise": r"\epsilon",
    "posterior_mean": r"\mu",
    "decoder_mean": r"\hat{x}",
    "decoder_probability": r"\hat{x}",
    "exact_bound": r"\mathrm{ELBO}",
    "elbo": r"\mathrm{ELBO}",
    "elbo_monte_carlo": r"\mathrm{ELBO}",
    "iwae": r"\mathrm{IWAE}",
    "objective": r"\mathrm{objective}",
    "latent_size": "J",
    "data_size": "D",
    "sample_count": "L",
    "batch_size": "M",
    "data_count": "N",
    "kl_weight": r"\beta",
}
#: What is wanted of a scale → scale kinds in the order in which it is taken from them, each with its form.
SCALES: dict[str, dict[str, str]] = {
    "variance": {
        "variance": "{0}",
        "sd": "{0}^2",
        "log_variance": "e^{{{0}}}",
        "log_sd": "e^{{2 {0}}}",
        "precision": "{0}^{{-1}}",
        "log_precision": "e^{{-{0}}}",
    },
    "sd": {
        "sd": "{0}",
        "variance": "{0}^{{1/2}}",
        "log_sd": "e^{{{0}}}",
        "log_variance": "e^{{{0} / 2}}",
        "precision": "{0}^{{-1/2}}",
        "log_precision": "e^{{-{0} / 2}}",
    },
    "log_variance": {
        "log_variance": "{0}",
        "log_sd": "2 {0}",
        "variance": r"\log {0}",
        "sd": r"\log {0}^2",
        "log_precision": "-{0}",
        "precision": r"-\log {0}",
    },
}
#: The same where a source has no symbol for a scale.
NEUTRAL_SCALE = {"variance": r"\sigma^2", "sd": r"\sigma", "log_variance": r"\log \sigma^2"}


@dataclass
class Lexicon:
    """TeX by role; `printed` and `built` collect which roles were taken from where."""

    notation: Notation
    printed: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)

    def symbol(self, *roles: str) -> Symbol | None:
        """The first symbol of the first of these roles that the source prints; a set of weights before one of them."""
        for role in roles:
            found = [s for s in self.notation.symbols if s.role == role]
            if found:
                return found[0]
        return None

    def letter(self, role: str) -> str:
        """A variable or size, without the indices that a source puts on it."""
        symbol = self.symbol(role)
        if symbol is None:
            self.built.add(role)
            return NEUTRAL[role]
        self.printed.add(role)
        return bare(symbol.tex)

    def weights(self, *roles: str) -> str | None:
        """The one letter for all weights of a model; None where the source names layers alone."""
        sets = [s for s in self.notation.symbols if s.role in roles and s.covers]
        if len(sets) != 1:
            return None
        self.printed.add(sets[0].role)
        return bare(sets[0].tex)

    @property
    def theta(self) -> str | None:
        return self.weights("generative_weights", "all_weights")

    @property
    def phi(self) -> str | None:
        return self.weights("inference_weights", "all_weights")

    def distribution(self, role: str) -> str:
        """A distribution as printed, or built from the source's letters."""
        symbol = self.symbol(role)
        if symbol is not None:
            self.printed.add(role)
            return symbol.tex
        self.built.add(role)
        x, z = self.letter("data"), self.letter("latent")
        inner = {"joint": f"{x},{z}", "marginal": x, "posterior": f"{z}|{x}", "likelihood": f"{x}|{z}", "prior": z}
        if role == "approximate_posterior":
            return f"q{_subscript(self.phi)}({z}|{x})"
        owner = None if role == "prior" else self.theta
        return f"p{_subscript(owner)}({inner[role]})"

    def kl(self) -> str:
        """KL(q ‖ prior) as printed, or built."""
        symbol = self.symbol("kl")
        if symbol is not None:
            self.printed.add("kl")
            return symbol.tex if symbol.sign == 1 else f"-{symbol.tex}"
        self.built.add("kl")
        return rf"D_{{KL}}({self.distribution('approximate_posterior')}\,\|\,{self.distribution('prior')})"

    def log_marginal(self) -> str:
        """log p(x) as printed, or built."""
        symbol = self.symbol("log_marginal")
        if symbol is not None:
            self.printed.add("log_marginal")
            return symbol.tex
        self.built.add("log_marginal")
        return rf"\log {self.distribution('marginal')}"

    def bound(self, *roles: str) -> tuple[str, int]:
        """The per-datum bound, and the sign with which the source has it."""
        return self._signed(self.symbol(*roles), roles[0])

    def exact_bound(self) -> tuple[str, int]:
        """The symbol of the bound itself, which no draw enters, and its sign: what stands for it alone, or for both."""
        return self.exact("exact_bound", "elbo", "elbo_monte_carlo") or self._signed(None, "exact_bound")

    def exact(self, *roles: str) -> tuple[str, int] | None:
        """The first of these roles that the source prints for no estimate, and its sign."""
        exact = [s for role in roles for s in self.notation.symbols if s.role == role and not s.estimate]
        return self._signed(exact[0], exact[0].role) if exact else None

    def estimate(self, role: str) -> tuple[str, int] | None:
        """The source's own symbol for an estimate of the bound, and its sign; None where it prints none."""
        symbol = next((s for s in self.notation.symbols if s.role == role and s.estimate), None)
        return None if symbol is None else self._signed(symbol, role)

    def _signed(self, symbol: Symbol | None, role: str) -> tuple[str, int]:
        if symbol is None:
            self.built.add(role)
            return NEUTRAL[role], 1
        self.printed.add(symbol.role)
        return symbol.tex, symbol.sign

    def scale(self, role: str, wanted: str) -> str:
        """A scale as `variance`, `sd` or `log_variance`, in the symbol that is nearest to it."""
        found = {s.scale: s for s in self.notation.symbols if s.role == role}
        for kind, form in SCALES[wanted].items():
            if kind not in found:
                continue
            self.printed.add(role)
            tex = bare(found[kind].tex)
            if kind.startswith("log_") and tex.startswith(r"\log "):  # what is printed is log of a scale: σ² itself
                inner, plain = tex.removeprefix(r"\log "), kind.removeprefix("log_")
                return tex if kind == wanted else SCALES[wanted][plain].format(inner)
            return form.format(tex)
        self.built.add(role)
        return NEUTRAL_SCALE[wanted]


def bare(tex: str) -> str:
    """TeX without an index of data or draws at its end: \\mathbf{z}^{(i,l)} → \\mathbf{z}."""
    return re.sub(r"\^\{\([a-z,]+\)\}$", "", tex)


def indexed(tex: str, index: str) -> str:
    """A letter with a subscript."""
    return f"{{{tex}}}_{{{index}}}"


def _subscript(letter: str | None) -> str:
    return f"_{{{letter}}}" if letter else ""
