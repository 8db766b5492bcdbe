"""Ordinary use: the model called on data alone, and what Keras' `fit` minimises, with draws that are handed to it.

`forward` and `call` draw noise of their own. Here the framework's generator gives them a probe's noise, so that what
they return can be held against the quantities and the objective at the same noise.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from ..notations.canonical import sizes_by_role
from ..reference.problem import Array
from ..workers.evaluation import inputs
from ..workers.subject import Subject
from .facts import LOSS
from .probes import Probe

#: Framework → the functions by which its files draw normal noise: module (a binding has loaded it), name, and whether a
#: tensor gives the shape.
GENERATORS = {
    "torch": (("torch", "randn", False), ("torch", "randn_like", True)),
    "keras": (("keras.random", "normal", False),),
}


@dataclass
class Draws:
    """Noise to hand out: of the latents first, then of the weights, each the next that has the shape.

    Attributes:
        subject: its binding makes tensors of the noise.
        noise: [sample, batch, latent].
        weights: name → [sample, ...].
        latents: what was handed out for the latents; None before.
        given: what was handed out for the weights.
    """

    subject: Subject
    noise: Array
    weights: dict[str, Array]
    latents: Array | None = None
    given: dict[str, Array] = field(default_factory=dict)

    def next(self, shape: tuple[int, ...]) -> Any:
        """A tensor of a shape. Raises ValueError where no noise that is left has it."""
        if self.latents is None:
            self.latents = _fitting(self.noise, shape)
            return self._tensor(self.latents)
        for name, array in self.weights.items():
            if name not in self.given and shape in (array.shape, array[:1].shape):
                self.given[name] = _fitting(array, shape)
                return self._tensor(self.given[name])
        raise ValueError(f"ordinary use: no noise is left of the shape {list(shape)} that a draw asks for")

    @property
    def count(self) -> int:
        """How many draws of the latents were handed out."""
        return len(self.latents) if self.latents is not None and self.latents.ndim == self.noise.ndim else 1

    def begin(self) -> None:
        """All noise is there again."""
        self.latents, self.given = None, {}

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The noise that was handed out, in the form in which the model's methods take it after x."""
        assert self.latents is not None
        weights = {name: self._tensor(array) for name, array in self.given.items()}
        return (self._tensor(self.latents), weights) if weights else (self._tensor(self.latents),)

    def _tensor(self, array: Array) -> Any:
        return self.subject.binding.tensor(array, self.subject.dtype)


def _fitting(array: Array, shape: tuple[int, ...]) -> Array:
    """All draws, the first with its axis, or the first alone. Raises ValueError where none has the shape."""
    for part in (array, array[:1], array[0]):
        if part.shape == shape:
            return part
    raise ValueError(f"ordinary use: a draw asks for the shape {list(shape)}; the noise has {list(array.shape)}")


@contextmanager
def handed_out(draws: Draws) -> Iterator[None]:
    """While the block runs, the framework's normal noise is this."""
    draws.begin()

    def drawn(like: bool) -> Callable[..., Any]:
        def draw(*shape: Any, **_: Any) -> Any:
            asked = shape[0].shape if like else shape[0] if isinstance(shape[0], tuple | list) else shape
            return draws.next(tuple(int(size) for size in asked))

        return draw

    with ExitStack() as patches:
        for module, name, like in GENERATORS[draws.subject.binding.framework]:
            patches.enter_context(patch.object(sys.modules[module], name, drawn(like)))
        yield


def draws_of(subject: Subject, probe: Probe) -> Draws:
    """The noise of a probe."""
    by_name: dict[str, Array] = {}
    by_shape: dict[tuple[int, ...], Array] = {}
    for part in inputs(subject, probe.problem)[0][2:]:
        for name, tensor in part.items():
            # One noise for all weights of a shape: a file may draw them in another order.
            array = subject.binding.array(tensor)
            by_name[name] = by_shape.setdefault(array.shape, array)
    return Draws(subject, probe.problem.noise, by_name)


def sizes_given(subject: Subject, probe: Probe) -> dict[str, tuple[str, float]]:
    """Argument of the model's call → role and value, of the sizes that it takes by their names."""
    entry = subject.model.forward if subject.binding.framework == "torch" else subject.model.call
    names = inspect.signature(entry).parameters
    sizes = sizes_by_role(probe.problem, subject.data_count)
    symbols = [s for s in subject.notation.symbols if s.code in names and s.role in sizes]
    return {s.code: (s.role, sizes[s.role]) for s in symbols}


def ordinary_use(
    subject: Subject, sizes: Mapping[str, tuple[str, float]], draws: Draws
) -> Callable[[Any], dict[str, Any]]:
    """x → the outputs of the model by number, and what Keras' `fit` minimises, at these sizes (`sizes_given`)."""
    model, given = subject.model, {argument: size for argument, (_, size) in sizes.items()}

    def use(x: Any) -> dict[str, Any]:
        with handed_out(draws):
            outputs = model(x, **given)
        found = dict(named_outputs(outputs))
        if subject.binding.framework == "keras":
            found[LOSS] = model.compute_loss(x=x, y=None, y_pred=outputs, sample_weight=None)
        return found

    return use


def at(subject: Subject, draws: Draws, method: Callable[..., Any], x: Any) -> dict[str, Array]:
    """The outputs of a method at the draws that were handed out, by name or number."""
    named = named_outputs(method(x, *draws.arguments))
    return {name: np.asarray(subject.binding.array(output)) for name, output in named.items()}


def named_outputs(outputs: Any) -> dict[str, Any]:
    """The outputs of a method, by name or by number."""
    if isinstance(outputs, dict):
        return outputs
    return {str(i): o for i, o in enumerate(outputs)} if isinstance(outputs, tuple | list) else {"0": outputs}
