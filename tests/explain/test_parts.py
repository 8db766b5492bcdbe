"""A term that is not identified leaves the other term determined; each further family has a wrong neighbour."""

from typing import Any

import pytest
from explain.compared import all_differences, explained_together

from elbostone.explain.comparison import compared

_MEAN = {"data_reduction": "mean"}
_ONE = {"coefficients": ("1/N", "1/N", "0"), "beta": "1"}
_CLASSES = {"likelihood": "categorical"}
_LOGITS = {"likelihood": "bernoulli-logits"}
_SQUARED = {"likelihood": "squared-error"}
_UNKNOWN = {"affine": None, "coefficients": (None, "1/N", None), "beta": None}
_HALF = {"affine": None, "coefficients": (None, "3/N", None), "beta": None}
NUMPY: dict[str, dict[str, Any]] = {
    "schedule_beside_means": _MEAN | {"likelihood": "squared-error", "coefficients": ("2/N", None, "0"), "beta": None},
    "schedule_beside_a_sum": {
        "likelihood": "squared-error",
        "data_reduction": {"recon": "mean", "kl": "sum"},
        "pixel_reduction": "mean",
        "bug": "terms-reduced-differently",
    },
    "number_beside_a_sum": {  # it may be a size
        "likelihood": "squared-error",
        "data_reduction": {"recon": "mean", "kl": "sum"},
        "pixel_reduction": "mean",
    },
    "power_of_the_distance": _MEAN | _HALF | {"likelihood": "other"},
    "largest_distance": _HALF | {"likelihood": None, "data_reduction": {"kl": "mean"}, "pixel_reduction": None},
    "another_divergence": {
        "affine": None,
        "likelihood": "squared-error",
        "kl": "other",
        "scale_kind": None,
        "data_reduction": {"recon": "mean"},
        "pixel_reduction": "mean",
        "latent_reduction": None,
        "coefficients": ("2/(N*D)", None, None),
    },
    "continuous_bernoulli": _MEAN
    | {"likelihood": "continuous-bernoulli", "coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "continuous_bernoulli_divided": _MEAN
    | {"likelihood": "continuous-bernoulli", "affine": False, "bug": "recon-edited", "edit": "sign"},
    "variance_of_each_example": _MEAN | {"likelihood": "gaussian", "affine": False, "coefficients": None},
    "logarithm_without_its_size": _MEAN
    | {"likelihood": "gaussian", "affine": False, "pixel_reduction": "mean", "coefficients": None, "beta": None},
    "entropy_of_the_data_subtracted": _LOGITS
    | _MEAN
    | {"affine": False, "coefficients": ("1/N", "beta/N", None), "beta": "beta"},
    "entropy_of_the_data_beside_a_sum": _LOGITS
    | {
        "affine": False,
        "data_reduction": {"recon": "sum", "kl": "mean"},
        "coefficients": ("1", "1/N", None),
        "bug": "terms-reduced-differently",
    },
    "mass_of_256_values": _MEAN | _ONE | {"likelihood": "discretised-logistic"},
    "mass_of_a_scale_read_twice": _MEAN | _UNKNOWN | {"likelihood": "other"},
    "one_hot_logits": _MEAN | _ONE | _CLASSES,
    "one_hot_log_probabilities": _MEAN | _ONE | _CLASSES,
    "logits_without_softplus": _LOGITS | _MEAN | {"affine": False, "bug": "recon-edited", "edit": "dropped-term"},
    "covariance": _SQUARED | {"scale_kind": "covariance", "coefficients": ("1", "1", "0"), "beta": "1"},
    "determinant_of_the_factor": _SQUARED
    | {"scale_kind": "cholesky", "affine": False, "kl": "other", "bug": "kl-edited", "edit": "extra-half"},
    "sd_not_squared": _SQUARED
    | {"affine": False, "kl": "other", "scale_kind": "sd", "bug": "kl-edited", "edit": "scale-read-as-variance"},
    "var_with_twice_its_log": _SQUARED
    | {"affine": False, "kl": "other", "scale_kind": "var", "bug": "kl-edited", "edit": "dropped-half"},
    "unit_normaliser_without_the_half": _SQUARED
    | _MEAN
    | {"coefficients": ("2/N", "1/N", "D/2*log(2*pi)"), "beta": "1/2"},
    "bound_of_draws": _LOGITS
    | {"sense": "maximised", "affine": False, "kl": "sampled", "scale_kind": "sd", "coefficients": None, "beta": None},
    "mean_over_draws": _LOGITS
    | {"sense": "maximised", "kl": "sampled", "scale_kind": "sd", "coefficients": ("-1", "-1", "0"), "beta": "1"},
    "bound_of_draws_without_root": {"only": {"affine": None, "likelihood": None, "kl": "other", "bug": None}},
    "bound_of_likelihoods": {"only": {"kl": "analytic", "coefficients": (None, "1", None), "bug": None}},
    "sharp_log_cosh": {"likelihood": "other", "coefficients": ("1", "1", "0"), "beta": "1"},
    "sharp_log_of_cosh_without_its_half": {"affine": None, "likelihood": "other", "coefficients": (None, "1", None)},
    "covariance_of_the_means": {
        "only": {
            "affine": False,
            "likelihood": "squared-error",
            "kl": "other",
            "bug": None,
            "coefficients": None,
            "data_reduction": {"recon": "sum"},
        }
    },
    "noise_of_a_generator": _SQUARED | {"coefficients": ("2", "1", None), "beta": "1/2"},
    "noise_of_a_generator_beside_a_mean": {"only": {"kl": "analytic", "bug": "terms-reduced-differently"}},
    "unit_normaliser": _MEAN | {"likelihood": "gaussian", "coefficients": ("1/N", "1/N", "D/2*log(2*pi)"), "beta": "1"},
}
TORCH: dict[str, dict[str, Any]] = {
    "pixels_of_many_values": _MEAN | _ONE | _CLASSES,
    "words": _MEAN | _ONE | _CLASSES,
    "words_averaged": _MEAN
    | _CLASSES
    | {"pixel_reduction": "mean", "coefficients": ("1/(N*D)", "1/N", "0"), "beta": "D"},
    "words_by_their_number": _CLASSES | {"coefficients": ("1/num_tokens", "1/num_tokens", "0"), "beta": "1"},
    "words_summed_beside_a_mean": _CLASSES
    | {
        "data_reduction": {"recon": "sum", "kl": "mean"},
        "coefficients": ("1", "1/N", "0"),
        "bug": "terms-reduced-differently",
    },
    "softmax_twice": _UNKNOWN | {"likelihood": None, "data_reduction": {"kl": "mean"}, "pixel_reduction": None},
    "cholesky_factor": _SQUARED | _MEAN | _ONE | {"scale_kind": "cholesky"},
    "full_covariance": _SQUARED | _MEAN | _ONE | {"scale_kind": "covariance"},
    "weights_of_pixels": {"likelihood": "other", "coefficients": ("norm", "1", "0"), "beta": "1/norm"},
    "weight_as_an_exponent": _SQUARED | {"coefficients": ("2", "exp(log_beta)", "0")},
    "weight_as_an_exponent_beside_a_mean": _SQUARED
    | {"data_reduction": {"recon": "sum", "kl": "mean"}, "bug": "terms-reduced-differently"},
}


def test_of_numpy() -> None:
    outcomes = explained_together("numpy", list(NUMPY), "partly_numpy")
    assert not all_differences(outcomes, NUMPY)
    answers = {name: outcome.answer for name, outcome in outcomes.items() if outcome.answer is not None}
    for name in ("unit_normaliser_without_the_half", "entropy_of_the_data_subtracted"):
        assert [one.name for one in answers[name].findings] == ["not-a-density"]
    assert not answers["unit_normaliser"].findings
    assert [one.name for one in answers["covariance_of_the_means"].findings] == ["ties-examples"]
    assert answers["covariance_of_the_means"].formula.endswith("+ (not determined)")
    assert not answers["another_divergence"].findings
    others = {
        "sd_not_squared": "If `sigma` is a variance, it lacks its factor 1/2",
        "var_with_twice_its_log": "If `var` is a standard deviation, it has the standard deviation",
    }
    for name, other in others.items():
        bug = answers[name].bug
        assert bug is not None
        assert other in bug.sentence


@pytest.mark.backend("torch")
def test_of_torch() -> None:
    assert not all_differences(explained_together("torch", list(TORCH), "classes_torch"), TORCH)


def test_two_unknown_terms_are_not_called_the_same() -> None:
    outcomes = explained_together("numpy", ["power_of_the_distance", "mass_of_a_scale_read_twice"], "partly_numpy")
    one, other = (outcome.answer for outcome in outcomes.values())
    assert one is not None and other is not None
    assert compared(one, other).same is None
