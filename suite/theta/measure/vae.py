"""A notation's implementation as the trainings and readings use it: by roles, with canonical weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ...backends import Binding
from ...backends.table import BACKENDS
from ...notations.registry import notations, packages
from ...notations.weight_maps import published_weights
from ...reference.problem import Array, Problem
from ...reference.spec import Spec
from ...workers.records import Cell
from ...workers.subject import Subject, prepare

Weights = Mapping[str, Array]
DTYPE = "float64"


def mode_of(binding: Binding) -> str:
    """Compiled where Keras can: eager steps of TensorFlow and JAX would take most of the time."""
    modes = BACKENDS[binding.backend].modes
    return "compiled" if binding.framework == "keras" and "compiled" in modes else "eager"


def build(binding: Binding, notation: str, spec: Spec, weights: Weights) -> Subject:
    """The notation's model for a specification, with these canonical weights."""
    module = import_module(f"{packages()[notation]}.{binding.framework}_vae")
    cell = Cell("digits", notation, binding.framework, binding.backend, binding.device, DTYPE, mode_of(binding))
    nothing = np.zeros((1, spec.data_dim)), np.zeros((1, 1, spec.latent_dim))
    return prepare(binding, cell, notations()[notation], module, Problem("digits", spec, *nothing, weights))


def put(vae: Subject, weights: Weights) -> None:
    """Give a model these canonical weights."""
    vae.binding.put_weights(vae.model, published_weights(vae.maps, weights, DTYPE))


def quantity(vae: Subject, role: str) -> Callable[[Any, Any], Any]:
    """(x, noise [1, batch, latent]) → the notation's quantity of a role, in its canonical sign: [batch]."""
    symbol = vae.notation.symbol(role, vae.spec)
    assert symbol is not None and symbol.quantity is not None, f"{vae.notation.id} defines no {role}"
    quantities, name, sign = vae.method("quantities"), symbol.quantity, symbol.sign
    drawn = "sample" in vae.notation.noise_axes
    return lambda x, noise: sign * quantities(x, noise if drawn else noise[0])[name]


def heads(vae: Subject, net: str) -> Callable[[Any], list[Any]]:
    """z (or x) [row, ...] → the outputs of the decoder (or encoder), [row, ...] each."""
    method = getattr(vae.model, getattr(vae.notation.methods, net))

    def call(tensor: Any) -> list[Any]:
        outputs = method(tensor)
        return list(outputs) if isinstance(outputs, tuple | list) else [outputs]

    return call


def gradients(vae: Subject, function: Callable[..., Any], mode: str) -> Callable[..., dict[str, Array]]:
    """`function` of tensors → its sum's gradients by canonical weight, as a function of the same tensors."""
    binding = vae.binding

    def total(*tensors: Any) -> dict[str, Any]:
        return {"": binding.total(function(*tensors))}

    differentiated = binding.with_gradients(vae.model, total, vae.paths, mode)

    def call(*tensors: Any) -> dict[str, Array]:
        _, by_path = differentiated(*tensors)
        return {name: m.gradient_to_canonical(binding.array(by_path[m.path])) for name, m in vae.maps.items()}

    return call
