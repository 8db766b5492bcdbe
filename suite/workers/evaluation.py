"""One cell in a worker: run a notation's own equations and convert their outputs to canonical tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Binding, Graphs
from ..notations.notation import Symbol
from ..notations.roles import ROLES, TO_LOG_VARIANCE
from ..reference.problem import Problem
from .subject import Subject

Array = NDArray[Any]
OBJECTIVE = "objective"


@dataclass(frozen=True)
class Outcome:
    """The results of a cell.

    Attributes:
        tensors: canonical name → float64 array; gradients as `gradient/<weight>`; the published objective, brought
            back to Σ_b bound_b by its declared sense, reduction and constants, as `objective`.
        published_objective: the objective as the source defines it, averaged over draws that it makes one by one.
        graphs: what was compiled, if anything was.
        device, dtype: those of the output tensors, as the framework reports.
    """

    tensors: dict[str, Array]
    published_objective: float
    graphs: Graphs | None
    device: str
    dtype: str


def evaluate(subject: Subject, problem: Problem, *, gradients: bool) -> Outcome:
    """All quantities that the source defines, its objective, and the gradients of that, as the contract has them.

    Gradients are of the published objective, brought back by its sense and reduction over data: constants have none,
    and other weights of the KL than the problem's are the source's own, and differ.

    A source that writes one draw of noise is called once per draw and averaged.
    """
    binding = subject.binding
    symbols = _compared(subject)
    axes = {name: subject.notation.axes_of(s, binding.framework, subject.spec) for name, s in symbols.items()}
    axes[OBJECTIVE] = ()
    quantities, objective = subject.method("quantities"), subject.objective()

    def measured(*tensors: Any) -> dict[str, Any]:
        outputs = dict(quantities(*tensors))
        outputs[OBJECTIVE] = objective(*tensors)
        outputs[""] = binding.total(outputs[OBJECTIVE])
        return outputs

    function: Any = (
        binding.with_gradients(subject.model, measured, subject.paths, subject.mode)
        if gradients
        else binding.forward(subject.model, measured, subject.mode)
    )
    found: list[dict[str, Array]] = []
    slopes: list[dict[str, Array]] = []
    device = dtype = ""
    for tensors in inputs(subject, problem):
        outputs, by_path = function(*tensors) if gradients else (function(*tensors), {})
        given = {"x": tensors[0], "the noise": tensors[1]}
        missing = [name for name in symbols if name not in outputs]
        if missing:
            raise KeyError(f"quantities lack {', '.join(missing)}, which notation.toml declares")
        device, dtype = binding.where(outputs[""])
        found.append({name: own_numbers(binding, name, outputs[name], given) for name in (*symbols, OBJECTIVE)})
        for name, array in found[-1].items():
            if array.ndim != len(axes[name]):
                expected = ", ".join(axes[name]) or "none"
                raise ValueError(f"{name}: expected the axes {expected}; found shape {list(array.shape)}")
        for name in outputs.keys() - {*symbols, OBJECTIVE, ""}:
            if np.isnan(own_numbers(binding, name, outputs[name], {})).any():
                raise ValueError(f"{name}: NaN, in a quantity that is not compared")
        slopes.append({path: binding.array(gradient) for path, gradient in by_path.items()})
    canonical = {}
    for name, symbol in symbols.items():
        # A source that writes one draw has no axis for draws where the canonical tensor has one.
        stacked = len(found) > 1 or ("sample" in ROLES[symbol.role].axes and "sample" not in symbol.axes)
        array = np.stack([f[name] for f in found]) if stacked else found[0][name]
        canonical[str(symbol.tensor)] = subject.canonical(symbol, array)
    derive_log_variance(canonical)
    published = float(np.mean([f[OBJECTIVE].astype(np.float64) for f in found]))
    batch = len(problem.x)
    part = {"elbo": "kl", "elbo_monte_carlo": "kl_monte_carlo"}.get(subject.notation.objective.bound, "")
    kl = float(canonical[part].sum()) if part in canonical else None
    canonical[OBJECTIVE] = np.asarray(subject.total_bound(published, batch, kl))
    if gradients:
        mean = {path: np.mean([s[path].astype(np.float64) for s in slopes], axis=0) for path in subject.paths}
        canonical |= canonical_gradients(subject, mean, batch)
    return Outcome(canonical, published, binding.graphs(function), device, dtype)


def inputs(subject: Subject, problem: Problem) -> list[tuple[Any, ...]]:
    """The arguments of each call: x, noise, and the noise of the weights where they have a posterior."""
    binding, dtype = subject.binding, subject.dtype
    x = subject.data(problem.x)
    draws = [problem.noise] if "sample" in subject.notation.noise_axes else list(problem.noise)
    by_name = {}
    for name, noise in problem.weight_noise.items():
        weight_map = subject.maps[f"{name}.mean"]
        drawn = np.stack([weight_map.to_published(draw) for draw in noise])
        by_name[weight_map.published.rpartition(".")[2]] = binding.tensor(drawn, dtype)
    weight_noise = (by_name,) if by_name else ()
    return [(x, binding.tensor(draw, dtype), *weight_noise) for draw in draws]


def own_numbers(binding: Binding, name: str, output: Any, given: Mapping[str, Any]) -> Array:
    """The array that an implementation returned under a name.

    Args:
        binding: the binding whose framework made the tensor.
        name: the name of the quantity.
        output: what was returned.
        given: the tensors of the call, by what they are.

    Raises:
        TypeError: its elements are not real floating-point numbers.
        ValueError: it is what the implementation was given, or lies in the memory of that.
    """
    array: Array = np.asarray(binding.array(output))
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name}: expected real floating-point numbers; found {array.dtype}")
    for source, tensor in given.items():
        if output is tensor or np.may_share_memory(array, binding.array(tensor)):
            raise ValueError(f"{name}: expected a tensor of its own; found a view of {source}")
    return array


def canonical_gradients(subject: Subject, by_path: Mapping[str, Array], batch: int) -> dict[str, Array]:
    """Gradients of the published objective by attribute path → of Σ_b bound_b, as `gradient/<canonical weight>`."""
    factor = subject.objective_factor(batch)
    own = {name: m.gradient_to_canonical(by_path[m.path]) / factor for name, m in subject.maps.items()}
    return {f"gradient/{name}": gradient for name, gradient in subject.embedded.gradients(own).items()}


def derive_log_variance(tensors: dict[str, Array]) -> None:
    """Add the posterior's log-variance where the source prints its scale in another kind alone."""
    name = "posterior_log_variance"
    with np.errstate(invalid="ignore", divide="ignore"):
        for kind, convert in TO_LOG_VARIANCE.items():
            if name not in tensors and f"posterior_{kind}" in tensors:
                tensors[name] = convert(tensors[f"posterior_{kind}"])
        for kind in ("cholesky", "factor"):
            if name not in tensors and f"posterior_{kind}" in tensors:
                tensors[name] = np.log((tensors[f"posterior_{kind}"] ** 2).sum(-1))


def _compared(subject: Subject) -> dict[str, Symbol]:
    """The symbols that are compared, by the name of the quantity.

    Raises:
        ValueError: two of them are said to be the same tensor.
    """
    symbols: dict[str, Symbol] = {}
    for symbol in subject.notation.computed(subject.spec):
        if symbol.tensor is None:
            continue
        same = next((s for s in symbols.values() if s.tensor == symbol.tensor), None)
        if same is not None:
            raise ValueError(
                f"{subject.notation.id}: symbols '{same.code}' and '{symbol.code}' are both said to be {symbol.tensor}"
            )
        symbols[str(symbol.quantity)] = symbol
    return symbols
