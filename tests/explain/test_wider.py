"""Flows, mixtures as priors, learned weights and several draws: recognised, each beside a wrong neighbour."""

from typing import Any

from explain.compared import all_differences, explained_together

_SQUARED = {"likelihood": "squared-error", "data_reduction": "mean"}
_SAMPLED = _SQUARED | {"kl": "sampled"}
_ONE = {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2"}
_WRONG = _SQUARED | {"affine": False, "kl": "other", "bug": "kl-edited"}
FACTS: dict[str, dict[str, Any]] = {
    "flow": _SAMPLED | {"coefficients": ("2/N", "beta/N", "0"), "beta": "beta/2"},
    "flow_of_no_volume": _SAMPLED | _ONE,
    "determinant_added": _WRONG | {"edit": "sign"},
    "determinant_left_out": _WRONG | {"edit": "dropped-term"},
    "vamp_prior": _SAMPLED | {"coefficients": ("2/N", "beta/N", "0"), "beta": "beta/2"},
    "vamp_prior_added": _WRONG | {"edit": "sign"},
    "learned_weights": _SQUARED
    | {"coefficients": ("2*exp(-s_rec)/N", "exp(-s_kl)/N", "s_rec + s_kl"), "beta": "exp(-s_kl)/(2*exp(-s_rec))"},
    "learned_weights_beside_a_sum": {
        "only": {"bug": "terms-reduced-differently", "data_reduction": {"recon": "sum", "kl": "mean"}}
    },
    "weights_without_a_default": _SQUARED
    | {"coefficients": ("2*recon_weight/N", "kl_weight/N", "0"), "beta": "kl_weight/(2*recon_weight)"},
    "weight_of_positive_pixels": {
        "data_reduction": "mean",
        "likelihood": "other",
        "likelihood_name": "Bernoulli, weight pos_weight on x",
        "coefficients": ("1/N", "1/N", "0"),
    },
    "draws_after_the_batch": _SQUARED | _ONE,
    "moments_of_each_draw": _SQUARED | _ONE,
    "weighted_by_their_own_softmax": {"only": {"bug": None, "affine": None, "coefficients": None}},
}


def test_every_fact() -> None:
    assert not all_differences(explained_together("numpy", list(FACTS), "wider_numpy"), FACTS)
