"""A notation's own symbols by role, as leaves of formulas: as printed, or else built from the source's letters.

An equation speaks of any x and z, without indices; or of one datum, with the index that the source gives to data on
every letter that has one there.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ...reference.weights import weight_shapes
from ..constants import Constant
from ..models import small_model
from ..notation import Notation, Symbol
from ..plain_tex import plain
from ..roles import ROLES
from .calculus import Divergence
from .expressions import Expression, Fraction, Log, Sum, times
from .indexed import Indexed
from .leaves import Density, Number, Quantity, Vector, number
from .scales import OF_MATRIX, Letter, in_kind
from .tex_letters import component, level_of, numbered, replaced, upright, without_indices

#: The same for a term or a bound, as a word.
WORDS = {"objective": {"minimised": r"\mathrm{loss}", "maximised": r"\mathrm{objective}"}}
BOUND = r"\mathrm{ELBO}"
#: KL(q ‖ p) where a source prints none.
DIVERGENCE = r"D_{{\mathrm{{KL}}}}({}\,\|\,{})"
#: Role of a KL → the roles of q and p.
DIVERGES = {"kl": ("approximate_posterior", "prior"), "weight_kl": ("weight_posterior", "weight_prior")}
_DIVERGENCE = re.compile(
    r"((?:\\[A-Za-z]+\{[A-Za-z]+\}|D)(?:_\{(?:KL|\\mathrm\{KL\})\})?)"  # D_{KL}, \mathrm{KL}, \mathcal{D}
    r"([(\[])(.*?)(\s*(?:\\,)?\\\|(?:\\,)?\s*)(.*)([)\]])"  # (q\,\|\,p)
)
#: More weights than these are all weights, and ∇ has no subscript.
SUBSCRIPTS = 3


@dataclass
class Lexicon(Indexed):
    """Leaves of formulas by role."""

    def density(self, role: str, z: str | None = None) -> Density:
        """A distribution as printed, or built from the source's letters; at z, or at a draw of it."""
        symbol = self.symbol(role)
        if symbol is not None:
            self.printed.add(role)
            return Density(self.with_indices(symbol.tex, z), role)
        self.built.add(role)
        return Density(self.with_indices(self._built_density(role), z), role)

    def _built_density(self, role: str) -> str:
        x, z = self.bare("data"), self.bare("latent")
        likelihood, prior = self.symbol("likelihood"), self.symbol("prior")
        bar = r"\mid " if likelihood is not None and r"\mid" in likelihood.tex else "|"
        inner = {"joint": f"{x},{z}", "marginal": x, "posterior": z + bar + x, "likelihood": f"{x}|{z}", "prior": z}
        if likelihood is not None and role in ("joint", "marginal", "posterior"):
            tex = without_indices(likelihood.tex)
            whole = re.fullmatch(rf"(.*?\(){re.escape(x)}\s*(?:\||\\mid)\s*{re.escape(z)}(.*)\)", tex)
            if whole is not None:
                name, rest = whole.groups()
                if prior is not None and (own := re.match(r"p_\{(.*?)\}\(", prior.tex)) and own[1] not in name:
                    name = name.replace("}(", f",{own[1]}}}(")  # the joint has the weights of both
                rest = rest if role == "posterior" or not rest.startswith(",") else f"|{rest[1:].strip()}"
                return f"{name}{inner[role]}{rest})"
        if role == "approximate_posterior":
            return f"q{self._subscript('inference_weights')}({z}|{x})"
        owner = "" if role == "prior" else self._subscript("generative_weights")
        return f"p{owner}({inner[role]})"

    def _subscript(self, role: str) -> str:
        sets = [s for s in self.symbols(role, "all_weights") if s.covers]
        return f"_{{{sets[0].tex}}}" if len(sets) == 1 and "mathtt" not in sets[0].tex else ""

    def logged(self, role: str, z: str | None = None) -> Log:
        """log of a distribution."""
        return Log(self.density(role, z), self.log)

    def log_marginal(self) -> Expression:
        """log p(x)."""
        if (symbol := self.symbol("log_marginal")) is not None:
            return self._whole(symbol)
        self.built.add("log_marginal")
        return self.logged("marginal")

    # Terms and bounds

    def _leaf(self, symbol: Symbol, tex: str | None = None) -> Quantity:
        self.printed.add(symbol.role)
        tex = tex or self.with_indices(symbol.tex)
        return Quantity(tex, symbol.role, symbol.sign, symbol.dropped, symbol.estimate)

    def _whole(self, symbol: Symbol) -> Expression:
        """The quantity itself: its symbol with the sign that undoes the source's, and with what the source drops."""
        leaf = self._leaf(symbol)
        return leaf if symbol.sign == 1 and not symbol.dropped else self.undropped(symbol, leaf)

    def undropped(self, symbol: Symbol, leaf: Quantity) -> Sum:
        """A symbol with the sign that undoes the source's, and the constants that the source drops."""
        return Sum(((symbol.sign, leaf), *((constant.sign, self.constant(constant)) for constant in symbol.dropped)))

    def constant(self, constant: Constant) -> Expression:
        """A constant in the letters of the source."""
        word, two_pi = constant.word, Number(r"2\pi", "number", 2 * math.pi)
        if word == "log K":
            return Log(self.size("component_count"), self.log)
        half = Fraction(self.size("latent_size" if word.startswith("J") else "data_size"), number(2))
        if word.endswith("2π"):
            return times(half, Log(two_pi, self.log))
        return half if word == "J/2" else times(half, Log(self.size("decoder_variance"), self.log))

    def divergence(self, q: str, p: str) -> Divergence:
        """KL(q ‖ p) in the source's name and brackets."""
        return Divergence(self._divergence_form(), self.density(q), self.density(p))

    def _divergence_form(self) -> str:
        for symbol in self.symbols("kl", "weight_kl", "elbo", "exact_bound"):
            found = _DIVERGENCE.search(symbol.tex)
            if found is None or "=" in found[1]:
                continue
            name, opening, _, bar, _, closing = found.groups()
            name = upright(name).replace("{", "{{").replace("}", "}}")
            return f"{name}{opening}{{}}{bar}{{}}{closing}"
        return DIVERGENCE

    def kl(self, role: str = "kl") -> Expression:
        """A KL: the source's name for it; where it has none, or prints a formula in its place, KL(q ‖ p).

        Args:
            role: `kl`, of q(z|x) and the prior, or `weight_kl`, of the decoder's weights.
        """
        symbol = self.symbol(role)
        if symbol is not None and level_of(symbol.tex) == 2:
            return self._whole(symbol)
        if symbol is None:
            self.built.add(role)
        return self.divergence(*DIVERGES[role])

    def kl_formula(self) -> Expression | None:
        """What the source prints in place of a name for KL(q ‖ prior); with its sum over j it is the closed form."""
        symbol = self.symbol("kl")
        if symbol is None or level_of(symbol.tex) == 2 or r"\sum" in symbol.tex:
            return None
        return self._whole(symbol)

    def bound(self, avoid: str = "") -> Expression:
        """The exact bound; a neutral name where what the source prints for it has the formula `avoid` in it.

        And where an index alone tells a datum's bound from that of all data, in an equation without indices.
        """
        exact = [s for s in self.symbols("exact_bound", "elbo", "elbo_monte_carlo") if not s.estimate]
        for symbol in exact[:1]:
            whole = self._whole(symbol)
            if (not avoid or avoid not in whole.tex) and (self.indexed or not self._told_by_index(symbol)):
                return whole
        if exact:
            self.printed.discard(exact[0].role)
        self.built.add("exact_bound")
        name = numbered(BOUND, self.data_letter()) if self.indexed and self.data_index else BOUND
        return Quantity(name, "exact_bound")

    def _told_by_index(self, symbol: Symbol) -> bool:
        """Whether a bound of a datum would look like one of all data without the index of the datum."""
        bare = without_indices(symbol.tex)
        return bare != symbol.tex and self.bare("data") not in bare

    def named(self, role: str, *, estimate: bool) -> Expression | None:
        """The source's own symbol for a bound, or for an estimate of it; None where it prints none."""
        found = [s for s in self.symbols(role) if s.estimate is estimate]
        return self._whole(found[0]) if found else None

    def bound_of_datum(self, role: str, index: str) -> tuple[Quantity, Symbol | None]:
        """The bound of one datum of a batch as the source has it, with an index of the datum; and its symbol."""
        symbol = self.symbol(role, "exact_bound")
        if symbol is None:
            self.built.add(role)
            return Quantity(numbered(BOUND, index), role), None
        return self.of_datum(symbol, index), symbol

    def of_datum(self, symbol: Symbol, index: str) -> Quantity:
        """A quantity of one datum of a batch as the source has it, with an index of the datum."""
        if self.data_index:
            tex = self.with_indices(symbol.tex)
        else:
            tex = replaced(upright(symbol.tex), self.bare("data"), f"{self.bare('data')}_{index}")
        if tex == upright(symbol.tex) and not (self.data_index and self.data_index in tex):
            tex = numbered(tex, index)
        return self._leaf(symbol, tex)

    # Vectors and sizes

    def vector(self, role: str, index: str | None = None) -> Vector:
        """x, z, ε or a mean, or a component of it."""
        tensor = ROLES[role].tensor or role
        tex = self.neutral(role) if self._names_a_density(role) else self.bare(role)
        return Vector(tex if index is None else component(tex, index), tensor)

    def _names_a_density(self, role: str) -> bool:
        """Whether what the source prints for a mean of p(x|z) is p(x|z) itself: no letter for a component of it."""
        mean, likelihood = self.symbol(role), self.symbol("likelihood")
        if mean is None or likelihood is None:
            return False
        texts = [plain(without_indices(symbol.tex)).replace(" ", "") for symbol in (mean, likelihood)]
        return texts[0] == texts[1]

    def component_of_mean(self) -> str | None:
        """The index of a component where the source prints the posterior's mean by components alone."""
        symbol = self.symbol("posterior_mean")
        return "j" if symbol is not None and "_j" in symbol.tex else None

    def scale(self, role: str, needed: str, index: str | None = None) -> Expression:
        """A scale as `variance`, `sd` or `log_variance`, in the symbol that is nearest to it."""
        return in_kind(self.scale_letters(role), needed, index, self.log)

    def scale_letters(self, role: str) -> list[Letter]:
        """The printed scales of a role, and matrices of the posterior."""
        found = []
        for symbol in self.symbols(role, *(["posterior_matrix"] if role == "posterior_scale" else [])):
            kind = OF_MATRIX.get(str(symbol.scale), symbol.scale)
            if symbol.tensor is None or kind not in ROLES["posterior_scale"].scales:
                continue
            if role == "decoder_scale" and symbol.tex in {s.tex for s in self.symbols("decoder_mean")}:
                continue  # one name for both heads names neither
            self.printed.add(symbol.role)
            shared = "latent" in ROLES[role].axes and not {"latent", "row"} & set(symbol.axes)
            found.append(Letter(upright(without_indices(symbol.tex)), str(kind), symbol.tensor, shared))
        if found:
            return found
        prefix = role.removesuffix("_scale")
        return [Letter(self.neutral(role), "variance", f"{prefix}_variance")]

    # Weights

    def weights(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The letters of ∇'s subscript, and the canonical weights that they cover: all of the model."""
        names = list(weight_shapes(small_model(self.words, self.notation.supports, latents=1)))
        sets: list[tuple[str, frozenset[str], str]] = []
        for symbol in self.symbols("generative_weights", "prior_weights", "inference_weights", "all_weights"):
            covered = frozenset(n for n in names if any(fnmatchcase(n, pattern) for pattern in symbol.covers))
            if covered and not any(covered <= other for _, other, _ in sets):
                sets = [entry for entry in sets if not entry[1] < covered]
                sets.append((upright(symbol.tex), covered, symbol.role))
        letters = all("(" not in tex for tex, _, _ in sets)
        if len(sets) > SUBSCRIPTS or not letters or {name for _, covered, _ in sets for name in covered} != set(names):
            return (), tuple(names)
        self.printed |= {role for _, _, role in sets}
        return tuple(self.with_indices(tex) for tex, _, _ in sets), tuple(names)


def own_words(notation: Notation) -> dict[str, str]:
    """The source's own words: of each condition the first in its file, but C = (D + uuᵀ)⁻¹ where it has that."""
    words = {condition: supported[0] for condition, supported in notation.supports.words.items()}
    posteriors = notation.supports.words["posterior"]
    return words | {
        "network": "mlp",
        "activation": "tanh",
        "posterior": "rank-one" if "rank-one" in posteriors else words["posterior"],
        "beta": "other" if weighs_kl(notation) else "one",
    }


def weighs_kl(notation: Notation) -> bool:
    """Whether the objective has a β, and a bound with it another name than one without."""
    by_role = {symbol.role: symbol.tex for symbol in notation.symbols}
    own_name = by_role.get("weighted_elbo") != by_role.get("elbo") or "weighted_elbo" not in by_role
    return notation.objective.beta == "beta" and own_name
