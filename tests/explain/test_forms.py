"""Forms of arguments, masks, lists of layers and KLs with a wrong part: each right form has a wrong neighbour."""

from typing import Any

from explain.compared import all_differences, explained_together

_MEAN = {"data_reduction": "mean"}
_SQUARED = {"likelihood": "squared-error"}
_LOGITS = {"likelihood": "bernoulli-logits"}
_SIGN = {"sense": "maximised", "affine": False, "scale_kind": "sd", "kl": "other", "bug": "kl-edited", "edit": "sign"}
_NO_KL = "The term is no multiple of the KL: it has the wrong sign on"
_DIVIDES = "The term is no multiple of the KL: it divides"
_APART = {"likelihood": "squared-error", "kl": "other", "affine": False, "bug": "kl-edited", "edit": "reduced-apart"}
_COUNTS = {"likelihood": "negative-binomial"}
_NO_R = "The term is no multiple of the log likelihood: it lacks"
_OF_BATCH = "D/2 * log(mean((x - recon)**2)) + 1/N * 1/2*sum(mu**2 + exp(logvar) - 1 - logvar)"
_APART_FROM = {"recon": "sum", "kl": "mean"}
_NO_LOG = {"likelihood": "gaussian", "bug": "recon-edited", "edit": "dropped-term"}
_BENT = {"affine": False, "coefficients": None}
_EDITED = {"affine": False, "kl": "other", "bug": "kl-edited", "coefficients": None}

