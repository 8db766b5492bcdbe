"""What do Keras models need on every backend? Shapes of x to try, and layers built before a run is recorded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import Run, Setting, example
from .guard import failure, watched
from .subject import BATCH, LENGTH, OfSubject, Subject

_IMAGES = (1, 3)


@contextmanager
def resized(owner: Any, sizes: Mapping[int, int]) -> Iterator[list[Any]]:
    """Give a model's weights other sizes inside the context, and turn off its layers' checks of inputs.

    The operations before replaced outputs then run at other sizes, with numbers that nothing uses.

    Args:
        owner: the model.
        sizes: size of a weight's axis → its other size.

    Yields:
        The values of the resized weights.
    """
    layers = owner._flatten_layers() if isinstance(owner, keras.Model) else ()
    specs = [(layer, layer.input_spec) for layer in layers]
    kept = []
    for variable in {id(one): one for one in getattr(owner, "variables", ())}.values():
        shape = tuple(sizes.get(size, size) for size in variable.shape)
        if shape != tuple(variable.shape) and "float" in variable.dtype:
            kept.append((variable, variable._value, variable._shape))
            value = variable._convert_to_tensor(np.resize(keras.ops.convert_to_numpy(variable.value), shape))
            variable._shape = shape
            variable._initialize(value)
    for layer, _ in specs:
        layer.input_spec = None
    try:
        yield [variable._value for variable, *_ in kept]
    finally:
        for layer, spec in specs:
            layer.input_spec = spec
        for variable, value, shape in kept:
            variable._value, variable._shape = value, shape


class OfKeras(OfSubject):
    """The common part of runners of Keras models, on every backend."""

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._built = any(layer.built and layer.variables for layer in _layers(subject.owner))
        self._ran = False
        self._tried: list[tuple[int, ...]] = []
        self._failures: list[str] = []
        self._called: dict[int, Any] = {}

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of x to try: the declared or built one, else shapes by layers and the constructor's integers."""
        owner = self.subject.owner
        known, inner = known_shape(owner), [shape for shape in map(known_shape, _layers(owner)) if shape]
        guessed = [*inner, *self.subject.shapes([*_widths(owner), 784], list(_IMAGES))]
        self._tried = [known] if known else list(dict.fromkeys(guessed))
        return self._tried

    def run(self, x: Array, setting: Setting) -> Run:
        """Run the model once.

        Raises:
            LossFailed: the model raised.
            BadInput: the model raised the same on every shape.
        """
        try:
            with watched():
                run = self.run_once(x, setting)
        except BadInput:
            raise
        except Exception as error:
            failed = error if isinstance(error, LossFailed) else LossFailed(failure(error))
            if not self._ran:
                self._failures.append(str(failed))
                if len(self._failures) == len(self._tried) and len(set(self._failures)) == 1:
                    raise BadInput(f"the model could not be run: {failed}") from error
                if self.subject.build is not None:  # its layers may be built for another shape of x now
                    self.subject = self.subject.build({})
            raise failed from error
        self._ran = True
        return run

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether it runs on this shape, made anew; of one object whose layers were not built it cannot be told."""
        kept = self.subject
        anew = kept.build({}) if kept.build is not None else kept
        if anew.owner is kept.owner and not self._built:
            return True
        self.subject = anew
        try:
            with watched():
                self.run_once(example((shape[0] + 1, *shape[1:])), Setting(terms_only=True))
        except Exception:  # whatever the layers raise
            return False
        finally:
            self.subject = kept
        return True

    @abstractmethod
    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the model once; any exception may be raised."""

    def build(self, subject: Subject, x: Any, training: bool) -> None:
        """Build the layers that are built at their first call, by calling the model on x, a tensor or a KerasTensor."""
        owner = subject.owner
        if not isinstance(owner, keras.Model):
            return
        if type(owner).train_step is not keras.Model.train_step and getattr(owner, "optimizer", None) is None:
            owner.compile(optimizer=keras.optimizers.SGD(0.0))
        if id(owner) not in self._called and not _built(owner):
            self._called[id(owner)] = owner
            if type(owner).call is keras.Model.call:
                subject.call(x, training)
            else:
                owner(x, training=training)


def _built(owner: Any) -> bool:
    """Whether all layers are built."""
    return all(layer.built for layer in _layers(owner)) and bool(owner.variables)


def _layers(owner: Any) -> Iterator[Any]:
    """The layers of a model, without the model itself."""
    if isinstance(owner, keras.Model):
        yield from owner._flatten_layers(include_self=False)


def known_shape(layer: Any) -> tuple[int, ...] | None:
    """The shape of the one input that a model declares or was built with, with `BATCH` for open axes; else None."""
    if not isinstance(layer, keras.Model):
        return None
    declared = list(layer.inputs or ()) if hasattr(layer, "inputs") else []
    shape: Any = declared[0].shape if len(declared) == 1 else None
    if shape is None and layer.built and layer.variables:
        shape = (layer.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, tuple | list) or not all(size is None or isinstance(size, int) for size in shape):
        return None
    return (BATCH, *(LENGTH if size is None else int(size) for size in shape[1:])) if shape else None


def _widths(owner: Any) -> list[int]:
    """The input widths of built dense layers, then the output widths of all dense layers, the last first."""
    dense = [layer for layer in _layers(owner) if isinstance(layer, keras.layers.Dense)]
    taken = [int(layer.kernel.shape[0]) for layer in dense if layer.built]
    return [*taken, *(int(layer.units) for layer in reversed(dense))]
