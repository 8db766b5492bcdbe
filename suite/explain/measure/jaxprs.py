"""How is a jaxpr run in parts? As a list of operations on numbered registers; outputs can be replaced or left out."""

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
"""Primitive that only calls a jaxpr → its parameter that holds the jaxpr."""
_NORMAL = ("_normal", "_normal_real")


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        equation: the equation of the jaxpr.
        inputs: registers, or known values.
        outputs: registers.
        place: its number among the operations whose outputs are arrays; None if they are not, such as random keys.
        draws: `normal`, `other`, or empty for an operation that draws nothing.
    """

    equation: Any
    inputs: tuple[Any, ...]
    outputs: tuple[int, ...]
    place: int | None
    draws: str = ""


@dataclass(frozen=True)
class _Known:
    """A value that is known when the jaxpr is read, in place of a register."""

    value: Any


@dataclass
class Program:
    """The operations of a jaxpr in order.

    Attributes:
        steps: all operations.
        operations: the operations whose outputs are arrays, in the order of their places.
        inputs, returned: the registers, or known values, of inputs and returned numbers.
        registers: the number of registers.
        variables: variable of the jaxpr → its register, or known value.
    """

    steps: list[Step] = field(default_factory=list)
    operations: list[Step] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)
    registers: int = 0
    variables: dict[Any, Any] = field(default_factory=dict)

    def at(self, place: Place) -> int:
        """The register of an output."""
        return self.operations[place.operation].outputs[place.output]

    def places(self) -> dict[int, Place]:
        """Register → the output in it; the register of the first input has x."""
        found = {where: Place(p, o) for p, one in enumerate(self.operations) for o, where in enumerate(one.outputs)}
        return found | {self.inputs[0]: INPUT}

    def needed(self, targets: Sequence[Any], known: set[int]) -> list[Step]:
        """The operations that compute the target registers from the known ones."""
        pending, kept = {one for one in targets if isinstance(one, int)} - known, []
        for step in reversed(self.steps):
            if pending.intersection(step.outputs):
                kept.append(step)
                pending |= {one for one in step.inputs if isinstance(one, int)} - known
        return kept[::-1]

    def values(self, given: Mapping[int, Any], steps: Sequence[Step]) -> Callable[[Any], Any]:
        """Run operations; given registers are not computed.

        Returns:
            A function: register, or known value → value.
        """
        found = dict(given)

        def value(where: Any) -> Any:
            return where.value if isinstance(where, _Known) else found[where]

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
            x: the first input.
            given: register → value, of all values that are not computed.
            names: the names of the returned numbers.
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
    """A closed jaxpr as a program: called jaxprs are inlined, except the draws of normal values, each one operation."""
    made = Program()
    made.inputs = [_new(made) for _ in closed.jaxpr.invars]
    made.returned = _written_out(made, closed.jaxpr, closed.consts, made.inputs)
    return made


def _new(made: Program) -> int:
    made.registers += 1
    return made.registers


def _written_out(made: Program, jaxpr: Any, constants: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Add the operations of a jaxpr to a program; the registers of its outputs."""
    where: dict[Any, Any] = dict(zip(jaxpr.invars, inputs, strict=True))
    where |= {name: _Known(value) for name, value in zip(jaxpr.constvars, constants, strict=True)}

    def of(name: Any) -> Any:
        return _Known(name.val) if isinstance(name, Literal) else where[name]

    for equation in jaxpr.eqns:
        taken = tuple(of(name) for name in equation.invars)
        inner = equation.params.get(_INLINED.get(equation.primitive.name, ""))
        drawn = inner is not None and equation.params.get("name") in _NORMAL and len(taken) == 1
        if inner is not None and not drawn:
            closed = inner if hasattr(inner, "consts") else None
            body, known = (closed.jaxpr, closed.consts) if closed is not None else (inner, ())
            where |= dict(zip(equation.outvars, _written_out(made, body, known, taken), strict=True))
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
