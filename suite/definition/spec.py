"""Model specifications: which VAE a problem is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from math import prod
from typing import Any

from .errors import BadInput

NETWORKS = ("mlp", "conv")
LIKELIHOODS = ("bernoulli", "gaussian", "gaussian-fixed")
PRIORS = ("standard", "learned", "vamp")
ACTIVATIONS = ("tanh", "relu", "softplus", "gated")
POSTERIORS = ("diagonal", "isotropic", "full", "rank-one", "free")
DECODER_WEIGHTS = ("point", "posterior")
#: Field of a specification → its closed list of words.
CHOICES = {
    "network": NETWORKS,
    "likelihood": LIKELIHOODS,
    "prior": PRIORS,
    "activation": ACTIVATIONS,
    "posterior": POSTERIORS,
    "decoder_weights": DECODER_WEIGHTS,
}
#: What a notation can ask about a specification: its closed words, and whether two of its numbers are set.
CONDITIONS = {**CHOICES, "latents": ("none", "layers", "chain"), "beta": ("one", "other")}


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
    def bottom_shape(self) -> tuple[int, int, int]:
        """(channel, height, width) after the last convolution of the encoder. `conv` only."""
        assert self.image_shape and self.channels
        halvings = 2 ** len(self.channels)
        return self.channels[-1], self.image_shape[1] // halvings, self.image_shape[2] // halvings

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the decoder's output layers."""
        return {
            "bernoulli": ("logits",),
            "gaussian": ("mean", "log_variance"),
            "gaussian-fixed": ("mean",),
        }[self.likelihood]


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
    _check_consistency(spec, where)
    return spec


def parse_field(name: str, value: Any, where: str) -> Any:
    """One field of a specification. Raises BadInput naming `where`, the field, what was expected and what was found."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise BadInput(f"{where}: spec.{name}: expected one of {', '.join(CHOICES[name])}; found {value!r}")
        return value
    if name in ("variance", "beta"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise BadInput(f"{where}: spec.{name}: expected a positive number; found {value!r}")
        return float(value)
    if name in ("data_dim", "latent_dim", "components", "data_count"):
        if not _is_size(value):
            raise BadInput(f"{where}: spec.{name}: expected a positive whole number; found {value!r}")
        return value
    if not isinstance(value, list | tuple) or not value or not all(_is_size(v) for v in value):
        raise BadInput(f"{where}: spec.{name}: expected a list of positive whole numbers; found {value!r}")
    if name == "image_shape" and len(value) != 3:
        raise BadInput(f"{where}: spec.image_shape: expected [channel, height, width]; found {value!r}")
    return tuple(value)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _check_consistency(spec: Spec, where: str) -> None:
    if (spec.likelihood == "gaussian-fixed") != (spec.variance is not None):
        verb = "needs" if spec.variance is None else "takes no"
        raise BadInput(f"{where}: spec.variance: likelihood '{spec.likelihood}' {verb} variance; found {spec.variance}")
    _check_family(spec, where)
    if spec.network == "mlp":
        if spec.image_shape is not None or spec.channels is not None:
            raise BadInput(f"{where}: spec: network 'mlp' takes neither image_shape nor channels")
        return
    if spec.image_shape is None or spec.channels is None:
        raise BadInput(f"{where}: spec: network 'conv' needs image_shape and channels")
    if spec.likelihood != "bernoulli":
        raise BadInput(f"{where}: spec.likelihood: network 'conv' has bernoulli only; found '{spec.likelihood}'")
    layered = spec.latents or spec.chain
    if spec.posterior != "diagonal" or spec.prior == "vamp" or layered or spec.decoder_weights != "point":
        raise BadInput(
            f"{where}: spec: network 'conv' takes a diagonal posterior, a standard or learned prior, no latents, "
            f"no chain and point decoder_weights"
        )
    if spec.activation == "gated":
        raise BadInput(f"{where}: spec.activation: network 'conv' has no activation 'gated'")
    if len(spec.hidden) != 1:
        raise BadInput(f"{where}: spec.hidden: network 'conv' has one hidden layer; found {len(spec.hidden)}")
    if spec.data_dim != prod(spec.image_shape):
        raise BadInput(
            f"{where}: spec.data_dim: expected {prod(spec.image_shape)}, the product of image_shape; "
            f"found {spec.data_dim}"
        )
    halvings = 2 ** len(spec.channels)
    for side in spec.image_shape[1:]:
        if side % halvings:
            raise BadInput(
                f"{where}: spec.image_shape: sides must be divisible by {halvings} (2 per convolution); found {side}"
            )


def _check_family(spec: Spec, where: str) -> None:
    if (spec.prior == "vamp") != (spec.components is not None):
        verb = "needs" if spec.components is None else "takes no"
        raise BadInput(f"{where}: spec.components: prior '{spec.prior}' {verb} components; found {spec.components}")
    if spec.prior == "vamp" and spec.posterior not in ("diagonal", "isotropic"):
        raise BadInput(
            f"{where}: spec.posterior: prior 'vamp' needs a posterior out of diagonal, isotropic; "
            f"found '{spec.posterior}'"
        )
    counted = spec.posterior == "free" or spec.decoder_weights == "posterior"
    if counted != (spec.data_count is not None):
        verb = "needs" if counted else "takes no"
        raise BadInput(
            f"{where}: spec.data_count: posterior '{spec.posterior}' with decoder_weights '{spec.decoder_weights}' "
            f"{verb} data_count; found {spec.data_count}"
        )
    for name, sizes in (("latents", spec.latents), ("chain", spec.chain)):
        if sizes is not None and sum(sizes) != spec.latent_dim:
            raise BadInput(
                f"{where}: spec.{name}: expected sizes that add up to latent_dim = {spec.latent_dim}; "
                f"found {list(sizes)}"
            )
    plain = spec.posterior == "diagonal" and spec.prior == "standard" and spec.decoder_weights == "point"
    if spec.chain is not None and (len(spec.chain) < 2 or spec.latents is not None or not plain):
        raise BadInput(
            f"{where}: spec.chain: expected two layers or more, with a diagonal posterior, a standard prior, no "
            f"latents and point decoder_weights; found {list(spec.chain)}"
        )
    if spec.latents is not None and spec.decoder_weights != "point":
        raise BadInput(f"{where}: spec.decoder_weights: expected 'point' where there are latents; found 'posterior'")
