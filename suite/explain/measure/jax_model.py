"""How is a Keras model on JAX run? The loss is traced to a jaxpr of x and the variables' values."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import keras

from ..dictionary.formula import Array
from ..models.run import Setting
from .jax_programs import JaxPrograms, Traced, traced
from .keras_built import OfKeras, resized
from .subject import Subject


class JaxRunner(JaxPrograms, OfKeras):
    """Runs a Keras model on JAX; `subject` is the user's model and the call of its loss."""

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._traced: dict[object, Traced] = {}

    def _program(self, x: Array, setting: Setting) -> Traced:
        """The program at these sizes, mode and attributes; it is traced once and kept."""
        key = (
            x.shape, setting.training, tuple(sorted(setting.rebuilt.items())),
            tuple(sorted((n, str(v)) for n, v in setting.parameters.items())), tuple(setting.resized.items()),
        )  # fmt: skip
        if key not in self._traced:
            subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
            with subject.at(setting.parameters, setting.training):
                self.build(subject, keras.KerasTensor(x.shape, dtype=str(x.dtype)), setting.training)
                with resized(subject.owner, setting.resized) if setting.resized else nullcontext():
                    self._traced[key] = self._trace(subject, x, setting)
        return self._traced[key]

    def _trace(self, subject: Subject, x: Array, setting: Setting) -> Traced:
        """The program of a built model; resized weights keep their values of now."""
        variables = list({id(v): v for v in getattr(subject.owner, "variables", ())}.values())

        def called(data: Any, values: list[Any]) -> Any:
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
                return subject.call(data, setting.training)

        def values() -> list[Any]:
            return [variable.value for variable in variables]

        own = values()
        weights = {variable.path: place for place, variable in enumerate(variables) if variable.trainable}
        return traced(called, x, (lambda: own) if setting.resized else values, weights)
