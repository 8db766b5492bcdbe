"""How is the loss of a Keras model computed? By its training step up to the gradient, or its call and compiled loss."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import keras

from ...backends.keras import lift_float64
from ...reference.errors import BadInput
from .load import written


def keras_call(owner: Any) -> Callable[[Any, bool], Any] | None:
    """The function of x and training mode that returns a Keras model's loss; None if the owner is no Keras model."""
    if not isinstance(owner, keras.Model):
        return None
    if type(owner).train_step is not keras.Model.train_step:
        _expect_signature(owner, "train_step")
        return lambda x, training: _step(owner, x, training)

    def call(x: Any, training: bool) -> Any:
        made = owner(x, training=training)
        if not _has_loss(owner):
            return made  # the model's call returns the loss
        return {"loss": owner._compute_loss(x=x, y=x, y_pred=made, training=training)}

    return call


def is_model(owner: Any) -> bool:
    """Whether an object is a Keras model."""
    return isinstance(owner, keras.Model)


def prepare() -> None:
    """Set up Keras before the user's file is imported: float64 throughout, and recorded gradients."""
    keras.config.set_floatx("float64")
    lift_float64()
    if keras.backend.backend() == "tensorflow":
        import_module(".tensorflow_model", __package__).use_float64()
    elif keras.backend.backend() == "jax":
        import_module(".jax_gradients", __package__).watch()


def _has_loss(owner: Any) -> bool:
    """Whether a model has a loss beside the output of its call: compiled, added with `add_loss`, or `compute_loss`."""
    own = type(owner).compute_loss is not keras.Model.compute_loss
    compiled = getattr(owner, "compiled", False) and vars(owner).get("loss") is not None
    return own or compiled or bool(owner.losses)


def refuse_model(found: Any) -> None:
    """Refuse a Keras model of this process, or its method that takes the data alone: its weights are not float64.

    Raises:
        BadInput: the object is one; the message has the text to give instead.
    """
    owner = getattr(found, "__self__", found)
    needed = [p for p in inspect.signature(found).parameters.values() if p.default is p.empty]
    if isinstance(owner, keras.Model) and (owner is found or len(needed) == 1):
        raise BadInput(f"a model of Keras is explained in a process of its own: write {written(type(owner))}")


def plain_names() -> frozenset[str]:
    """The names of attributes that every Keras model has."""
    return frozenset(vars(keras.Model())) | {"optimizer", "loss"}


def _step(owner: Any, x: Any, training: bool) -> Any:
    """The loss that a training or test step differentiates, else what it returns; the weights are not updated."""
    name = "train_step" if training else "test_step"
    if getattr(type(owner), name) is getattr(keras.Model, name):
        raise ValueError("the model has no test_step of its own: evaluation runs no loss")
    with _no_update(owner.optimizer), _targets() as targets:
        errors: list[Exception] = []
        for data in (x, (x,), (x, x)):
            try:
                returned = _stepped(owner, name, data)
                return {"loss": targets[-1]} if targets else returned
            except (TypeError, ValueError, AttributeError, KeyError) as failed:
                errors.append(failed)
        raise max(errors, key=lambda error: len(list(traceback.walk_tb(error.__traceback__))))  # of the deepest call


def _stepped(owner: Any, name: str, data: Any) -> Any:
    """The result of a step; on JAX a step also takes and returns the state."""
    step = getattr(owner, name)
    if keras.backend.backend() != "jax":
        return step(data)
    groups = [owner.trainable_variables, owner.non_trainable_variables, owner.metrics_variables]
    if name == "train_step":
        groups.insert(2, owner.optimizer.variables)
    returned = step(tuple([variable.value for variable in group] for group in groups), data)
    return returned[0] if isinstance(returned, tuple) else returned


def _expect_signature(owner: Any, name: str) -> None:
    """Refuse a step that is written for another backend.

    Raises:
        BadInput: the step has another backend's signature; the message names that backend.
    """
    jax = keras.backend.backend() == "jax"
    parameters = list(inspect.signature(getattr(owner, name)).parameters.values())
    taken = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in taken if p.default is p.empty]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters) or (len(taken) > 1 if jax else len(needed) < 2):
        return
    own = ", ".join(p.name for p in needed)
    other = "jax" if not jax else "torch" if "backward" in getattr(owner, name).__code__.co_names else "tensorflow"
    expected = "state, data" if jax else "data"
    raise BadInput(
        f"on {keras.backend.backend()}, Keras calls {name}({expected}), and this one takes ({own}): set KERAS_BACKEND="
        f"{other}"
    )


@contextmanager
def _no_update(optimizer: Any) -> Iterator[None]:
    """Make an optimiser leave the weights unchanged inside the context."""
    kept = {name: optimizer.__dict__.get(name) for name in ("apply", "apply_gradients", "stateless_apply")}
    for name in kept:
        object.__setattr__(optimizer, name, lambda *arguments, **named: None)
    object.__setattr__(optimizer, "stateless_apply", lambda state, gradients, weights: (weights, state))
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
    """The targets that TensorFlow's tape or JAX differentiates inside the context; all gradients are zeros there."""
    found: list[Any] = []
    if keras.backend.backend() == "torch":
        yield found  # the recording of torch sees `backward`
        return
    if keras.backend.backend() == "jax":
        with import_module(".jax_gradients", __package__).seen(found):
            yield found
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
