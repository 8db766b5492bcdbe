"""Model specifications: which VAE a problem is about, and the names, axes and shapes of its canonical weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any

from .errors import BadInput

NETWORKS = ("mlp", "conv")
LIKELIHOODS = ("bernoulli", "gaussian", "gaussian-fixed")
PRIORS = ("standard", "learned")
ACTIVATIONS = ("tanh", "relu", "softplus")


@dataclass(frozen=True)
class Spec:
    """One VAE with a diagonal Gaussian posterior, as the numerical contract defines it.

    Attributes:
        network: `mlp` (hidden layers of the widths in `hidden`, in reverse for the decoder) or `conv`.
        likelihood: `bernoulli` on logits, `gaussian` with a log-variance head, or `gaussian-fixed`.
        prior: `standard` N(0, I) or `learned` (diagonal Gaussian).
        activation: after each hidden layer.
        hidden: widths of the hidden layers of the encoder.
        data_dim: size of the data axis.
        latent_dim: size of the latent axis.
        variance: the decoder's constant variance; only for `gaussian-fixed`.
        image_shape: (channel, height, width); only for `conv`.
        channels: widths of the encoder's convolutions; only for `conv`.
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

    def as_json(self) -> dict[str, Any]:
        """The fields that are set, as plain JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if v is not None}

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
            if name in ("variance", "image_shape", "channels"):
                continue
            raise BadInput(f"{where}: spec lacks the field '{name}'")
        values[name] = parse_field(name, document[name], where)
    spec = Spec(**values)
    _check_consistency(spec, where)
    return spec


def parse_field(name: str, value: Any, where: str) -> Any:
    """One field of a specification. Raises BadInput naming `where`, the field, what was expected and what was found."""
    choices = {"network": NETWORKS, "likelihood": LIKELIHOODS, "prior": PRIORS, "activation": ACTIVATIONS}
    if name in choices:
        if value not in choices[name]:
            raise BadInput(f"{where}: spec.{name}: expected one of {', '.join(choices[name])}; found {value!r}")
        return value
    if name == "variance":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise BadInput(f"{where}: spec.variance: expected a positive number; found {value!r}")
        return float(value)
    if name in ("data_dim", "latent_dim"):
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
    if spec.network == "mlp":
        if spec.image_shape is not None or spec.channels is not None:
            raise BadInput(f"{where}: spec: network 'mlp' takes neither image_shape nor channels")
        return
    if spec.image_shape is None or spec.channels is None:
        raise BadInput(f"{where}: spec: network 'conv' needs image_shape and channels")
    if spec.likelihood != "bernoulli":
        raise BadInput(f"{where}: spec.likelihood: network 'conv' has bernoulli only; found '{spec.likelihood}'")
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


def weight_axes(spec: Spec) -> dict[str, str]:
    """Canonical weights in the order of data flow, each with its axes.

    Returns:
        name → axes by name, outermost first. Parentheses mark a composite axis, outermost part first:
        `out (channel height width)` is a matrix whose columns run over an image.
    """
    conv = spec.network == "conv"
    image = "(channel height width)"
    axes: dict[str, str] = {}
    for i in range(len(spec.channels or ())):
        axes[f"encoder.conv.{i}.weight"] = "out in height width"
        axes[f"encoder.conv.{i}.bias"] = "out"
    for i in range(len(spec.hidden)):
        axes[f"encoder.hidden.{i}.weight"] = f"out {image}" if conv and i == 0 else "out in"
        axes[f"encoder.hidden.{i}.bias"] = "out"
    for head in ("encoder.mean", "encoder.log_variance"):
        axes[f"{head}.weight"] = "out in"
        axes[f"{head}.bias"] = "out"
    if spec.prior == "learned":
        axes["prior.mean"] = "latent"
        axes["prior.log_variance"] = "latent"
    for i in range(len(spec.hidden)):
        axes[f"decoder.hidden.{i}.weight"] = f"{image} in" if conv else "out in"
        axes[f"decoder.hidden.{i}.bias"] = image if conv else "out"
    for i in range(len(spec.channels or ())):
        axes[f"decoder.conv.{i}.weight"] = "in out height width"
        axes[f"decoder.conv.{i}.bias"] = "out"
    for head in spec.heads:
        axes[f"decoder.{head}.weight"] = "out in height width" if conv else "out in"
        axes[f"decoder.{head}.bias"] = "out"
    return axes


def weight_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Canonical weights in the order of data flow, each with its shape."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, fan_out: int, fan_in: int) -> None:
        shapes[f"{name}.weight"] = (fan_out, fan_in)
        shapes[f"{name}.bias"] = (fan_out,)

    width = spec.data_dim
    if spec.network == "conv":
        assert spec.image_shape and spec.channels
        fan_in = spec.image_shape[0]
        for i, channel in enumerate(spec.channels):
            shapes[f"encoder.conv.{i}.weight"] = (channel, fan_in, 3, 3)
            shapes[f"encoder.conv.{i}.bias"] = (channel,)
            fan_in = channel
        width = prod(spec.bottom_shape)
    for i, hidden in enumerate(spec.hidden):
        layer(f"encoder.hidden.{i}", hidden, width)
        width = hidden
    layer("encoder.mean", spec.latent_dim, width)
    layer("encoder.log_variance", spec.latent_dim, width)
    if spec.prior == "learned":
        shapes["prior.mean"] = shapes["prior.log_variance"] = (spec.latent_dim,)
    width = spec.latent_dim
    if spec.network == "conv":
        assert spec.image_shape and spec.channels
        layer("decoder.hidden.0", prod(spec.bottom_shape), width)
        fan_in = spec.channels[-1]
        for i, channel in enumerate(reversed(spec.channels)):
            shapes[f"decoder.conv.{i}.weight"] = (fan_in, channel, 3, 3)
            shapes[f"decoder.conv.{i}.bias"] = (channel,)
            fan_in = channel
        shapes["decoder.logits.weight"] = (spec.image_shape[0], fan_in, 3, 3)
        shapes["decoder.logits.bias"] = (spec.image_shape[0],)
        return shapes
    for i, hidden in enumerate(reversed(spec.hidden)):
        layer(f"decoder.hidden.{i}", hidden, width)
        width = hidden
    for head in spec.heads:
        layer(f"decoder.{head}", spec.data_dim, width)
    return shapes
