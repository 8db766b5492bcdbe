"""Adam, and the canonical tensors after one step of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from . import oracle
from .arithmetic import Arithmetic, Array, Exact
from .problem import Problem
from .weights import weight_shapes

AFTER = "objective/after"
"""The objective of the same batch under the weights that one update left."""


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, ICLR 2015, arXiv:1412.6980, Algorithm 1) on the published objective.

    Attributes:
        scale: |published objective ÷ Σ_b bound_b|: gradients are multiplied by it.
        epsilon: added to the root of the second moment.
        corrected: whether ε is added to the bias-corrected root, as in Algorithm 1 and in torch; else to the root as it
            is, as in the form at the end of the paper's section 2 and in Keras.
        learning_rate, beta_1, beta_2: the constants of the paper.
        weight_scales: canonical weight → published ÷ canonical, where that is not 1: a step has its length in what is
            published.
    """

    scale: float
    epsilon: float
    corrected: bool
    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    weight_scales: Mapping[str, float] = field(default_factory=dict)

    def update(self) -> oracle.Update:
        """An ascent from fresh moments, which counts its own steps."""
        moments: dict[str, tuple[Array, Array]] = {}
        step = 0

        def update(arithmetic: Arithmetic, weights: dict[str, Array], gradients: dict[str, Array]) -> dict[str, Array]:
            nonlocal step
            step += 1
            rounded = arithmetic.round
            correction_1, correction_2 = 1 - self.beta_1**step, 1 - self.beta_2**step
            rate = self.learning_rate / correction_1 * (1 if self.corrected else math.sqrt(correction_2))
            new = {}
            for name, weight in weights.items():
                published = self.weight_scales.get(name, 1.0)
                g = rounded(self.scale / published * gradients[name])
                m, v = moments.get(name, (np.zeros_like(g), np.zeros_like(g)))
                m = rounded(rounded(self.beta_1 * m) + rounded((1 - self.beta_1) * g))
                v = rounded(rounded(self.beta_2 * v) + rounded((1 - self.beta_2) * rounded(g * g)))
                moments[name] = m, v
                root = rounded(np.sqrt(v))
                if self.corrected:
                    root = rounded(root / math.sqrt(correction_2))
                change = rounded(rate / published * rounded(m / rounded(root + self.epsilon)))
                new[name] = rounded(weight + change)
            return new

        return update


def with_one_update(problem: Problem, adam: Adam, arithmetic: Arithmetic, bound: str = "elbo") -> dict[str, Array]:
    """The tensors of a problem, its gradients, and `AFTER`, all [run, ...]; the objective sums `bound`."""
    shapes = weight_shapes(problem.spec)
    weights = {name: np.repeat(problem.weights[name][None], arithmetic.runs, axis=0) for name in shapes}
    tensors = oracle.run(problem, arithmetic, bound=bound)
    updated = adam.update()(arithmetic, weights, {name: tensors[f"gradient/{name}"] for name in weights})
    after = oracle.run(problem, arithmetic, weights=updated, gradients=False, bound=bound)
    return {**tensors, AFTER: after["objective"]}


def objective_after(problem: Problem, adam: Adam, bound: str = "elbo") -> float:
    """Σ_b bound_b of a problem after one update on it."""
    return float(with_one_update(problem, adam, Exact(), bound)[AFTER][0])
