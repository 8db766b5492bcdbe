"""p(x|z) = N(x; mean, σ²), whose variance is a head of the decoder or a constant."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ..densities import log_normal, log_normal_of_squares, scale_kinds
from ..node import Node
from .base import Lifting, LikelihoodFamily, Weights
from .fields import positive

if TYPE_CHECKING:
    from ..spec import Spec


def _free_variance(spec: Spec) -> Spec | None:
    return replace(spec, likelihood="gaussian", variance=None) if spec.likelihood == "gaussian-fixed" else None


def _log_variance(spec: Spec, name: str) -> float:
    assert spec.variance
    return math.log(spec.variance) if name.endswith(".bias") else 0.0


class Gaussian(LikelihoodFamily):
    """Two heads, `decoder.mean` and `decoder.log_variance`."""

    word = "gaussian"
    heads = ("mean", "log_variance")
    liftings = (Lifting("a constant σ² as a head that does not vary", _free_variance, _log_variance),)

    def log_density(self, spec: Spec, x: Node, heads: Weights) -> Node:
        log_variance = heads["log_variance"]
        return log_normal(x, heads["mean"], log_variance)

    def tensors(self, heads: Weights) -> dict[str, Node]:
        return {"decoder_mean": heads["mean"], **scale_kinds("decoder", heads["log_variance"])}


class GaussianFixed(LikelihoodFamily):
    """One head, `decoder.mean`, and the constant `variance`."""

    word = "gaussian-fixed"
    heads = ("mean",)
    fields = (positive("variance"),)

    def log_density(self, spec: Spec, x: Node, heads: Weights) -> Node:
        assert spec.variance is not None
        squares = (x - heads["mean"]) ** 2 * x.constant(1 / spec.variance)
        return log_normal_of_squares(x.constant(math.log(spec.variance)), squares)

    def tensors(self, heads: Weights) -> dict[str, Node]:
        return {"decoder_mean": heads["mean"]}
