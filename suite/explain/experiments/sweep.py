"""Which weight does the KL have at each step of a schedule without a known expression?"""

from __future__ import annotations

from collections.abc import Iterable

from ..investigation import Investigation
from ..lab import LossFailed
from .reductions import coefficients


def weights_at(found: Investigation, name: str, values: Iterable[int]) -> list[float | None]:
    """kl / recon at each value of an argument, at the first sizes; None where the loss is no sum of the two terms.

    Args:
        found: the results of the experiments.
        name: the argument.
        values: its values.
    """
    recon, kl = found.recon_term, found.kl_term
    if recon is None or kl is None or kl.bend is not None:
        return []
    whole = isinstance(found.lab.parameters.get(name), int)
    weights: list[float | None] = []
    for value in values:
        try:
            fitted = coefficients(found.lab.at(parameters={name: value if whole else float(value)}), recon, kl)
        except LossFailed:
            weights.append(None)
            continue
        holds = fitted.residual <= 100 * fitted.allowed and fitted.recon and fitted.kl is not None
        weights.append(fitted.kl / fitted.recon if holds and fitted.recon and fitted.kl is not None else None)
    reach = max((abs(weight) for weight in weights if weight is not None), default=0.0)
    return [0.0 if weight is not None and abs(weight) < 1e-12 * reach else weight for weight in weights]
