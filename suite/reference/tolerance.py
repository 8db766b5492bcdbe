"""How far a correct computation may be from the reference: in each tensor K times the N of that tensor."""

from __future__ import annotations

from . import oracle
from .problem import Problem

K = 8
"""One number for every tensor, term, gradient, dtype and backend; never raised for a single cell."""


def tolerances(problem: Problem, dtype: str, *, gradients: bool = True, bound: str = "elbo") -> dict[str, float]:
    """The largest absolute deviation from the reference that rounding explains, by canonical tensor.

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
