"""One part of a loss that is not identified loses nothing of the other; further families, each beside a wrong one."""

from typing import Any

from explain.compared import all_differences, explained_together

_MEAN = {"data_reduction": "mean"}
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
}


def test_of_numpy() -> None:
    assert not all_differences(explained_together("numpy", list(NUMPY), "partly_numpy"), NUMPY)
