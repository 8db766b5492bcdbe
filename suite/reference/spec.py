"""Model specifications: the VAE of a problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .families import Families
    from .families.base import Family


@dataclass(frozen=True)
class Spec:
    """One VAE, as the reference defines it; the defaults are those of most sources.

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
        """The word of `parsing.CONDITIONS[condition]` that holds."""
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
        from .families import BY_WORD, Families  # here, since each of them is written over specifications

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
