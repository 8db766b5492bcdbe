"""p(x|z): Bernoulli on logits, for data between 0 and 1; or normal, with a variance that is a head or a constant."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from functools import partial

from ..node import DATA, Node, Nodes
from ..normal import log_normal, log_normal_of_squares, scale_kinds
from ..spec import Spec
from .base import Family, Lifting


class Likelihood(Family, ABC):
    """p(x|z).

    Attributes:
        heads: the decoder's output layers.
        data_is_unit: whether data lie in [0, 1].
    """

    condition = "likelihood"
    heads: tuple[str, ...]
    data_is_unit = False

    @abstractmethod
    def log_density(self, spec: Spec, x: Node, heads: Nodes) -> Node:
        """x [batch, data] and the heads → log p(x|z) [sample, batch]."""

    @abstractmethod
    def tensors(self, heads: Nodes) -> dict[str, Node]:
        """The tensors that sources print of it, by canonical name."""


class Bernoulli(Likelihood):
    """Π Bernoulli(x; σ(logits)). One head, `decoder.logits`."""

    word = "bernoulli"
    heads = ("logits",)
    data_is_unit = True

    def log_density(self, spec: Spec, x: Node, heads: Nodes) -> Node:
        return heads["logits"].bernoulli(x).sum(DATA)

    def tensors(self, heads: Nodes) -> dict[str, Node]:
        return {"decoder_logits": heads["logits"], "decoder_probability": heads["logits"].sigmoid()}


def _log_variance(spec: Spec, name: str) -> float:
    assert spec.variance
    return math.log(spec.variance) if name.endswith(".bias") else 0.0


class Gaussian(Likelihood):
    """N(x; mean, σ²). Two heads, `decoder.mean` and `decoder.log_variance`."""

    word = "gaussian"
    heads = ("mean", "log_variance")
    lifting = Lifting(
        "a constant σ² as a head that does not vary",
        ("likelihood", "gaussian-fixed"),
        partial(replace, likelihood="gaussian", variance=None),
        fill=_log_variance,
    )

    def log_density(self, spec: Spec, x: Node, heads: Nodes) -> Node:
        return log_normal(x, heads["mean"], heads["log_variance"])

    def tensors(self, heads: Nodes) -> dict[str, Node]:
        return {"decoder_mean": heads["mean"], **scale_kinds("decoder", heads["log_variance"])}


class GaussianFixed(Likelihood):
    """N(x; mean, σ²). One head, `decoder.mean`, and the constant `variance`."""

    word = "gaussian-fixed"
    heads = ("mean",)
    fields = ("variance",)

    def log_density(self, spec: Spec, x: Node, heads: Nodes) -> Node:
        assert spec.variance is not None
        squares = (x - heads["mean"]) ** 2 * x.constant(1 / spec.variance)
        return log_normal_of_squares(x.constant(math.log(spec.variance)), squares)

    def tensors(self, heads: Nodes) -> dict[str, Node]:
        return {"decoder_mean": heads["mean"]}
