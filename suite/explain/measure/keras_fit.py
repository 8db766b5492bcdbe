"""Does the compiled step of `fit` read a weight that a callback changes, or keep its first value?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from ..dictionary.formula import Array
from ..models.faults import Frozen
from .subject import Subject

EPOCHS = 200
HUGE = 1e8
"""A weight whose effect on the loss exceeds that of any draw of noise."""


def frozen(subject: Subject, namespace: dict[str, Any], x: Array) -> Frozen | None:
    """A number of the model that a callback of the file changes and the compiled step reads once; None for none."""
    owner = subject.owner
    if keras.backend.backend() == "torch" or not isinstance(owner, keras.Model):  # Keras compiles nothing on torch
        return None
    for name, series in _series(subject, namespace):
        seen = {eager: _reads(subject, name, series[0], x, eager=eager) for eager in (True, False)}
        if seen[True] and seen[False] is False:
            last = next(epoch for epoch in range(len(series)) if len(set(series[epoch:])) == 1)
            return Frozen(name, last if last < len(series) - 1 else None, series[last], series[0])
    return None


def _series(subject: Subject, namespace: dict[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """The attributes of the model that the file's callbacks change, with their values by epoch."""
    for kind in list(namespace.values()):
        own = isinstance(kind, type) and issubclass(kind, keras.callbacks.Callback)
        if not own or kind.__module__ != namespace.get("__name__") or subject.build is None:
            continue
        model = subject.build({})
        names = list(subject.parameters)
        seen: dict[str, list[float]] = {name: [] for name in names}
        try:
            callback = kind()
            callback.set_model(model.owner)
            for epoch in range(EPOCHS):
                callback.on_epoch_begin(epoch, {})
                for name in names:
                    seen[name].append(float(getattr(model.owner, name)))
                callback.on_epoch_end(epoch, {})
        except Exception:  # a callback may need more than a model and an epoch
            continue
        yield from ((name, values) for name, values in seen.items() if len(set(values)) > 1)


def _reads(subject: Subject, name: str, first: float, x: Array, *, eager: bool) -> bool | None:
    """Whether a step reads a new value of a weight after it ran once with another; None if it does not run."""
    assert subject.build is not None
    model = subject.build({}).owner
    try:
        model.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=eager)
        setattr(model, name, first)
        before = _printed(model, x)
        setattr(model, name, HUGE)
        return _printed(model, x) > 1e3 * (1 + before)
    except Exception:
        return None


def _printed(model: Any, x: Array) -> float:
    """The largest number that one step of `fit` returns; the history of `fit` has the model's metrics."""
    seen: list[float] = []
    step = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.extend(map(float, logs.values())))
    model.fit(x, batch_size=len(x), verbose=0, callbacks=[step])
    return float(np.abs(seen).max())
