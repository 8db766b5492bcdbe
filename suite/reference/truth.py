"""The truth of a problem, how far from it a correct computation may be, and a cell's tensors against it.

The truth is the exact case where there is one, else the definition. One rule says what may be off: an implementation
may deviate, in each tensor, by K times that tensor's N.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import oracle
from .comparison import Comparison, Tensors, compare
from .lifting import lifted
from .problem import Problem
from .tensors import TENSORS
from .weights import weight_shapes

K = 8
"""One number for every tensor, term, gradient, dtype and backend; never raised for a single cell."""


@dataclass(frozen=True)
class Truth:
    """What a problem's tensors are, and how far a correct computation in a dtype may be from it.

    Attributes:
        tensors: canonical name → float64 array.
        tolerances: canonical name → largest absolute difference that counts as equal.
        dtype: whose spacing an error is counted in.
    """

    tensors: Tensors
    tolerances: Mapping[str, float]
    dtype: str


def flow(problem: Problem) -> list[str]:
    """The names of a problem's tensors in the order in which data flows through the model."""
    return [*TENSORS, "objective", *(f"gradient/{name}" for name in weight_shapes(problem.spec))]


def tolerances(problem: Problem, dtype: str, *, gradients: bool = True, bound: str = "elbo") -> dict[str, float]:
    """The largest absolute deviation from the truth that rounding explains, by canonical tensor.

    N is measured on the problem itself: the largest deviation over the tensor in 16 seeded runs of the definition in
    which every input, product, sum, function value and adjoint is multiplied by 1 + u·eps(dtype), |u| ≤ 1. A correct
    implementation rounds each of these once, by at most half an eps, in an order of its own: its deviation is a draw of
    the same size, and what it amplifies (cancellation, saturation, depth) the runs amplify as well. K leaves room for
    the draws that 16 runs did not make and for functions that a library rounds less well than to the last digit:
    correct frameworks were seen to need 2.3 at most, in gradients 0.85. Simpler rules fail: eps times the sum of the
    magnitudes needs a K from 2 to infinity across correct models, and a rule per element fails where one cancels.

    N is of a whole tensor, so that entries which came out lucky get no tighter bound than their neighbours. Where N is
    0 (a gradient through dead units) no deviation is admitted at all. The tolerance of a pair of implementations is the
    sum of their two.

    Args:
        problem: the problem, for a dtype below float64 with its inputs rounded to that dtype (`oracle.rounded`).
        dtype: what the implementation computes in.
        gradients: whether the gradients are judged as well.
        bound: what the objective sums over the batch.

    Returns:
        canonical tensor → tolerance, in the order of data flow, in the tensor's own unit (nats for terms).

    Raises:
        BadInput: the dtype is unknown.
    """
    scales = oracle.noise_scale(problem, dtype, gradients=gradients, bound=bound)
    return {name: K * scale for name, scale in scales.items()}


def truth_of(
    problem: Problem, dtype: str, *, gradients: bool = True, bound: str = "elbo", embedding: Sequence[str] = ()
) -> Truth:
    """The exact case in float64 where there is one, else the oracle; below float64 the oracle on rounded inputs.

    Args:
        problem: what the cells run on.
        dtype: what they compute in.
        gradients: whether those of the objective are judged as well.
        bound: what the objective sums over the batch.
        embedding: names of the embeddings by which the cells write the problem. They compute in the arithmetic of the
            more general model, so that N of every tensor but the gradients is measured on that; it has tensors more.
    """
    rounded = oracle.rounded(problem, dtype)
    tensors = dict(oracle.evaluate(rounded, gradients=gradients, bound=bound))
    if dtype == "float64":
        tensors |= {name: np.asarray(values, dtype=np.float64) for name, values in problem.expected_terms.items()}
        if gradients:
            exact = problem.expected_gradients.get(bound, {})
            tensors |= {f"gradient/{name}": gradient for name, gradient in exact.items()}
    allowed = tolerances(rounded, dtype, gradients=gradients, bound=bound)
    if embedding:
        written = lifted(problem.spec, *embedding)
        general = replace(rounded, spec=written.target, weights=written.weights(rounded.weights))
        tensors = {**oracle.evaluate(general, gradients=False, bound=bound), **tensors}
        allowed |= tolerances(general, dtype, gradients=False, bound=bound)
    return Truth(tensors, allowed, dtype)


def against_truth(problem: Problem, tensors: Tensors, truth: Truth) -> list[Comparison]:
    """Every tensor that a cell returned, in the order of data flow."""
    return [
        compare(name, tensors[name], truth.tensors[name], truth.tolerances[name], truth.dtype)
        if name in truth.tensors
        else Comparison(name, False, defined=False)
        for name in flow(problem)
        if name in tensors
    ]
