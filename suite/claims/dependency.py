"""Which weights an output depends on: the norm of its gradient by each, through the framework's own differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..reference.problem import Array, Problem
from ..workers.evaluation import inputs
from ..workers.records import Number, number
from ..workers.subject import Subject

Arguments = tuple[Any, list[Any], tuple[Any, ...]]
Norms = dict[str, Number]

#: The distributions whose logarithms `densities` returns, by the role of the quantity.
PRINTED = {"log_likelihood": "likelihood", "log_prior": "prior", "log_posterior": "approximate_posterior"}


def dependency_of(subject: Subject, problem: Problem, arguments: Arguments) -> dict[str, Norms]:
    """Output → attribute path → norm of the gradient: exactly 0 where there is no dependence.

    Outputs are `encoder`, `decoder`, and the distributions by role: what `densities` returns at some fixed z, their sum
    (`joint`), log mean_l p(x, z_l) (`marginal`, an importance-weighted sum with a constant density of z), and the joint
    less that (`posterior`). Of the last two the gradient is that of the joint at each z, weighed by its share in the
    sum. Where the decoder's weights have a posterior, `weight_posterior` is their KL(q(θ) ‖ p(θ)).

    Args:
        subject: a loaded model.
        problem: what it is loaded with.
        arguments: x, z (all draws at once, or one by one), and the noise of weights.
    """
    methods, (x, zs, _) = subject.notation.methods, arguments
    model, found = subject.model, {}
    if methods.encoder is not None:
        encoder = getattr(model, methods.encoder)
        found["encoder"] = _norms(subject, lambda: _squares(subject, encoder(x)))
    decoder = getattr(model, methods.decoder)
    found["decoder"] = _norms(subject, lambda: _squares(subject, decoder(zs[0])))
    kl = subject.notation.symbol("weight_kl", subject.spec)
    if kl is not None:
        quantities, (first, *_) = getattr(model, methods.quantities), inputs(subject, problem)
        total = subject.binding.total
        found["weight_posterior"] = _norms(subject, lambda: total(quantities(*first)[str(kl.quantity)]))
    if methods.densities is not None:
        found |= _distributions(subject, getattr(model, methods.densities), arguments)
    return found


def _distributions(subject: Subject, densities: Callable[..., Any], arguments: Arguments) -> dict[str, Norms]:
    x, zs, noise = arguments
    symbols = {role: subject.notation.symbol(role, subject.spec) for role in PRINTED}
    keys = {role: str(symbol.quantity) for role, symbol in symbols.items() if symbol is not None}
    values = [dict(densities(x, z, *noise)) for z in zs]
    found = {}
    for role, key in keys.items():
        if key in values[0]:
            one = [{key: np.ones(subject.binding.array(v[key]).shape)} for v in values]
            found[PRINTED[role]] = _norms(subject, _weighed(subject, densities, arguments, one))
    parts = [keys[role] for role in ("log_likelihood", "log_prior") if keys.get(role) in values[0]]
    if len(parts) < 2:
        return found
    # A source that takes one draw at a time has no axis for draws: it gets one here, and loses it again.
    each = np.stack([sum(subject.binding.array(v[key]) for key in parts) for v in values])
    joint = each[0] if len(values) == 1 else each
    shares = np.exp(joint - joint.max(axis=0))
    shares /= shares.sum(axis=0)
    first = np.zeros_like(shares)
    first[0] = 1
    for name, weight in (("joint", np.ones_like(shares)), ("marginal", shares), ("posterior", first - shares)):
        split = [weight] if len(values) == 1 else list(weight)
        found[name] = _norms(subject, _weighed(subject, densities, arguments, [dict.fromkeys(parts, w) for w in split]))
    return found


def _weighed(
    subject: Subject, densities: Callable[..., Any], arguments: Arguments, weights: Sequence[Mapping[str, Array]]
) -> Callable[[], Any]:
    """Σ weight · density, over draws and data, as a function of the model's weights alone."""
    x, zs, noise = arguments
    binding = subject.binding
    given = [{key: binding.tensor(w, subject.dtype) for key, w in draw.items()} for draw in weights]

    def total() -> Any:
        sums = []
        for z, draw in zip(zs, given, strict=True):
            outputs = densities(x, z, *noise)
            sums += [binding.total(outputs[key] * weight) for key, weight in draw.items()]
        return sum(sums[1:], sums[0])

    return total


def _squares(subject: Subject, outputs: Any) -> Any:
    """The sum of the squares of all outputs."""
    many = outputs if isinstance(outputs, tuple | list) else (outputs,)
    totals = [subject.binding.total(output * output) for output in many]
    return sum(totals[1:], totals[0])


def _norms(subject: Subject, scalar: Callable[[], Any]) -> Norms:
    function = subject.binding.with_gradients(subject.model, lambda: {"": scalar()}, subject.paths, "eager")
    _, gradients = function()
    return {path: number(np.linalg.norm(subject.binding.array(g)).item()) for path, g in gradients.items()}
