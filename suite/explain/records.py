"""What a worker is asked to explain, and its outcome."""

from __future__ import annotations

from typing import Any

import msgspec

from .answer import Answer


class Asked(msgspec.Struct, frozen=True):
    """What is explained.

    Attributes:
        target: a path or a module's name.
        name: an expression in its namespace.
        framework: one of `measure.ADAPTERS`.
        keras: whether it uses Keras.
        at: sizes at which numbers are wanted.
        set: values of arguments.
        arguments: roles of arguments; of weights of a JAX function, expressions.
        started: seconds since the epoch at which the command began.
        data: a file of data that a model is run on; nothing for none.
        changed: whether a change is looked for.
        limit_s: seconds that it may take; 0 for no limit of its own.
        guide: of a model of Pyro or NumPyro, its guide; nothing for none.
        sweep: argument → values at which the KL's weight is measured, where it has no expression.
    """

    target: str
    name: str
    framework: str
    keras: bool
    at: dict[str, float]
    set: dict[str, Any]
    arguments: dict[str, str]
    started: float
    data: str = ""
    changed: bool = True
    limit_s: float = 0.0
    guide: str = ""
    sweep: dict[str, list[int]] = {}


class Explained(msgspec.Struct, frozen=True, tag_field="kind", tag="explained"):
    """The outcome: an answer, or why there is none."""

    answer: Answer | None = None
    bad_input: str | None = None
    raised: str | None = None
