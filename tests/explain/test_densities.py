"""Losses of log densities with one value per example or k draws are recognised, and their faults are named."""

from typing import Any

from explain.compared import all_differences, explained_together

_GIVEN: dict[str, Any] = {
    "likelihood": "other",
    "likelihood_name": "log p(x|z) as given",
    "kl": "sampled",
    "scale_kind": None,
    "pixel_reduction": None,
    "latent_reduction": None,
}
_MEAN = {"data_reduction": "mean"}
_ONE = {"coefficients": ("1/N", "1/N", "0"), "beta": "1"}
_OF_DRAWS = _GIVEN | {"affine": False, "coefficients": None, "beta": None}
_WRONG = _GIVEN | _MEAN | {"affine": False, "kl": "other", "bug": "kl-edited"}
_JOINT = _GIVEN | _MEAN | {"likelihood_name": "log p(x, z) as given"}
FACTS: dict[str, dict[str, Any]] = {
    "bound": _GIVEN | _MEAN | {"sense": "maximised", "coefficients": ("-1/N", "-beta/N", "0"), "beta": "beta"},
    "summed": _GIVEN | {"coefficients": ("1", "1", "0"), "beta": "1"},
    "of_each_latent": _GIVEN | _MEAN | _ONE | {"pixel_reduction": "sum", "latent_reduction": "sum"},
    "beside_a_reconstruction": _GIVEN
    | {"likelihood": "squared-error", "likelihood_name": None, "pixel_reduction": "sum", "beta": "1/2"},
    "beside_moments": _GIVEN | _MEAN | _ONE | {"kl": "analytic", "scale_kind": "log_var", "latent_reduction": "sum"},
    "of_a_joint_density": _JOINT | _ONE,
    "entropy_weighted": _JOINT
    | {"affine": None, "kl": "other", "coefficients": ("1/N", None, None), "data_reduction": {"recon": "mean"}},
    "mean_of_draws": _GIVEN | {"coefficients": ("1", "1", "0"), "beta": "1"},
    "weights_of_draws": _OF_DRAWS | _MEAN,
    "weights_of_draws_after": _OF_DRAWS | {"sense": "maximised"},
    "weights_of_a_wrong_sign": _WRONG | {"edit": "sign", "coefficients": None, "undetermined": []},
    "wrong_sign": _WRONG | {"edit": "sign"},
    "wrong_sign_of_the_kl": _GIVEN | _MEAN | {"coefficients": ("1/N", "-1/N", "0"), "bug": "kl-edited", "edit": "sign"},
    "without_a_prior": _WRONG | {"edit": "dropped-term"},
    "without_data": _GIVEN
    | _MEAN
    | {"likelihood": "absent", "likelihood_name": None, "coefficients": ("0", "1/N", "0"), "beta": None},
    "log_probabilities_of_classes": _MEAN | _ONE | {"likelihood": "categorical"},
    "reduced_differently": _GIVEN
    | {"data_reduction": {"recon": "sum", "kl": "mean"}, "beta": "1/N", "bug": "terms-reduced-differently"},
}


def test_every_fact() -> None:
    outcomes = explained_together("numpy", list(FACTS), "densities_numpy")
    assert not all_differences(outcomes, FACTS)
    answers = {name: outcome.answer for name, outcome in outcomes.items() if outcome.answer is not None}
    assert answers["summed"].sentence == (
        "This is the negative ELBO with a given log p(x|z) and a sampled KL, with a KL weight of 1; no fault was found."
    )
    bug = answers["wrong_sign"].bug
    assert bug is not None
    assert bug.sentence == "The term is no multiple of the KL: it has the wrong sign on log_qz_x."
    assert [one.name for one in answers["without_data"].findings] == ["name-misleads"]
    assert not answers["summed"].findings


def test_one_density_twice_is_refused_by_name() -> None:
    [outcome] = explained_together("numpy", ["two_posteriors"], "densities_numpy").values()
    assert outcome.bad_input is not None
    assert "log_q and log_qz: expected one argument that is log q(z|x); found 2" in outcome.bad_input
