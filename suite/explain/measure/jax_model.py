"""Models of Keras on JAX: the loss as a jaxpr, whose operations are run one by one, or compiled without what is cut."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.extend.core import Var

from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import Place, Run, Setting
from .jaxprs import Program, program
from .keras_built import OfKeras, resized
from .keras_names import Names
from .on_jax import JaxLoss
from .subject import Subject


class _Numbers(JaxLoss):
    """Finds the numbers in what was returned, of which a traced one has no value yet."""

    def array(self, value: Any) -> Array | None:
        return np.zeros(()) if isinstance(value, jax.core.Tracer) else super().array(value)


@dataclass
class _Traced:
    """A program: of x and the variables' values, or its own values of them, to the numbers that it gives."""

    program: Program
    variables: list[Any]
    names: list[str]
    own_names: Names
    compiled: dict[object, Any] = field(default_factory=dict)
    own: list[Any] | None = None

    @property
    def x(self) -> int:
        """Where x is held."""
        return int(self.program.inputs[0])

    def given(self, x: Any, fed: Mapping[Place, Any], variables: list[Any]) -> dict[int, Any]:
        """All values that are not computed, by where they are held."""
        own = dict(zip(self.program.inputs, [x, *variables], strict=True))
        return own | {self.program.at(place): value for place, value in fed.items()}


class JaxRunner(OfKeras):
    """A model of Keras on JAX.

    Args:
        subject: the user's model and its call.
    """

    name = "jax"
    leaves_out = False
    resizes = True

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._traced: dict[object, _Traced] = {}

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the program; outputs that are replaced, and draws, are given."""
        traced = self._program(x, setting)
        fed = self._fed(traced, x, setting)
        if setting.terms_only:
            return Run(x, terms=self._terms(traced, x, fed))
        run = traced.program.run(x, traced.given(jnp.asarray(x), fed, self._values(traced)), traced.names)
        places = traced.program.places()

        def place_of(value: Any) -> Place | None:
            variable = value.val if isinstance(value, jax.core.Tracer) else None
            held = traced.program.variables.get(variable) if isinstance(variable, Var) else None
            return places.get(held) if isinstance(held, int) else None

        traced.own_names.into(run, place_of, self.subject.owner)
        return run

    def slopes(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients by each replaced output and each weight; one that is 0 everywhere counts as none."""
        traced = self._program(x, setting)
        plan, fed, values = traced.program, self._fed(traced, x, setting), self._values(traced)
        wanted = [plan.at(of)] if isinstance(of, Place) else [plan.returned[traced.names.index(name)] for name in of]
        weights = {v.path: place for place, v in enumerate(traced.variables) if v.trainable}
        steps = plan.needed(wanted, set(traced.given(x, fed, values)))

        def total(replaced: dict[Place, Any], held: dict[str, Any]) -> Any:
            own = list(values)
            for name, place in weights.items():
                own[place] = held[name]
            value = plan.values(traced.given(jnp.asarray(x), fed | replaced, own), steps)
            return sum((jnp.sum(value(where)) for where in wanted), jnp.zeros(()))

        replaced = {place: jnp.asarray(fed[place]) for place in setting.replaced}
        own = {name: values[place] for name, place in weights.items()}
        found = jax.grad(total, argnums=(0, 1))(replaced, own)
        slopes: dict[object, Array | None] = {}
        for group in found:
            slopes |= {name: np.asarray(slope) if np.any(slope) else None for name, slope in group.items()}
        return slopes

    def _terms(self, traced: _Traced, x: Array, fed: Mapping[Place, Array]) -> dict[str, Array]:
        """The numbers alone, compiled without what they do not need."""
        places, plan = tuple(fed), traced.program
        if places not in traced.compiled:
            known = {plan.at(place) for place in places}
            steps = plan.needed(plan.returned, known | set(plan.inputs))

            def terms(data: Any, variables: list[Any], values: list[Any]) -> list[Any]:
                given = traced.given(data, dict(zip(places, values, strict=True)), variables)
                value = plan.values(given, steps)
                return [value(where) for where in plan.returned]

            traced.compiled[places] = jax.jit(terms)
        numbers = traced.compiled[places](x, self._values(traced), list(fed.values()))
        return {name: np.asarray(number) for name, number in zip(traced.names, numbers, strict=True)}

    def _values(self, traced: _Traced) -> list[Any]:
        return [variable.value for variable in traced.variables] if traced.own is None else traced.own

    def _program(self, x: Array, setting: Setting) -> _Traced:
        """The program at these sizes, mode and attributes; traced once."""
        key = (
            x.shape, setting.training, tuple(sorted(setting.rebuilt.items())),
            tuple(sorted((n, str(v)) for n, v in setting.parameters.items())), tuple(setting.resized.items()),
        )  # fmt: skip
        if key not in self._traced:
            subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
            with subject.at(setting.parameters, setting.training):
                self.build(subject, keras.KerasTensor(x.shape, dtype=str(x.dtype)), setting.training)
                with resized(subject.owner, setting.resized) if setting.resized else nullcontext():
                    self._traced[key] = self._trace(subject, x, setting.training)
                    if setting.resized:
                        self._traced[key].own = [variable.value for variable in self._traced[key].variables]
        return self._traced[key]

    def _trace(self, subject: Subject, x: Array, training: bool) -> _Traced:
        """The program of a model that is built."""
        variables = list({id(v): v for v in getattr(subject.owner, "variables", ())}.values())
        names: list[str] = []

        def called(data: Any, values: list[Any]) -> list[Any]:
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
                returned = subject.call(data, training)
            terms = dict(_Numbers(lambda: None)._flat("", returned))
            names[:] = list(terms)
            return [jnp.asarray(value) for value in terms.values()]

        own_names = Names(subject.file)
        with own_names.noted():
            closed = jax.make_jaxpr(called)(jnp.asarray(x), [variable.value for variable in variables])
        if not names:
            raise LossFailed("it returned no number")
        return _Traced(program(closed), variables, names, own_names)

    def _fed(self, traced: _Traced, x: Array, setting: Setting) -> dict[Place, Array]:
        """What is replaced, and every normal draw."""
        fed: dict[Place, Array] = {}
        operations = traced.program.operations
        for place, operation in enumerate(operations):
            if operation.draws == "normal":
                shape = tuple(operation.equation.outvars[0].aval.shape)
                noise = setting.noise.get(place)
                drawn = np.random.default_rng(1000 + place).normal(size=shape) if noise is None else noise
                fed[Place(place)] = np.reshape(drawn, shape)
        if any(place.operation >= len(operations) for place in setting.replaced):
            raise LossFailed("another course of operations at these sizes")
        return fed | dict(setting.replaced)
