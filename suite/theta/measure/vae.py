"""A notation's own implementation as the trainings and readings need it: by roles, with canonical weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import SimpleNamespace
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

    def canonical(self, by_path: Weights) -> dict[str, Array]:
        """Gradients by attribute path as gradients by canonical weight."""
        return {name: m.gradient_to_canonical(by_path[m.path]) for name, m in self.subject.maps.items()}

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

    @cached_property
    def log_weights(self) -> Callable[[Array, Array], Array]:
        """x [row, data], noise [1, row, latent] → log p(x, z) − log q(z|x) at one draw per row: [row]."""
        forward = self.binding.forward(self.subject.model, self.quantity("elbo_monte_carlo"), mode_of(self.binding))

        def call(x: Array, noise: Array) -> Array:
            return self.binding.array(forward(self.subject.data(x), self.binding.tensor(noise, DTYPE)))

        return call


Gradients = Callable[[Array, Array], dict[str, Array]]
"""(x, noise) → gradients by canonical weight."""


def elbo_gradients(vae: Vae) -> Gradients:
    """The gradients of Σ_b elbo_b."""
    return _gradients({"": vae}, vae.subject.model, vae.quantity("elbo"))


def pair_gradients(first: Vae, second: Vae) -> Gradients:
    """Gradients of Σ_b log p(x|z) in the second model less KL(q‖p(z)) in the first: `first/…`, `second/…`."""
    likelihood, kl = second.quantity("log_likelihood"), first.quantity("kl")
    models = SimpleNamespace(first=first.subject.model, second=second.subject.model)
    return _gradients({"first": first, "second": second}, models, lambda x, noise: likelihood(x, noise) - kl(x, noise))


def _gradients(vaes: Mapping[str, Vae], model: Any, objective: Callable[[Any, Any], Any]) -> Gradients:
    """The models by their attribute of what holds them; a single one holds itself, under no name."""
    one = next(iter(vaes.values()))
    binding = one.binding
    paths = {name: {p: f"{name}.{p}".lstrip(".") for p in vae.subject.paths} for name, vae in vaes.items()}

    def total(x: Any, noise: Any) -> dict[str, Any]:
        return {"": binding.total(objective(x, noise))}

    every = [path for own in paths.values() for path in own.values()]
    function = binding.with_gradients(model, total, every, mode_of(binding))

    def call(x: Array, noise: Array) -> dict[str, Array]:
        _, by_path = function(one.subject.data(x), binding.tensor(noise, DTYPE))
        found: dict[str, Array] = {}
        for name, vae in vaes.items():
            own = vae.canonical({path: binding.array(by_path[full]) for path, full in paths[name].items()})
            found |= {f"{name}/{weight}".lstrip("/"): gradient for weight, gradient in own.items()}
        return found

    return call
