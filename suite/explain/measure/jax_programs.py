"""How does a traced loss of JAX run? The operations of its jaxpr run one by one, or compiled without unneeded ones."""

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
from ..models.run import Place, Run, Setting
from .jaxprs import Program, program
from .on_jax import JaxLoss


class _Numbers(JaxLoss):
    """Finds the numbers in a returned value; a traced number counts, though it has no value yet."""

    def array(self, value: Any) -> Array | None:
        return np.zeros(()) if isinstance(value, jax.core.Tracer) else super().array(value)


@dataclass
class Traced:
    """A traced loss.

    Attributes:
        program: the operations from x and further values, such as weights, to the returned numbers.
        values: a function that returns the further values.
        weights: name of a trained weight → its place among these values.
        names: the names of the returned numbers.
        compiled: replaced outputs → the compiled program.
    """

    program: Program
    values: Callable[[], list[Any]]
    weights: dict[str, int]
    names: list[str]
    compiled: dict[object, Any] = field(default_factory=dict)

    @property
    def x(self) -> int:
        """The register of x."""
        return int(self.program.inputs[0])

    def given(self, x: Any, fed: Mapping[Place, Any], values: list[Any]) -> dict[int, Any]:
        """Register → value, of all values that are not computed."""
        own = dict(zip(self.program.inputs, [x, *values], strict=True))
        return own | {self.program.at(place): value for place, value in fed.items()}


def traced(
    called: Callable[[Any, list[Any]], Any], x: Array, values: Callable[[], list[Any]], weights: dict[str, int]
) -> Traced:
    """Trace a function of x and further values.

    Args:
        called: (x, further values) → the returned value.
        x: [batch, ...], an example of the data.
        values: a function that returns the further values.
        weights: name of a trained weight → its place among them.

    Raises:
        LossFailed: the function returns no number.
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
    """Runs traced losses of JAX; a subclass traces them."""

    name = "jax"
    leaves_out = False
    resizes = True

    @abstractmethod
    def _program(self, x: Array, setting: Setting) -> Traced:
        """The program at these sizes, mode and attributes; it is traced once and kept."""

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the program with replaced outputs and given draws."""
        traced = self._program(x, setting)
        fed, plan = self._fed(traced, x, setting), traced.program
        if setting.terms_only:
            return Run(x, terms=self._terms(traced, x, fed))
        return plan.run(x, traced.given(jnp.asarray(x), fed, traced.values()), traced.names)

    def gradients(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients by each replaced output and each weight; None in place of a gradient that is 0 everywhere."""
        traced = self._program(x, setting)
        plan, fed, values = traced.program, self._fed(traced, x, setting), traced.values()
        targets = [plan.at(of)] if isinstance(of, Place) else [plan.returned[traced.names.index(name)] for name in of]
        steps = plan.needed(targets, set(traced.given(x, fed, values)))

        def total(replaced: dict[Place, Any], trained: dict[str, Any]) -> Any:
            own = list(values)
            for name, place in traced.weights.items():
                own[place] = trained[name]
            value = plan.values(traced.given(jnp.asarray(x), fed | replaced, own), steps)
            return sum((jnp.sum(value(where)) for where in targets), jnp.zeros(()))

        replaced = {place: jnp.asarray(fed[place]) for place in setting.replaced}
        own = {name: values[place] for name, place in traced.weights.items()}
        found = jax.grad(total, argnums=(0, 1))(replaced, own)
        slopes: dict[object, Array | None] = {}
        for group in found:
            slopes |= {name: np.asarray(slope) if np.any(slope) else None for name, slope in group.items()}
        return slopes

    def _terms(self, traced: Traced, x: Array, fed: Mapping[Place, Array]) -> dict[str, Array]:
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
        numbers = traced.compiled[places](x, traced.values(), list(fed.values()))
        return {name: np.asarray(number) for name, number in zip(traced.names, numbers, strict=True)}

    def _fed(self, traced: Traced, x: Array, setting: Setting) -> dict[Place, Array]:
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
