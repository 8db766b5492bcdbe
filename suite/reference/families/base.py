"""What a family of models is: one word of a condition, with all that the word means.

A condition is a question about a specification (`prior`: standard, learned or vamp?); each answer is a family. The
sub-classes of `Family` here are the conditions; each file beside this one has the families of one idea.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..densities import Posterior
from ..networks import affine, hidden
from ..node import Node
from ..slots import Slot, layer
from .fields import Among, Field

if TYPE_CHECKING:
    from ..spec import Spec

Weights = Mapping[str, Node]


@dataclass(frozen=True)
class Lifting:
    """One way to write a special case as a more general model.

    Attributes:
        name: in words, special case first.
        target: the general specification of a special one; None where the special case does not hold.
        fill: (special specification, canonical weight that only the general one has) → its constant value.
    """

    name: str
    target: Callable[[Spec], Spec | None]
    fill: Callable[[Spec, str], float | NDArray[np.float64]] = lambda spec, name: 0.0


class Family(ABC):
    """One word of a condition.

    Attributes:
        condition: whose word it is.
        word: as a specification and notation.toml have it.
        fields: the fields of a specification that it needs; where no family in force names a field, it is refused.
        combines: what it goes with; with every word of the conditions that are not named.
        liftings: how special cases are written as this family.
    """

    condition: ClassVar[str]
    word: str
    fields: tuple[Field, ...] = ()
    combines: tuple[Among, ...] = ()
    liftings: tuple[Lifting, ...] = ()

    def contradictions(self, spec: Spec) -> Iterator[tuple[str, str]]:
        """Each field that contradicts another, and what was expected and found of it."""
        return iter(())


class NetworkFamily(Family):
    """How the encoder reads an image, and the decoder writes one."""

    condition = "network"

    @abstractmethod
    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        """Canonical weights from the data to the last hidden layer."""

    @abstractmethod
    def decoder_slots(self, spec: Spec, width: int) -> Iterator[Slot]:
        """Canonical weights from `width` numbers to the heads of p(x|z)."""

    @abstractmethod
    def encode(self, spec: Spec, x: Node, w: Weights) -> Node:
        """x [batch, data] → what the hidden layers read."""

    @abstractmethod
    def decode(self, spec: Spec, entering: Node, w: Weights) -> dict[str, Node]:
        """[..., batch, in] → the heads of p(x|z) by name, each [..., batch, data]."""

    @abstractmethod
    def widest(self, spec: Spec) -> int:
        """Numbers per example and sample in the largest tensor of a forward pass."""


class ActivationFamily(Family):
    """What follows the affine part of a hidden layer."""

    condition = "activation"

    @abstractmethod
    def slots(self, name: str, fan_out: int, fan_in: int) -> Iterator[Slot]:
        """Canonical weights of a hidden layer beside the affine ones."""

    @abstractmethod
    def hidden(self, entering: Node, w: Weights, name: str) -> Node:
        """One whole hidden layer."""

    @abstractmethod
    def function(self, a: Node) -> Node:
        """The activation alone, element by element."""


class LikelihoodFamily(Family):
    """p(x|z).

    Attributes:
        heads: the decoder's output layers.
        data_is_unit: whether data lie in [0, 1].
    """

    condition = "likelihood"
    heads: tuple[str, ...]
    data_is_unit = False

    @abstractmethod
    def log_density(self, spec: Spec, x: Node, heads: Weights) -> Node:
        """x [batch, data] and the heads → log p(x|z) [sample, batch]."""

    @abstractmethod
    def tensors(self, heads: Weights) -> dict[str, Node]:
        """What sources print of it, by canonical name."""


class PriorFamily(Family):
    """p(z)."""

    condition = "prior"

    @abstractmethod
    def slots(self, spec: Spec) -> Iterator[Slot]:
        """Its canonical weights."""

    @abstractmethod
    def log_density(self, spec: Spec, z: Node, w: Weights) -> Node:
        """z [..., latent] → log p(z) [...]."""

    @abstractmethod
    def closed_form_kl(self, q: Posterior, w: Weights) -> Node | None:
        """KL(q(z|x) ‖ p(z)) [batch]; None where there is no closed form."""

    def tensors(self, w: Weights) -> dict[str, Node]:
        """What sources print of it, by canonical name."""
        return {}

    def widest(self, spec: Spec) -> int:
        """Numbers per example and sample in its largest tensor."""
        return spec.latent_dim


class PosteriorFamily(Family):
    """q(z|x) out of an encoder."""

    condition = "posterior"

    def slots(self, spec: Spec) -> Iterator[Slot]:
        """The canonical weights of the encoder."""
        yield from spec.network_family.encoder_slots(spec)
        latent, width = spec.latents_family.encoded(spec), spec.hidden[-1]
        yield from layer("encoder.mean", latent, width)
        yield from layer("encoder.log_variance", self.scales(latent), width)
        yield from spec.latents_family.encoder_slots(spec)
        yield from self.covariance_slots(spec, width)

    def scales(self, latent: int) -> int:
        """Numbers per datum in the head `log_variance`, for so many latents."""
        return latent

    def covariance_slots(self, spec: Spec, width: int) -> Iterator[Slot]:
        """Heads beside `mean` and `log_variance`."""
        return iter(())

    def encode(self, spec: Spec, x: Node, w: Weights) -> dict[str, Node]:
        """x [batch, data] → the heads by name: `mean`, `log_variance` and what the covariance needs beside it."""
        last = hidden(spec, spec.network_family.encode(spec, x, w), w, "encoder.hidden")
        beside = (slot.name.split(".")[1] for slot in self.covariance_slots(spec, spec.hidden[-1]))
        return {head: affine(last, w, f"encoder.{head}") for head in dict.fromkeys(("mean", "log_variance", *beside))}

    def diagonal(self, spec: Spec, heads: Weights) -> tuple[Node, Node]:
        """Mean and log-variance [..., latent]. Raises ValueError where the covariance is not diagonal."""
        raise ValueError(f"posterior '{self.word}': expected a diagonal covariance")

    def rows(self, spec: Spec) -> int | None:
        """How many data a batch must have; None for any number."""
        return None

    def widest(self, spec: Spec) -> int:
        """Numbers per example and sample in its largest tensor."""
        return spec.latent_dim

    @abstractmethod
    def draw(self, spec: Spec, heads: Weights, noise: Node) -> Posterior:
        """The heads and ε [sample, batch, latent] → q(z|x) and z."""


class LatentsFamily(Family):
    """How the latent axis is made of stochastic layers. As it stands: one layer, which the decoder reads."""

    condition = "latents"

    def sizes(self, spec: Spec) -> tuple[int, ...]:
        """Of the layers, the one next to the data first."""
        return (spec.latent_dim,)

    def encoded(self, spec: Spec) -> int:
        """How many latents the encoder's heads are of."""
        return spec.latent_dim

    def entering(self, spec: Spec) -> int:
        """How many numbers the decoder reads."""
        return self.sizes(spec)[0]

    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        """Canonical weights of q between the layers."""
        return iter(())

    def decoder_slots(self, spec: Spec) -> Iterator[Slot]:
        """Canonical weights of p between the layers."""
        return iter(())

    def draw(self, spec: Spec, heads: Weights, noise: Node, w: Weights) -> Posterior:
        """The encoder's heads and ε [sample, batch, latent] → q(z|x) and a draw of all layers."""
        return spec.posterior_family.draw(spec, heads, noise)

    def log_prior(self, spec: Spec, z: Node, w: Weights) -> Node:
        """z [..., latent] → log p(z) [...]."""
        return spec.prior_family.log_density(spec, z, w)

    def closed_form_kl(self, spec: Spec, q: Posterior, w: Weights) -> Node | None:
        """KL(q(z|x) ‖ p(z)) [batch]; None where there is no closed form."""
        return spec.prior_family.closed_form_kl(q, w)

    def enter(self, spec: Spec, z: Node, w: Weights) -> Node:
        """z [..., latent] → what the decoder reads, [..., in]."""
        return z


