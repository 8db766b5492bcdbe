"""Operations computed otherwise on JAX: the same values and slopes by less work."""

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.backend("keras-jax")

LOGITS = np.float32([-200, -20, -1.5, -1e-3, 0, 1e-3, 1.5, 20, 200])
TARGETS = np.float32([0, 1, 1, 0, 0.25, 1, 0, 1, 0])


def cross_entropy(logits: Any, targets: Any) -> Any:
    import jax

    return -(targets * jax.nn.log_sigmoid(logits) + (1 - targets) * jax.nn.log_sigmoid(-logits)).sum()


def test_a_cross_entropy_whose_log_sigmoids_share_is_the_same_and_has_one_logarithm() -> None:
    import jax

    from elbostone.execution.tuning.jax_rewriting import log_sigmoid, rewritten

    shared = rewritten(cross_entropy, {"log_sigmoid": log_sigmoid})
    logits = LOGITS.astype(np.float64)
    slopes = 1 / (1 + np.exp(-logits)) - TARGETS
    losses = np.logaddexp(0, logits) - TARGETS * logits
    value, gradient = jax.value_and_grad(shared)(LOGITS, TARGETS)
    assert float(value) == pytest.approx(losses.sum(), rel=1e-6)
    assert np.asarray(gradient) == pytest.approx(slopes, abs=2e-7)

    def logarithms(function: Any) -> int:
        return jax.jit(function).lower(LOGITS, TARGETS).compile().as_text().count(" log-plus-one(")

    assert (logarithms(cross_entropy), logarithms(shared)) == (2, 1)
