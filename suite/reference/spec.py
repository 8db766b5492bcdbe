"""Model specifications: which VAE a problem is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, NamedTuple

from .errors import BadInput
from .families import BY_WORD, FAMILIES, Families
from .families.base import Family


class Kind(NamedTuple):
    """What a field of a specification may hold: in words, whether a JSON value is such, and how it is kept."""

    expected: str
    fits: Callable[[Any], bool]
    kept: Callable[[Any], Any]


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_positive(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < float("inf")


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_size(v) for v in value)


def _is_image(value: Any) -> bool:
    return _are_sizes(value) and len(value) == 3


_SIZE = Kind("a positive whole number", _is_size, int)
_POSITIVE = Kind("a positive number", _is_positive, float)
_SIZES = Kind("a list of positive whole numbers", _are_sizes, tuple)
_IMAGE = Kind("[channel, height, width], positive whole numbers", _is_image, tuple)

#: What a notation can ask about a specification: its closed words, and which of its numbers are set.
CONDITIONS = {condition: tuple(words) for condition, words in BY_WORD.items()} | {"beta": ("one", "other")}
LIKELIHOODS, POSTERIORS = CONDITIONS["likelihood"], CONDITIONS["posterior"]
#: Field of a specification → its closed list of words.
CHOICES = {name: words for name, words in CONDITIONS.items() if name not in ("latents", "beta")}
#: Field of a specification → what it may hold, but for those of `CHOICES`.
NUMBERS = {
    "hidden": _SIZES,
    "data_dim": _SIZE,
    "latent_dim": _SIZE,
    "variance": _POSITIVE,
    "image_shape": _IMAGE,
    "channels": _SIZES,
    "beta": _POSITIVE,
    "components": _SIZE,
    "latents": _SIZES,
    "chain": _SIZES,
    "data_count": _SIZE,
}


@dataclass(frozen=True)
class Spec:
    """One VAE, as the numerical contract defines it; what is not said is what most sources mean.

    Attributes:
        network: `mlp` (hidden layers of the widths in `hidden`, in reverse for the decoder) or `conv`.
        likelihood: `bernoulli` on logits, `gaussian` with a log-variance head, or `gaussian-fixed`.
        prior: `standard` N(0, I), `learned` (diagonal Gaussian), or `vamp`: the mixture, in equal parts, of q(z|u) over
            learned pseudo-inputs u.
        activation: after each hidden layer. `gated`: the layer's output times the sigmoid of a second layer's.
        hidden: widths of the hidden layers of the encoder.
        data_dim: size of the data axis.
        latent_dim: size of the latent axis.
        variance: the decoder's constant variance; only for `gaussian-fixed`.
        image_shape: (channel, height, width); only for `conv`.
        channels: widths of the encoder's convolutions; only for `conv`.
        posterior: q(z|x) is Gaussian; its covariance is `diagonal`, `isotropic` (one scale per datum), `full` (LLᵀ),
            `rank-one` (whose inverse is D + uuᵀ), or diagonal and `free`: no encoder, a mean and a log-variance per
            datum.
        beta: weight of the KL in the objective, 1 for the ELBO itself.
        components: number of pseudo-inputs; only for `vamp`.
        latents: sizes of the layers of a deep latent Gaussian model, the one next to the data first, whose noises are
            the latent axis; None where the decoder takes z itself.
        chain: sizes of stochastic layers that depend on each other, the one next to the data first: in q each on the
            one before it, in p each on the one after it; the latent axis has all of them. None for one layer.
        decoder_weights: `point`, or `posterior`: a diagonal Gaussian over each, against the prior N(0, I).
        data_count: number of data in the whole set; only where the posterior is `free` (it then is the batch) or the
            decoder's weights have a posterior.
    """

    network: str
    likelihood: str
    prior: str
    activation: str
    hidden: tuple[int, ...]
    data_dim: int
    latent_dim: int
    variance: float | None = None
    image_shape: tuple[int, int, int] | None = None
    channels: tuple[int, ...] | None = None
    posterior: str = "diagonal"
    beta: float = 1.0
    components: int | None = None
    latents: tuple[int, ...] | None = None
    chain: tuple[int, ...] | None = None
    decoder_weights: str = "point"
    data_count: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {f.name: values[f.name] for f in fields(self) if f.default is MISSING or values[f.name] != f.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}

    def word(self, condition: str) -> str:
        """The word of `CONDITIONS[condition]` that holds."""
        if condition == "latents":
            return "layers" if self.latents else "chain" if self.chain else "none"
        if condition == "beta":
            return "one" if self.beta == 1 else "other"
        return str(getattr(self, condition))

    def meets(self, when: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether each condition has one of its words."""
        return all(self.word(condition) in words for condition, words in when.items())

    @property
    def families(self) -> Families:
        """The families in force."""
        return Families(**{condition: words[self.word(condition)] for condition, words in BY_WORD.items()})

    def not_combined(self) -> Iterator[tuple[Family, str, tuple[str, ...]]]:
        """Each family in force that does not go with another: with a condition, and the words of it that it takes."""
        for family in self.families:
            for condition, words in family.combines:
                if self.word(condition) not in words:
                    yield family, condition, words

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the stochastic layers along the latent axis, the one next to the data first."""
        return self.latents or self.chain or (self.latent_dim,)

    @property
    def bottom_shape(self) -> tuple[int, int, int]:
        """(channel, height, width) after the last convolution of the encoder. `conv` only."""
        assert self.image_shape and self.channels
        halvings = 2 ** len(self.channels)
        return self.channels[-1], self.image_shape[1] // halvings, self.image_shape[2] // halvings


def parse_spec(document: Mapping[str, Any], where: str) -> Spec:
    """Read a specification from JSON values.

    Raises:
        BadInput: naming `where`, the field, what was expected and what was found.
    """
    known = {f.name: f for f in fields(Spec)}
    for name in document:
        if name not in known:
            raise BadInput(f"{where}: spec has an unknown field '{name}'; expected one of {', '.join(known)}")
    values: dict[str, Any] = {}
    for name in known:
        if name not in document:
            if known[name].default is not MISSING:
                continue
            raise BadInput(f"{where}: spec lacks the field '{name}'")
        values[name] = parse_field(name, document[name], where)
    spec = Spec(**values)
    for name, message in _contradictions(spec):
        raise BadInput(f"{where}: spec.{name}: {message}")
    return spec


def parse_field(name: str, value: Any, where: str) -> Any:
    """One field of a specification. Raises BadInput naming `where`, the field, what was expected and what was found."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise BadInput(f"{where}: spec.{name}: expected one of {', '.join(CHOICES[name])}; found {value!r}")
        return value
    kind = NUMBERS[name]
    if not kind.fits(value):
        raise BadInput(f"{where}: spec.{name}: expected {kind.expected}; found {value!r}")
    return kind.kept(value)


