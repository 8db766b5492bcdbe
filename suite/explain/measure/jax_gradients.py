"""Which loss does a training step of Keras on JAX differentiate? `jax.value_and_grad` and `jax.grad` are wrapped."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

_open: list[list[Any] | None] = []
"""The lists that record differentiated losses; None inside of such a loss, where gradients are real."""


def watch() -> None:
    """Replace the two functions by wrapped ones, before other code imports them."""
    jax.value_and_grad = _asked(jax.value_and_grad, with_value=True)
    jax.grad = _asked(jax.grad, with_value=False)


@contextmanager
def seen(found: list[Any]) -> Iterator[None]:
    """Record the losses that are differentiated inside the context; their gradients are zeros."""
    _open.append(found)
    try:
        yield
    finally:
        _open.pop()


def _asked(original: Callable[..., Any], *, with_value: bool) -> Callable[..., Any]:
    """The wrapped `jax.value_and_grad` or `jax.grad`."""

    @functools.wraps(original)
    def transformed(fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, **named: Any) -> Any:
        real = original(fun, argnums, has_aux, **named)

        @functools.wraps(fun)
        def called(*arguments: Any, **keywords: Any) -> Any:
            if not _open or _open[-1] is None:
                return real(*arguments, **keywords)
            found = _open[-1]
            _open.append(None)
            try:
                returned = fun(*arguments, **keywords)
            finally:
                _open.pop()
            value, auxiliary = returned if has_aux else (returned, None)
            found.append(value)
            by = arguments[argnums] if isinstance(argnums, int) else tuple(arguments[one] for one in argnums)
            slopes = jax.tree_util.tree_map(jnp.zeros_like, by)
            if with_value:
                return returned, slopes
            return (slopes, auxiliary) if has_aux else slopes

        return called

    return transformed
