"""The interface of every library's module: the timed call, its replay, and its outputs.

Each module has a function `open_run(binding, problem, stage, variant)`, which returns the `LibraryRun` of a stage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...notations.axes import parse_axes, permute

Array = NDArray[Any]
SEED = 2014
"""The seed of each library's generator before a call whose noise must be known."""

ENCODER_HIDDEN, ENCODER_MEAN, ENCODER_LOG_VARIANCE = "encoder.hidden.0", "encoder.mean", "encoder.log_variance"
DECODER_HIDDEN, DECODER_LOGITS = "decoder.hidden.0", "decoder.logits"
LAYERS = (ENCODER_HIDDEN, ENCODER_MEAN, ENCODER_LOG_VARIANCE, DECODER_HIDDEN, DECODER_LOGITS)

_CANONICAL, _KERNEL = parse_axes("out in"), parse_axes("in out")


class LibraryRun(ABC):
    """One stage of a library's model with a problem's weights: calling it computes once.

    Attributes:
        compiled: the compiled function, whose graphs the binding counts; None where nothing was compiled.
    """

    compiled: Any = None

    @abstractmethod
    def __call__(self) -> Any:
        """Compute, asynchronously where the library does. Returns its loss, which `float` waits for."""

    def first(self) -> Any:
        """The first call after the start or `restore`: its noise can be replayed."""
        return self()

    def pending(self) -> Any:
        """Asynchronous results of a call, other than its outputs, for which the harness must wait."""
        return ()

    @abstractmethod
    def restore(self) -> None:
        """Give weights, optimiser and random state their first values again, without recompiling."""

    @abstractmethod
    def noise(self) -> Array:
        """The draws of the first call, generated again by the library's generator: [batch, latent]."""

    @abstractmethod
    def first_moments(self) -> dict[str, Array]:
        """Adam's first moment by canonical weight after the first step; empty where nothing is trained."""

    @abstractmethod
    def weight(self) -> Any:
        """Any weight: its device and dtype are the model's."""


def float32(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Canonical weights in float32, the dtype of other libraries."""
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


def kernel(weight: Array) -> Array:
    """A canonical weight [out, in] as the kernel [in, out] that `x @ kernel` takes."""
    return permute(weight, _CANONICAL, _KERNEL, {})


def unkernel(array: Array) -> Array:
    """The inverse of `kernel`."""
    return permute(array, _KERNEL, _CANONICAL, {})


def layers(read: Callable[[str], tuple[Array, Array]]) -> dict[str, Array]:
    """Canonical weights from the (weight, bias) of each layer."""
    found = {}
    for name in LAYERS:
        found[f"{name}.weight"], found[f"{name}.bias"] = read(name)
    return found
