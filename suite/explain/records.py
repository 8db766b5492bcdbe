"""What does a worker receive and return? The request, and the outcome."""

from __future__ import annotations

from typing import Any

import msgspec

from .answer import Answer


class Asked(msgspec.Struct, frozen=True):
    """A request to explain one loss.

    Attributes:
        target: the path of a file, or the name of a module.
        name: the loss, an expression in the namespace of the file.
        framework: a key of `measure.ADAPTERS`.
        keras: whether the file imports Keras.
        at: sizes at which expressions are evaluated.
        set: argument → value.
        arguments: argument → role; weights of a JAX function → expression.
        started: the start of the command, in seconds since the epoch.
        data: a file of data that a model is run on, or `digits`; empty for none.
        changed: whether to look for an edit that makes a wrong loss right.
        limit_s: seconds until the worker is stopped; 0 for no limit.
        guide: the guide of a model of Pyro or NumPyro; empty for none.
        sweep: argument → values at which the KL's weight is measured, if it has no expression.
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
    """The outcome of a request.

    Attributes:
        answer: the answer, if there is one.
        bad_input: why the loss cannot be explained, which the user can change.
        raised: what the file did instead of returning: it raised, exited, crashed or hung.
    """

    answer: Answer | None = None
    bad_input: str | None = None
    raised: str | None = None