class DecoderWeightsFamily(Family):
    """Whether the decoder's weights are points, or random variables themselves."""

    condition = "decoder_weights"

    @abstractmethod
    def slots(self, decoder: Iterable[Slot]) -> Iterator[Slot]:
        """The canonical weights of a decoder whose own weights are `decoder`."""

    @abstractmethod
    def drawn(self, decoder: Iterable[Slot]) -> dict[str, tuple[int, ...]]:
        """Each decoder weight that noise is drawn for, with its shape."""

    @abstractmethod
    def decode(self, spec: Spec, z: Node, noise: Weights, w: Weights) -> dict[str, Node]:
        """z [sample, batch, latent] and noise by weight [sample, ...] → the decoder's heads, [sample, batch, data]."""

    @abstractmethod
    def terms(self, noise: Weights, w: Weights) -> dict[str, Node]:
        """The terms of the weights, by canonical name, [] each."""

    @abstractmethod
    def objective(self, spec: Spec, total: Node, found: Weights, bound: str) -> Node:
        """A bound summed over the batch, and all terms → the objective."""


class ObjectiveFamily(Family):
    """How the objective weighs the KL."""

    condition = "beta"

    @abstractmethod
    def term(self, spec: Spec, found: Weights, bound: str) -> Node:
        """The term [batch] that the objective adds up. Raises ValueError where the bound has no KL to weigh."""