NUMPY: dict[str, dict[str, Any]] = {
    "from_a_dictionary": _SQUARED | _MEAN | {"coefficients": ("2/N", "beta/N", "0"), "beta": "beta/2"},
    "from_attributes": _SQUARED | {"scale_kind": "var", "coefficients": ("2", "1", "0")},
    "from_attributes_without_log": _SQUARED
    | {"scale_kind": "var", "affine": False, "kl": "other", "bug": "kl-edited", "edit": "missing-log"},
    "from_places": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0")},
    "Trainer().loss": _SQUARED | _MEAN | {"coefficients": ("2/N", "weight/N", "0"), "beta": "weight/2"},
    "mean_of_kept_steps": _SQUARED
    | _MEAN
    | {"pixel_reduction": "mean over S, sum over A", "coefficients": ("2/(N*S)", "1/N", "0"), "beta": "S/2"},
    "mean_of_all_steps": _SQUARED
    | _MEAN
    | {
        "pixel_reduction": "mean over S, sum over A",
        "coefficients": ("2/(N*S)", "1/N", "0"),
        "bug": "mask-in-denominator",
    },
    "Annealed()": _SQUARED
    | {"coefficients": ("2", "min(1, (num_updates+1)/1000)", "0"), "beta": "min(1, (num_updates+1)/1000)/2"},
    "WithoutEnd().loss": _SQUARED | {"coefficients": ("2", "n_iter/1000", "0"), "bug": "schedule-unbounded"},
    "no_more_than": _SQUARED | _MEAN | _BENT | {"threshold": ("ceiling", "example", "most")},
    "no_more_than_of_each_latent": _SQUARED | _MEAN | _BENT | {"threshold": ("ceiling", "element", "7")},
    "no_mean_beyond": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2"},
    "grows_slower_far_away": _SQUARED | _MEAN | {"affine": None, "coefficients": ("2/N", "1/N", "0")},
    "layers_with_priors": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "layers_with_priors_exchanged": _LOGITS
    | _MEAN
    | {"affine": False, "kl": "other", "bug": "kl-edited", "edit": "swapped-pair"},
    "laplace_of_learned_scale": _MEAN | {"likelihood": "laplace", "coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "laplace_of_half_a_scale": _MEAN
    | {"likelihood": "laplace", "affine": False, "bug": "recon-edited", "edit": "extra-half"},
    "beside_features": {
        "only": {
            "likelihood": "squared-error",
            "bug": None,
            "beta": "1/2",
            "findings": [],
            "coefficients": ("2", "1", None),
        }
    },
    "density_of_the_posterior_added": _LOGITS | _MEAN | _SIGN | {"sentence": f"{_NO_KL} log q(z)."},
    "density_of_the_prior_subtracted": _LOGITS | _MEAN | _SIGN | {"sentence": f"{_NO_KL} z**2."},
    "latents_of_steps": _SQUARED | _MEAN | {"coefficients": ("2/N", "beta/N", "0"), "beta": "beta/2"},
    "latents_of_steps_averaged": _SQUARED
    | _MEAN
    | {"pixel_reduction": "mean", "latent_reduction": "mean", "coefficients": ("2/(N*D)", "1/(N*J)", "0")},
    "steps_of_the_divergence_averaged": _SQUARED
    | _MEAN
    | {"latent_reduction": "mean over S, sum over Z", "coefficients": ("2/N", "1/(N*S)", "0")},
    "batch_and_steps_of_the_divergence_summed": _SQUARED
    | {
        "data_reduction": {"recon": "mean", "kl": "sum"},
        "coefficients": ("2/N", "1", "0"),
        "bug": "terms-reduced-differently",
    },
    "latents_of_steps_masked": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2"},
    "latents_of_steps_masked_twice_log": _SQUARED
    | _MEAN
    | {"affine": False, "kl": "other", "bug": "kl-edited", "edit": "dropped-half"},
    "one_part_outside_of_the_sum": {
        "only": _APART | {"sentence": f"{_DIVIDES} exp(logvar) by N*J more than the rest."}
    },
    "one_part_averaged_over_the_batch": {"only": _APART | {"sentence": f"{_DIVIDES} logvar by N more than the rest."}},
    "prior_that_narrows_with_the_latents": {"only": {"bug": None, "likelihood": "squared-error", "kl": "analytic"}},
    "counts_of_a_cell": _COUNTS | {"coefficients": ("1", "1", "0"), "beta": "1"},
    "counts_without_their_own_normaliser": _COUNTS | {"affine": False, "coefficients": ("1", "1", None), "beta": "1"},
    "counts_normalised_once": _COUNTS
    | {"affine": False, "bug": "recon-edited", "edit": "dropped-term", "sentence": f"{_NO_R} x*log(px_r + px_rate)."},
    "bits_beside_nats": _LOGITS | _MEAN | {"coefficients": ("1/(N*log(2))", "1/N", "0"), "beta": "log(2)"},
    "log_averaged_over_the_latents": {
        "only": {"bug": None, "likelihood": "squared-error", "kl": "other", "beta": None}
    },
    "entropy_of_another_weight": {"only": _SQUARED | {"bug": None, "kl": "other", "beta": None}},
    "narrow_prior": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0")},
    "infinity_replaced": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "thresholds": []},
    "terms_for_the_caller": _SQUARED
    | {
        "data_reduction": _APART_FROM,
        "coefficients": ("2", "1/N", "0"),
        "sentence": "These are two terms, a squared error and an analytic KL: added as they are, the KL has a weight "
        "of 1/(2*N), which changes with the batch size.",
    },
    "terms_that_are_added": _SQUARED
    | {"data_reduction": _APART_FROM, "coefficients": ("2", "1/N", "0"), "bug": "terms-reduced-differently"},
    "logarithm_of_the_sum": {"only": {"likelihood": "gaussian", "bug": None, "beta": None}},
    "variance_of_the_batch": {
        "only": {"likelihood": "gaussian", "bug": None, "formula": _OF_BATCH, "data_reduction": "mean"}
    },
    "over_a_fixed_deviation": _SQUARED | {"beta": "sigma_x**2", "coefficients": ("1/sigma_x**2", "1", "0")},
    "over_fixed_deviations": _SQUARED | _MEAN | {"beta": "x_std**2/2", "coefficients": ("2/(x_std**2*N)", "1/N", "0")},
    "over_a_learned_variance": {"only": _NO_LOG},
    "over_a_learned_log_variance": {"only": _NO_LOG},
    "means_normalised": {"only": _SQUARED | {"bug": None, "kl": "other"}},
    "means_forgotten": _SQUARED | _MEAN | {"affine": False, "kl": "other", "bug": "kl-edited", "edit": "dropped-term"},
    "weights_in_a_dictionary": _SQUARED | {"coefficients": ("2", "1/2", "0"), "beta": "1/4"},
    "weights_in_a_dictionary_with_a_half": _SQUARED
    | {"affine": False, "kl": "other", "bug": "kl-edited", "edit": "extra-half"},
    "infinite": {
        "only": {
            "bug": None,
            "affine": None,
            "sentence": "Not determined: everything: the value is infinite or NaN at finite arguments.",
        }
    },
}


def test_every_fact() -> None:
    assert not all_differences(explained_together("numpy", list(NUMPY), "forms_numpy"), NUMPY)
