"""Which model does an entry name, and which runner runs it? The runner depends on the framework or Keras's backend."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..models.run import Runner
from ..records import Asked
from .subject import Subject, subject_of

MODELS = {"torch": ("torch_model", "TorchRunner"), "tensorflow": ("tensorflow_model", "TensorflowRunner")}
"""Framework → module and class of its runner."""
MODELS_OF_KERAS = {
    "torch": ("keras_torch_model", "KerasTorchRunner"),
    "tensorflow": ("tensorflow_model", "TensorflowRunner"),
    "jax": ("jax_model", "JaxRunner"),
}
"""Backend of Keras → module and class of its runner."""


def model_of(asked: Asked, namespace: dict[str, Any]) -> tuple[Runner, Subject] | None:
    """The runner of the requested model, and the model; None if the entry is a loss on tensors.

    Raises:
        BadInput: the entry leaves more than one name open.
    """
    if asked.framework == "jax" and not asked.keras:
        found: tuple[Runner, Subject] | None = import_module(".jax_function", __package__).function_of(asked, namespace)
        return found
    if asked.framework not in (MODELS_OF_KERAS if asked.keras else MODELS):
        return None
    calls, plain, of_torch = None, frozenset[str](), None
    if asked.framework == "torch":
        of_torch = calls = import_module(".torch_model", __package__).torch_call
    if asked.keras:
        keras_call = import_module(".keras_call", __package__)
        plain = keras_call.plain_names()

        def calls(owner: Any) -> Callable[[Any, bool], Any] | None:
            own: Callable[[Any, bool], Any] | None = keras_call.keras_call(owner)
            return of_torch(owner) if own is None and of_torch is not None else own

    def joined(values: list[Any]) -> Any:
        models = [value for value in values if asked.keras and keras_call.is_model(value)]
        return models[0] if models else _modules(values) if asked.framework == "torch" else None

    subject = subject_of(asked.name, namespace, asked.target, calls, plain, joined)
    if subject is None:
        return None
    subject.width = int(asked.at["D"]) if "D" in asked.at else None
    of_keras = asked.keras and keras_call.is_model(subject.owner)
    module, name = (MODELS_OF_KERAS if of_keras or asked.framework not in MODELS else MODELS)[asked.framework]
    runner: Runner = getattr(import_module(f".{module}", __package__), name)(subject)
    return runner, subject


def _modules(values: list[Any]) -> Any:
    """The torch modules with weights among some values: the only one, or a ModuleList of several; None for none."""
    torch = import_module("torch")
    found = [one for one in values if isinstance(one, torch.nn.Module) and any(True for _ in one.parameters())]
    return found[0] if len(found) == 1 else torch.nn.ModuleList(found) if found else None
