"""Losses of JAX as jaxprs, whose operations are run one by one, or compiled without what is cut."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import INPUT, Operation, Place, Run, Setting
from .jaxprs import Program, program
from .on_jax import JaxLoss


class _Numbers(JaxLoss):
    """Finds the numbers in what was returned, of which a traced one has no value yet."""

    def array(self, value: Any) -> Array | None:
        return np.zeros(()) if isinstance(value, jax.core.Tracer) else super().array(value)


@dataclass
class Traced:
    """A program: of x and further values, such as weights, to the numbers that it gives.

    Attributes:
        values: gives the further values.
        weights: name → place among these values, of those that are trained.
        names: of the numbers.
    """

    program: Program
    values: Callable[[], list[Any]]
    weights: dict[str, int]
    names: list[str]
    compiled: dict[object, Any] = field(default_factory=dict)

    @property
    def x(self) -> int:
        """Where x is held."""
        return int(self.program.inputs[0])

    def given(self, x: Any, fed: Mapping[Place, Any], values: list[Any]) -> dict[int, Any]:
        """All values that are not computed, by where they are held."""
        own = dict(zip(self.program.inputs, [x, *values], strict=True))
        return own | {self.program.at(place): value for place, value in fed.items()}


def traced(
    called: Callable[[Any, list[Any]], Any], x: Array, values: Callable[[], list[Any]], weights: dict[str, int]
) -> Traced:
    """The program of a function of x and further values.

    Raises:
        LossFailed: it returns no number.
    """
    names: list[str] = []

    def numbers(data: Any, own: list[Any]) -> list[Any]:
        terms = dict(_Numbers(lambda: None)._flat("", called(data, own)))
        names[:] = list(terms)
        return [jnp.asarray(value) for value in terms.values()]

    closed = jax.make_jaxpr(numbers)(jnp.asarray(x), values())
    if not names:
        raise LossFailed("it returned no number")
    return Traced(program(closed), values, weights, names)


class JaxPrograms:
    """What runs a program of JAX; a subclass says how one is traced."""

    name = "jax"
    leaves_out = False
    resizes = True

    @abstractmethod
    def _program(self, x: Array, setting: Setting) -> Traced:
        """The program at these sizes, mode and attributes; traced once."""

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the program; outputs that are replaced, and draws, are given."""
        traced = self._program(x, setting)
        fed, plan = self._fed(traced, x, setting), traced.program
        if setting.terms_only:
            return Run(x, terms=self._terms(traced, x, fed))
        given = traced.given(jnp.asarray(x), fed, traced.values())
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

    def slopes(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients by each replaced output and each weight; one that is 0 everywhere counts as none."""
        traced = self._program(x, setting)
        plan, fed, values = traced.program, self._fed(traced, x, setting), traced.values()
        wanted = [plan.at(of)] if isinstance(of, Place) else [plan.returned[traced.names.index(name)] for name in of]
        steps = plan.needed(wanted, set(traced.given(x, fed, values)))

        def total(replaced: dict[Place, Any], held: dict[str, Any]) -> Any:
            own = list(values)
            for name, place in traced.weights.items():
                own[place] = held[name]
            value = plan.values(traced.given(jnp.asarray(x), fed | replaced, own), steps)
            return sum((jnp.sum(value(where)) for where in wanted), jnp.zeros(()))

        replaced = {place: jnp.asarray(fed[place]) for place in setting.replaced}
        own = {name: values[place] for name, place in traced.weights.items()}
        found = jax.grad(total, argnums=(0, 1))(replaced, own)
        slopes: dict[object, Array | None] = {}
        for group in found:
            slopes |= {name: np.asarray(slope) if np.any(slope) else None for name, slope in group.items()}
        return slopes

    def _terms(self, traced: Traced, x: Array, fed: Mapping[Place, Array]) -> dict[str, Array]:
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
        numbers = traced.compiled[places](x, traced.values(), list(fed.values()))
        return {name: np.asarray(number) for name, number in zip(traced.names, numbers, strict=True)}

    def _fed(self, traced: Traced, x: Array, setting: Setting) -> dict[Place, Array]:
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
