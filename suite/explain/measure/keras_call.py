"""How the loss of a Keras model is reached: its training step up to the gradient, or its call and compiled loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from ...reference.errors import BadInput
from .load import written


def keras_call(owner: Any) -> Callable[[Any, bool], Any] | None:
    """The call of a model; None where the owner is none, or is a loss on tensors."""
    if not isinstance(owner, keras.Model):
        return None
    if type(owner).train_step is not keras.Model.train_step:
        return lambda x, training: _step(owner, x, training)

    def call(x: Any, training: bool) -> Any:
        made = owner(x, training=training)
        try:
            return {"loss": owner.compute_loss(x=x, y=x, y_pred=made, training=training)}
        except ValueError:
            return made

    return call


def refuse_model(found: Any) -> None:
    """Refuse a model of this process, or a method of one that takes the data alone: its weights are not in float64.

    Raises:
        BadInput: it is one; the message has the form to write.
    """
    owner = getattr(found, "__self__", found)
    needed = [p for p in inspect.signature(found).parameters.values() if p.default is p.empty]
    if isinstance(owner, keras.Model) and (owner is found or len(needed) == 1):
        raise BadInput(f"a model of Keras is explained in a process of its own: write {written(type(owner))}")


def plain_names() -> frozenset[str]:
    """The attributes that every Keras model has."""
    return frozenset(vars(keras.Model())) | {"optimizer", "loss"}


def _step(owner: Any, x: Any, training: bool) -> Any:
    """The training step without its update; what it differentiates is the loss, where that is seen."""
    if not training and type(owner).test_step is keras.Model.test_step:
        raise ValueError("the model has no test_step of its own: evaluation runs no loss")
    if getattr(owner, "optimizer", None) is None:
        owner.compile(optimizer=keras.optimizers.SGD(0.0))
    step = owner.train_step if training else owner.test_step
    with _no_update(owner.optimizer), _targets() as targets:
        error: Exception | None = None
        for data in (x, (x,), (x, x)):
            try:
                returned = step(data)
                return {"loss": targets[-1]} if targets else returned
            except (TypeError, ValueError, AttributeError, KeyError) as failed:
                error = error or failed
        assert error is not None
        raise error


@contextmanager
def _no_update(optimizer: Any) -> Iterator[None]:
    """An optimiser that leaves the weights as they are."""
    kept = {name: optimizer.__dict__.get(name) for name in ("apply", "apply_gradients")}
    for name in kept:
        object.__setattr__(optimizer, name, lambda *arguments, **named: None)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                object.__delattr__(optimizer, name)
            else:
                object.__setattr__(optimizer, name, value)


@contextmanager
def _targets() -> Iterator[list[Any]]:
    """What a TensorFlow tape is asked to differentiate; it gives no gradients meanwhile."""
    found: list[Any] = []
    if keras.backend.backend() != "tensorflow":
        yield found  # the recording of torch sees `backward` itself
        return
    import tensorflow as tf

    kept = tf.GradientTape.gradient

    def gradient(self: Any, target: Any, sources: Any, *arguments: Any, **named: Any) -> Any:
        found.append(target)
        return tf.nest.map_structure(tf.zeros_like, sources)

    tf.GradientTape.gradient = gradient
    try:
        yield found
    finally:
        tf.GradientTape.gradient = kept
