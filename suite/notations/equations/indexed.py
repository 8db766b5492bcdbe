"""A notation's letters with the indices of an equation: none, or that of a datum on every letter that has one there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..notation import Notation, Symbol
from ..plain_tex import plain
from .leaves import Size
from .tex_letters import index_letter, index_of, replaced, upright, without_indices

#: The letters for a role without a letter in the source: the first that has no other meaning there is used.
NEUTRAL: dict[str, tuple[str, ...]] = {
    "data": ("x",),
    "latent": ("z",),
    "noise": (r"\epsilon",),
    "posterior_mean": (r"\mu",),
    "posterior_scale": (r"\sigma^2", "s^2"),
    "decoder_mean": (r"\hat{x}",),
    "decoder_probability": (r"\hat{x}",),
    "decoder_scale": (r"\sigma^2", "s^2", r"\tau^2"),
    "decoder_variance": (r"\sigma^2", "s^2", r"\tau^2"),
    "latent_size": ("J", "K", "d"),
    "data_size": ("D", "P", "d"),
    "sample_count": ("L", "S", "K"),
    "batch_size": ("M", "B", "m"),
    "data_count": ("N", "n"),
    "kl_weight": (r"\beta",),
    "component_count": ("K", "C"),
}
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol)\{")


@dataclass
class Indexed:
    """TeX by role; `printed` and `built` collect which roles were taken from where.

    Attributes:
        notation: the notation whose symbols are used.
        words: condition → the word under which the equation holds.
        indexed: whether the equation is one of a datum.
    """

    notation: Notation
    words: Mapping[str, str]
    indexed: bool = False
    printed: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)

    # What the source prints

    def symbols(self, *roles: str) -> list[Symbol]:
        """The symbols of these roles under the words, in the order of the roles."""
        return [s for role in roles for s in self.notation.symbols if s.role == role and self._holds(s)]

    def symbol(self, *roles: str) -> Symbol | None:
        """The first of them."""
        return next(iter(self.symbols(*roles)), None)

    def _holds(self, symbol: Symbol) -> bool:
        return all(self.words[condition] in words for condition, words in symbol.when.items())

    def neutral(self, role: str) -> str:
        """A letter for a role for which the source has none."""
        self.built.add(role)
        used = letters_used(self.notation)
        return next((tex for tex in NEUTRAL[role] if plain(tex).rstrip("^2") not in used), NEUTRAL[role][-1])

    @property
    def log(self) -> str:
        """The source's logarithm: `\\log` or `\\ln`, with `[` where its argument is bracketed."""
        for role in ("log_marginal", "log_prior", "log_likelihood", "log_posterior", "posterior_scale"):
            for symbol in self.symbols(role):
                if found := re.search(r"\\(?:log|ln)(?![A-Za-z])\[?", symbol.tex):
                    return found[0]
        return r"\log"

    # Letters and their indices

    @property
    def data_index(self) -> str:
        """The index that the source gives to data, or nothing."""
        symbol = self.symbol("data")
        return index_of(symbol.tex) if symbol is not None else ""

    def bare(self, role: str) -> str:
        """A letter without indices."""
        symbol = self.symbol(role)
        if symbol is None:
            return self.neutral(role)
        self.printed.add(role)
        return self._of_one_layer(without_indices(symbol.tex))

    def _of_one_layer(self, tex: str) -> str:
        """Words upright; where there is one layer of latents, h for its first and last ones."""
        latent = self.symbol("latent")
        if (
            latent is not None
            and self.words["latents"] == "none"
            and "chain" in self.notation.supports.words["latents"]
        ):
            tex = re.sub(re.escape(latent.tex) + r"\^(?:1|L)", lambda _: latent.tex, tex)
        return upright(tex)

    @property
    def x(self) -> str:
        return self.bare("data") + (self.data_index if self.indexed else "")

    @property
    def z(self) -> str:
        """z under an expectation."""
        return self.bare("latent") + (self._latent_index if self.indexed else "")

    @property
    def _latent_index(self) -> str:
        """The index of data on z, where z has it apart from that of draws."""
        symbol, index = self.symbol("latent"), self.data_index
        return index if symbol is not None and index.startswith("_") and index in symbol.tex else ""

    def drawn(self, index: str) -> str:
        """z with the index of its draw."""
        symbol = self.symbol("latent")
        if symbol is not None and f"{index})}}" in symbol.tex:
            return symbol.tex if self.indexed else without_indices(symbol.tex)
        if symbol is not None and symbol.tex.endswith("^*"):
            return f"{symbol.tex}_{index}"
        noise = self.symbol("noise")
        if noise is not None and not self.data_index and noise.tex.endswith("_i"):
            return f"{self.z}_{index}"
        return f"{self.z}^{{({index})}}"

    def normal(self, index: str | None = None) -> str:
        """The standard normal of the noise, or of a component: bold where the source prints vectors so."""
        if index is not None:
            return r"\mathcal{N}(0, 1)"
        return r"\mathcal{N}(\mathbf{0}, \mathbf{I})" if _BOLD.match(self.bare("latent")) else r"\mathcal{N}(0, I)"

    def draw_index(self) -> str:
        """The letter that counts draws."""
        letter = plain(self.size("sample_count").tex)
        return letter.lower() if len(letter) == 1 and letter.isupper() else "l" if self.data_index else "i"

    def data_letter(self) -> str:
        """The letter that counts data."""
        return index_letter(self.data_index) or "i"

    @property
    def pixel_index(self) -> str:
        """The letter that counts the components of x: another than that of data, whose x_i is a datum."""
        return "j" if self.data_index == "_i" else "i"

    def with_indices(self, tex: str, z: str | None = None) -> str:
        """A printed formula with the indices of the equation."""
        tex = self._of_one_layer(tex)
        if not self.indexed:
            return without_indices(tex)
        bare_z = self.bare("latent")
        tex = replaced(tex, self.bare("data"), self.x) if self.data_index else tex
        tex = re.sub(re.escape(bare_z) + r"\^\*", lambda _: bare_z, tex)
        for symbol in self.symbols("inference_weights"):
            if self.data_index and symbol.tex.endswith(self.data_index):
                tex = replaced(tex, without_indices(symbol.tex), symbol.tex)
        if z is not None and (index := self._latent_index):
            tex = tex.replace(bare_z + index, bare_z)
        return replaced(tex, bare_z, z or self.z)

    def size(self, role: str) -> Size:
        """A constant in the source's letter, or in one that means nothing else there."""
        symbol = self.symbol(role)
        if symbol is None:
            return Size(self.neutral(role), role)
        self.printed.add(role)
        return Size(upright(symbol.tex), role)


def letters_used(notation: Notation) -> set[str]:
    """Every single letter that a source prints; the D of D_KL is none."""
    printed = (*(symbol.tex for symbol in notation.symbols), *notation.letters)
    texts = (plain(tex).replace("D_KL", "") for tex in printed)
    return {letter for text in texts for letter in re.findall(r"(?<![^\W_])[^\W\d_](?![^\W_])", text)}
