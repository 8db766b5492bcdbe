"""A notation's own implementation as the trainings and readings need it: by roles, with canonical weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
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


@dataclass
class Vae:
    """One model of one notation in one backend."""

    binding: Binding
    subject: Subject

    @classmethod
    def build(cls, binding: Binding, notation: str, spec: Spec, weights: Weights) -> Vae:
        """The notation's model for a specification, with these canonical weights."""
        module = import_module(f"{packages()[notation]}.{binding.framework}_vae")
        cell = Cell("digits", notation, binding.framework, binding.backend, binding.device, DTYPE, mode_of(binding))
        nothing = np.zeros((1, spec.data_dim)), np.zeros((1, 1, spec.latent_dim))
        problem = Problem("digits", spec, *nothing, weights)
        return cls(binding, prepare(binding, cell, notations()[notation], module, problem))

    def put(self, weights: Weights) -> None:
        """Give the model these canonical weights."""
        self.binding.put_weights(self.subject.model, published_weights(self.subject.maps, weights, DTYPE))

    def quantity(self, role: str) -> Callable[[Any, Any], Any]:
        """(x, noise [1, batch, latent]) → the notation's quantity of a role, in its canonical sign: [batch]."""
        symbol = self.subject.notation.symbol(role, self.subject.spec)
        assert symbol is not None and symbol.quantity is not None, f"{self.subject.notation.id} defines no {role}"
        quantities, name, sign = self.subject.method("quantities"), symbol.quantity, symbol.sign
        drawn = "sample" in self.subject.notation.noise_axes
        return lambda x, noise: sign * quantities(x, noise if drawn else noise[0])[name]

    def heads(self, net: str) -> Callable[[Any], list[Any]]:
        """z (or x) [row, ...] → what the decoder (or encoder) returns, [row, ...] each."""
        method = getattr(self.subject.model, getattr(self.subject.notation.methods, net))

        def call(tensor: Any) -> list[Any]:
            found = method(tensor)
            return list(found) if isinstance(found, tuple | list) else [found]

        return call

    def gradients(self, function: Callable[..., Any], mode: str) -> Callable[..., dict[str, Array]]:
        """`function` of tensors → its sum's gradients by canonical weight, as a function of the same tensors."""

        def total(*tensors: Any) -> dict[str, Any]:
            return {"": self.binding.total(function(*tensors))}

        differentiated = self.binding.with_gradients(self.subject.model, total, self.subject.paths, mode)

        def call(*tensors: Any) -> dict[str, Array]:
            _, by_path = differentiated(*tensors)
            arrays = {path: self.binding.array(gradient) for path, gradient in by_path.items()}
            return {name: m.gradient_to_canonical(arrays[m.path]) for name, m in self.subject.maps.items()}

        return call

    @cached_property
    def log_weights(self) -> Callable[[Array, Array], Array]:
        """x [row, data], noise [1, row, latent] → log p(x, z) − log q(z|x) at one draw per row: [row]."""
        forward = self.binding.forward(self.subject.model, self.quantity("elbo_monte_carlo"), mode_of(self.binding))

        def call(x: Array, noise: Array) -> Array:
            return self.binding.array(forward(self.subject.data(x), self.binding.tensor(noise, DTYPE)))

        return call
