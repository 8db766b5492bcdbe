"""A jaxpr as a plain list of operations, whose outputs can be replaced, and which can be left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from ..dictionary.formula import Array
from ..models.run import INPUT, Operation, Place, Run

_INLINED = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr", "remat2": "jaxpr",
            "checkpoint": "jaxpr", "remat": "jaxpr"}  # fmt: skip
"""Primitives that only call → the parameter that holds what they call."""
_NORMAL = ("_normal", "_normal_real")


@dataclass(frozen=True)
class Step:
    """One operation: its primitive's equation, where its inputs and outputs are held, and what it draws.

    Attributes:
        place: its number among the operations whose outputs are arrays; None where they are none, such as keys.
    """

    equation: Any
    inputs: tuple[Any, ...]
    outputs: tuple[int, ...]
    place: int | None
    draws: str = ""


@dataclass(frozen=True)
class _Held:
    """A value that is known when the jaxpr is read."""

    value: Any


@dataclass
class Program:
    """The operations of a jaxpr in order.

    Attributes:
        operations: those whose outputs are arrays, in the order of their places.
        inputs, returned: where these are held: numbers, or known values.
        variables: where those of the jaxpr are held.
    """

    steps: list[Step] = field(default_factory=list)
    operations: list[Step] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)
    held: int = 0
    variables: dict[Any, Any] = field(default_factory=dict)

    def at(self, place: Place) -> int:
        """Where an output is held."""
        return self.operations[place.operation].outputs[place.output]

    def places(self) -> dict[int, Place]:
        """The output that is held at a place; of the first of the inputs, x."""
        held = {where: Place(p, o) for p, one in enumerate(self.operations) for o, where in enumerate(one.outputs)}
        return held | {self.inputs[0]: INPUT}

    def needed(self, wanted: Sequence[Any], known: set[int]) -> list[Step]:
        """The operations without which the wanted values cannot be had from the known ones."""
        pending, kept = {one for one in wanted if isinstance(one, int)} - known, []
        for step in reversed(self.steps):
            if pending.intersection(step.outputs):
                kept.append(step)
                pending |= {one for one in step.inputs if isinstance(one, int)} - known
        return kept[::-1]

    def values(self, given: Mapping[int, Any], steps: Sequence[Step]) -> Callable[[Any], Any]:
        """Run operations; what is given is not computed.

        Returns:
            Where a value is held → the value.
        """
        found = dict(given)

        def value(where: Any) -> Any:
            return where.value if isinstance(where, _Held) else found[where]

        for step in steps:
            if all(one in given for one in step.outputs):
                continue
            primitive = step.equation.primitive
            bound = primitive.get_bind_params(step.equation.params)
            functions, parameters = bound if isinstance(bound, tuple) else ((), bound)  # a pair in JAX before 0.10
            result = primitive.bind(*functions, *(value(one) for one in step.inputs), **parameters)
            outputs = result if primitive.multiple_results else [result]
            for where, output in zip(step.outputs, outputs, strict=True):
                found.setdefault(where, output)
        return value

    def run(self, x: Array, given: Mapping[int, Any], names: Sequence[str]) -> Run:
        """Run all operations one by one.

        Args:
            x: the first of the inputs.
            given: all values that are not computed, by where they are held.
            names: of what is returned.
        """
        value = self.values(given, self.steps)
        run = Run(x, terms={name: np.asarray(value(where)) for name, where in zip(names, self.returned, strict=True)})
        places = self.places()
        for one in self.operations:
            inputs = tuple(places[where] for where in one.inputs if isinstance(where, int) and where in places)
            outputs = [np.asarray(value(where)) for where in one.outputs]
            run.operations.append(Operation(one.equation.primitive.name, inputs, outputs, one.draws))
        run.returned = [places[where] for where in self.returned if isinstance(where, int) and where in places]
        return run


def program(closed: Any) -> Program:
    """A closed jaxpr as a program: what it calls is written out; a draw of normal values is one operation."""
    made = Program()
    made.inputs = [_new(made) for _ in closed.jaxpr.invars]
    made.returned = _written_out(made, closed.jaxpr, closed.consts, made.inputs)
    return made


def _new(made: Program) -> int:
    made.held += 1
    return made.held


def _written_out(made: Program, jaxpr: Any, constants: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Add the operations of a jaxpr; where its outputs are held."""
    where: dict[Any, Any] = dict(zip(jaxpr.invars, inputs, strict=True))
    where |= {name: _Held(value) for name, value in zip(jaxpr.constvars, constants, strict=True)}

    def of(name: Any) -> Any:
        return _Held(name.val) if isinstance(name, Literal) else where[name]

    for equation in jaxpr.eqns:
        taken = tuple(of(name) for name in equation.invars)
        inner = equation.params.get(_INLINED.get(equation.primitive.name, ""))
        drawn = inner is not None and equation.params.get("name") in _NORMAL and len(taken) == 1
        if inner is not None and not drawn:
            closed = inner if hasattr(inner, "consts") else None
            body, held = (closed.jaxpr, closed.consts) if closed is not None else (inner, ())
            where |= dict(zip(equation.outvars, _written_out(made, body, held, taken), strict=True))
            continue
        outputs = tuple(_new(made) for _ in equation.outvars)
        plain = all(not jnp.issubdtype(name.aval.dtype, jax.dtypes.extended) for name in equation.outvars)
        draws = "normal" if drawn else "other" if equation.primitive.name == "random_bits" else ""
        place = len(made.operations) if plain else None
        step = Step(equation, taken, outputs, place, draws)
        made.steps.append(step)
        made.operations += [step] if plain else []
        where |= dict(zip(equation.outvars, outputs, strict=True))
    made.variables |= where
    return [of(name) for name in jaxpr.outvars]
