"""How is a Keras model on JAX run? The loss is traced to a jaxpr of x and the variables' values."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import keras
from jax.core import Tracer
from jax.extend.core import Var

from ..dictionary.formula import Array
from ..models.run import Place, Run, Setting
from .jax_programs import JaxPrograms, Traced, traced
from .keras_built import OfKeras, resized
from .keras_names import Names
from .subject import Subject


class JaxRunner(JaxPrograms, OfKeras):
    """Runs a Keras model on JAX; `subject` is the user's model and the call of its loss."""

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._traced: dict[object, Traced] = {}
        self._names: dict[object, Names] = {}

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the program, and name its tensors as the user's code does."""
        run = super().run_once(x, setting)
        if setting.terms_only:
            return run
        program, names = self._program(x, setting).program, self._names[self._key(x, setting)]
        places = program.places()

        def place_of(value: Any) -> Place | None:
            variable = value.val if isinstance(value, Tracer) else None
            where = program.variables.get(variable) if isinstance(variable, Var) else None
            return places.get(where) if isinstance(where, int) else None

        names.into(run, place_of, self.subject.owner)
        return run

    def _key(self, x: Array, setting: Setting) -> object:
        """What a program depends on."""
        return (
            x.shape, setting.training, tuple(sorted(setting.rebuilt.items())),
            tuple(sorted((n, str(v)) for n, v in setting.parameters.items())), tuple(setting.resized.items()),
        )  # fmt: skip

    def _program(self, x: Array, setting: Setting) -> Traced:
        """The program at these sizes, mode and attributes; it is traced once and kept."""
        key = self._key(x, setting)
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
        names = self._names[self._key(x, setting)] = Names(subject.file)
        with names.noted():
            return traced(called, x, (lambda: own) if setting.resized else values, weights)