def _contradictions(spec: Spec) -> Iterator[tuple[str, str]]:
    """Each field that contradicts another, and what was expected and found of it."""
    in_force = spec.families._asdict()
    for name, default in ((f.name, f.default) for f in fields(Spec) if f.default is not MISSING):
        users = [family for family in FAMILIES if name in family.fields]
        needed, found = any(family in spec.families for family in users), getattr(spec, name)
        if users and needed != (found != default):
            named = " with ".join(_named(in_force[c]) for c in dict.fromkeys(family.condition for family in users))
            yield name, f"{named} {'needs' if needed else 'takes no'} {name}; found {_shown(found)}"
    for family, condition, words in spec.not_combined():
        name = condition if condition in CHOICES else in_force[condition].fields[0]
        expected = f"expected {' or '.join(words)} with {_named(family)}"
        yield name, f"{expected}; found {_shown(getattr(spec, name))}"
    for family in spec.families:
        yield from family.contradictions(spec)


def _named(family: Family) -> str:
    """A family as a specification says it: by a word, or by a field that is set."""
    if family.condition in CHOICES or not family.fields:
        return f"{family.condition} '{family.word}'"
    return f"spec.{family.fields[0]}"


def _shown(value: Any) -> str:
    """A field's value as JSON has it."""
    return repr(list(value) if isinstance(value, tuple) else value)
