"""How are sites replaced in NumPyro? The functions that `guided` needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from numpyro import handlers
from numpyro.infer import Trace_ELBO
from numpyro.primitives import Messenger

from ..dictionary.formula import Array
from ..models.run import Run, Setting
from .guided import Cut, Library
from .jaxprs import Program, program

_KEY = 0


class _Handler(Messenger):
    """Replaces sites. It is the innermost handler: first before a site is drawn, and last after it."""

    def __init__(self, cut: Cut):
        super().__init__()
        self.cut = cut

    def process_message(self, message: Any) -> None:
        if message["type"] == "sample":
            self.cut.swap(message, lambda fn: fn.sample(jax.random.PRNGKey(_KEY)))

    def postprocess_message(self, message: Any) -> None:
        if message["type"] == "sample":
            self.cut.keep(message)


def _sites(function: Callable[..., Any], x: Any) -> dict[str, dict[str, Any]]:
    trace = handlers.trace(handlers.seed(function, jax.random.PRNGKey(_KEY))).get_trace(x)
    return {name: site for name, site in trace.items() if site["type"] == "sample"}


def _loss(
    model: Callable[..., Any],
    guide: Callable[..., Any],
    x: Any,
    in_model: Mapping[str, tuple[Any, Any]],
    in_guide: Mapping[str, tuple[Any, Any]],
) -> Any:
    drawn = Cut(in_guide)
    return Trace_ELBO().loss(
        jax.random.PRNGKey(_KEY),
        {},
        lambda data: _under(model, Cut(in_model, drawn.own), data),
        lambda data: _under(guide, drawn, data),
        x,
    )


def _under(function: Callable[..., Any], cut: Cut, x: Any) -> None:
    with _Handler(cut):
        function(x)


class _Traced:
    """A function of x as a program, which is run with outputs replaced."""

    def __init__(self, function: Callable[[Any], Any], owner: Any):
        self.function = function
        self.program: Program | None = None

    def run(self, x: Array, setting: Setting) -> Run:
        if self.program is None:
            self.program = program(jax.make_jaxpr(self.function)(jnp.asarray(x)))
        plan = self.program
        replaced = {plan.at(place): jnp.asarray(value) for place, value in setting.replaced.items()}
        return plan.run(x, {plan.inputs[0]: jnp.asarray(x), **replaced}, ["scale"])


LIBRARY = Library(_sites, _loss, jnp.asarray, _Traced, jax.jit)
