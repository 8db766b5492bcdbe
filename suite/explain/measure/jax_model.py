"""How is a Keras model on JAX run? Its loss is traced to a jaxpr, whose operations are run one by one or compiled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import INPUT, Operation, Place, Run, Setting
from .jaxprs import Program, program
from .keras_built import OfKeras, resized
from .on_jax import JaxLoss
from .subject import Subject


class _Numbers(JaxLoss):
    """Finds the numbers in a returned value; a traced number counts, though it has no value yet."""

    def array(self, value: Any) -> Array | None:
        return np.zeros(()) if isinstance(value, jax.core.Tracer) else super().array(value)


@dataclass
class _Traced:
    """A traced loss.

    Attributes:
        program: the operations from x and the variables to the returned numbers.
        variables: the model's variables.
        names: the names of the returned numbers.
        compiled: replaced outputs → the compiled program.
        own: values of resized variables; None if the model's own are used.
    """

    program: Program
    variables: list[Any]
    names: list[str]
    compiled: dict[object, Any] = field(default_factory=dict)
    own: list[Any] | None = None

    @property
    def x(self) -> int:
        """The register of x."""
        return int(self.program.inputs[0])

    def given(self, x: Any, fed: Mapping[Place, Any], variables: list[Any]) -> dict[int, Any]:
        """Register → value, of all values that are not computed."""
        own = dict(zip(self.program.inputs, [x, *variables], strict=True))
        return own | {self.program.at(place): value for place, value in fed.items()}


class JaxRunner(OfKeras):
    """Runs a Keras model on JAX; `subject` is the user's model and the call of its loss."""

    name = "jax"
    leaves_out = False
    resizes = True

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._traced: dict[object, _Traced] = {}

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the program with replaced outputs and given draws."""
        traced = self._program(x, setting)
        fed, plan = self._fed(traced, x, setting), traced.program
        if setting.terms_only:
            return Run(x, terms=self._terms(traced, x, fed))
        given = traced.given(jnp.asarray(x), fed, self._values(traced))
        value = plan.values(given, plan.steps)
        names = zip(traced.names, plan.returned, strict=True)
        run = Run(x, terms={name: np.asarray(value(where)) for name, where in names})
        places = {where: Place(p, o) for p, one in enumerate(plan.operations) for o, where in enumerate(one.outputs)}
        places[traced.x] = INPUT
        for one in plan.operations:
            inputs = tuple(places[where] for where in one.inputs if isinstance(where, int) and where in places)
            outputs = [np.asarray(value(where)) for where in one.outputs]
            run.operations.append(Operation(one.equation.primitive.name, inputs, outputs, one.draws))
        run.returned = [places[where] for where in plan.returned if isinstance(where, int) and where in places]
        return run

    def gradients(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients by each replaced output and each weight; None in place of a gradient that is 0 everywhere."""
        traced = self._program(x, setting)
        plan, fed, values = traced.program, self._fed(traced, x, setting), self._values(traced)
        targets = [plan.at(of)] if isinstance(of, Place) else [plan.returned[traced.names.index(name)] for name in of]
        weights = {v.path: place for place, v in enumerate(traced.variables) if v.trainable}
        steps = plan.needed(targets, set(traced.given(x, fed, values)))

        def total(replaced: dict[Place, Any], trained: dict[str, Any]) -> Any:
            own = list(values)
            for name, place in weights.items():
                own[place] = trained[name]
            value = plan.values(traced.given(jnp.asarray(x), fed | replaced, own), steps)
            return sum((jnp.sum(value(where)) for where in targets), jnp.zeros(()))

        replaced = {place: jnp.asarray(fed[place]) for place in setting.replaced}
        own = {name: values[place] for name, place in weights.items()}
        found = jax.grad(total, argnums=(0, 1))(replaced, own)
        slopes: dict[object, Array | None] = {}
        for group in found:
            slopes |= {name: np.asarray(slope) if np.any(slope) else None for name, slope in group.items()}
        return slopes

    def _terms(self, traced: _Traced, x: Array, fed: Mapping[Place, Array]) -> dict[str, Array]:
        """The returned numbers alone, compiled without unneeded operations."""
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
                    self._traced[key] = self._trace(subject, x, setting.training)
                    if setting.resized:
                        self._traced[key].own = [variable.value for variable in self._traced[key].variables]
        return self._traced[key]

    def _trace(self, subject: Subject, x: Array, training: bool) -> _Traced:
        """The program of a built model.

        Raises:
            LossFailed: the call returns no number.
        """
        variables = list({id(v): v for v in getattr(subject.owner, "variables", ())}.values())
        names: list[str] = []

        def called(data: Any, values: list[Any]) -> list[Any]:
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
                returned = subject.call(data, training)
            terms = dict(_Numbers(lambda: None)._flat("", returned))
            names[:] = list(terms)
            return [jnp.asarray(value) for value in terms.values()]

        closed = jax.make_jaxpr(called)(jnp.asarray(x), [variable.value for variable in variables])
        if not names:
            raise LossFailed("it returned no number")
        return _Traced(program(closed), variables, names)

    def _fed(self, traced: _Traced, x: Array, setting: Setting) -> dict[Place, Array]:
        """Place → value, of replaced outputs and of all normal draws.

        Raises:
            LossFailed: a replaced output does not exist.
        """
        fed: dict[Place, Array] = {}
        operations = traced.program.operations
        for place, operation in enumerate(operations):
            if operation.draws == "normal":
                shape = tuple(operation.equation.outvars[0].aval.shape)
                noise = setting.noise.get(place)
                drawn = np.random.default_rng(1000 + place).normal(size=shape) if noise is None else noise
                fed[Place(place)] = np.reshape(drawn, shape)
        if any(place.operation >= len(operations) for place in setting.replaced):
            raise LossFailed("the model runs other operations at these sizes")
        return fed | dict(setting.replaced)
