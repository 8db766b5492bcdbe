"""How is a loss explained in Python? `elbostone.explain(...)` takes a function or a file, and displays its answer."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import msgspec

from ..notations.registry import notations
from ..reference.errors import BadInput
from .answer import Answer
from .documents import html, markdown
from .nearest import nearest
from .phase import answered, asked
from .plan import FRAMEWORKS
from .records import Asked
from .text import printed


class Explanation(Answer, frozen=True, kw_only=True):
    """An answer that displays itself: as text, and in a notebook as a table."""

    def __repr__(self) -> str:
        return printed(self)

    def _repr_html_(self) -> str:
        return html(self)

    def _repr_markdown_(self) -> str:
        return markdown(self)


def explain(
    loss: str | Callable[..., Any],
    *,
    at: Mapping[str, float] | None = None,
    set: Mapping[str, Any] | None = None,
    arguments: Mapping[str, str] | None = None,
    guide: str | None = None,
    framework: str | None = None,
    timeout: float = 120.0,
) -> Explanation:
    """Say what a loss computes, as the command does.

    Args:
        loss: the text FILE.py:NAME or MODULE:NAME, which is explained in a process of its own; a Keras model must be
            given so (`model.py:VAE()`). Or a function, a method or a module that is called with recon, x, mu and
            logvar, or a model of torch: these are explained in this process, on float64 values.
        at: sizes at which expressions are evaluated, such as {"D": 784, "J": 20}.
        set: argument → value.
        arguments: argument → role, for names that mislead.
        guide: the name of the guide, for a model of Pyro or NumPyro that is given as text.
        framework: `torch`, `tensorflow`, `jax` or `numpy`; by default the framework that the loss's module imports.
        timeout: seconds after which a file is stopped; without effect on a loss explained in this process.

    Raises:
        BadInput: the loss cannot be called, or is no such object.
        RuntimeError: the file crashed, exited or hung.
        EnvironmentLacks: a framework is not installed.
    """
    sizes, values, roles = dict(at or {}), dict(set or {}), dict(arguments or {})
    if isinstance(loss, str):
        outcome = answered(asked(loss, sizes, values, roles, guide), timeout)
        entry = loss
    else:
        if guide is not None:
            raise BadInput(f"guide: expected a model that is given as text, FILE.py:NAME; found {type(loss).__name__}")
        if not callable(loss):
            raise BadInput(f"expected FILE.py:NAME or what can be called; found {type(loss).__name__}")
        entry = getattr(loss, "__qualname__", type(loss).__name__)
        named = framework or framework_of(loss)
        measure = import_module(".measure", __package__)
        with in_float64(named):
            outcome = measure.explained_here(loss, Asked("", entry, named, False, sizes, values, roles, time.time()))
    if outcome.bad_input is not None:
        raise BadInput(outcome.bad_input)
    if outcome.answer is None:
        raise RuntimeError(f"{entry}: {outcome.raised}")
    close = nearest(outcome.answer, notations().values())
    answer = msgspec.structs.replace(outcome.answer, entry=entry, nearest_notation=close)
    return Explanation(**msgspec.structs.asdict(answer))


def framework_of(loss: Callable[..., Any]) -> str:
    """The framework of the modules that a loss names in its body; else of the modules that its file imports."""
    called = getattr(loss, "forward", loss)
    plain = inspect.unwrap(getattr(called, "__func__", called))
    namespace = getattr(plain, "__globals__", None) or vars(inspect.getmodule(type(loss)))
    used = getattr(getattr(plain, "__code__", None), "co_names", ())
    if getattr(plain, "__closure__", None):  # a framework may be imported inside of an outer function
        nonlocals = inspect.getclosurevars(plain).nonlocals
        namespace, used = {**namespace, **nonlocals}, (*used, *nonlocals)
    for names in (used, namespace):
        tops = [_package(namespace[name]) for name in names if name in namespace]
        found = [FRAMEWORKS[top] for top in tops if top in FRAMEWORKS]
        if found or "numpy" in tops:
            return found[0] if found else "numpy"
    return "numpy"


def _package(value: Any) -> str:
    """The top-level package of a module, or of an object's module."""
    name = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


@contextmanager
def in_float64(framework: str) -> Iterator[None]:
    """Compute in float64 inside the context, and restore the settings after it.

    torch uses one thread inside: the calls are small, and several threads would wait for each other.
    """
    if framework == "torch":
        torch: Any = import_module("torch")
        before, threads = torch.get_default_dtype(), torch.get_num_threads()
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_default_dtype(before)
            torch.set_num_threads(threads)
    elif framework == "jax":
        jax: Any = import_module("jax")
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        try:
            yield
        finally:
            jax.config.update("jax_enable_x64", before)
    else:
        yield
