"""What the losses in `cases/` compute, worked out by hand. A fact that is not listed has its usual value (`USUAL`)."""

from typing import Any

USUAL: dict[str, Any] = {
    "affine": True,
    "sense": "minimised",
    "data_reduction": "sum",
    "pixel_reduction": "sum",
    "latent_reduction": "sum",
    "scale_kind": "log_var",
    "kl": "analytic",
    "bug": None,
}
_SQUARED = {"likelihood": "squared-error"}
_LOGITS = {"likelihood": "bernoulli-logits"}
_MEAN = {"data_reduction": "mean"}
_VARYING = (
    "Not determined: the coefficient of kl: it changes with the values that the loss draws. "
    "The data term is a Bernoulli decoder (logits)."
)

TORCH: dict[str, dict[str, Any]] = {
    "digits": {"likelihood": "bernoulli-probabilities", "coefficients": ("1", "1", "0"), "beta": "1"},
    "weighted_means": _SQUARED
    | _MEAN
    | {"pixel_reduction": "mean", "beta": "kld_weight*D/2", "coefficients": ("2/(N*D)", "kld_weight/N", "0")},
    "free_bits": _LOGITS
    | _MEAN
    | {"affine": False, "scale_kind": "log_sd", "coefficients": None, "threshold": ("floor", "latent", "free")},
    "capacity": _SQUARED | _MEAN | {"affine": False, "coefficients": None, "threshold": ("capacity", "batch", "c")},
    "capacity_that_rises": _SQUARED
    | _MEAN
    | {
        "affine": False,
        "coefficients": None,
        "threshold": ("capacity", "batch", "min(c_max*num_iter/stop_iter, c_max)"),
    },
    "warmed_up": _LOGITS
    | _MEAN
    | {
        "scale_kind": "var",
        "beta": "beta_max*min(1, step/warmup)",
        "coefficients": ("1/N", "beta_max*min(1, step/warmup)/N", "0"),
    },
    "ramp_without_end": _LOGITS | {"coefficients": ("1", "rate*epoch", "0"), "bug": "schedule-unbounded"},
    "sign_of_the_log": {
        "likelihood": "bernoulli-probabilities",
        "affine": False,
        "kl": "other",
        "bug": "kl-edited",
        "edit": "sign",
    },
    "sd_squared_twice": _SQUARED
    | {"affine": False, "kl": "other", "scale_kind": "sd", "bug": "kl-edited", "edit": "scale-read-as-sd"},
    "batch_divided_once": {
        "likelihood": "laplace",
        "data_reduction": {"recon": "sum", "kl": "mean"},
        "coefficients": ("1", "1/N", "0"),
        "bug": "terms-reduced-differently",
    },
    "masked_rightly": _SQUARED | _MEAN | {"pixel_reduction": "mean", "coefficients": ("2/(N*D)", "0.001/N", "0")},
    "masked_mean": _SQUARED
    | _MEAN
    | {"pixel_reduction": "mean", "coefficients": ("2/(N*D)", "0.001/N", "0"), "bug": "mask-in-denominator"},
    "learned_scale": _MEAN | {"likelihood": "gaussian", "coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "sampled_elbo": _LOGITS
    | _MEAN
    | {"sense": "maximised", "kl": "sampled", "scale_kind": "sd", "coefficients": ("-1/N", "-1/N", "0"), "beta": "1"},
    "prior_that_learns": _LOGITS | {"scale_kind": "sd", "coefficients": ("1", "1", "0")},
    "detached_mean": _LOGITS | {"coefficients": ("1", "1", "0"), "bug": "value-without-gradient"},
    "log_variance_detached": _LOGITS | {"coefficients": ("1", "1", "0"), "bug": "value-without-gradient"},
    "half_of_moments_detached": _LOGITS | {"coefficients": ("1", "1", "0"), "bug": "value-without-gradient"},
    "balanced_kl": _LOGITS | {"coefficients": ("1", "1", "0")},
    "prior_mean_detached": _LOGITS | {"coefficients": ("1", "1", "0"), "bug": "value-without-gradient"},
    "weight_adapts": {"only": {"bug": None}},
    "weight_balances": {
        "only": {
            "bug": None,
            "kl": "other",
            "likelihood": "squared-error",
            "sentence": "Not determined: the KL: in its value the loss has none, and its gradient trains mu, logvar. "
            "The data term is a squared error.",
        }
    },
    "counts": {"likelihood": "poisson", "coefficients": ("1", "1", "0")},
    "HuberVAELoss(beta=4.0)": _MEAN | {"likelihood": "huber", "coefficients": ("1/N", "4/N", "0"), "beta": "4"},
    "rare_pixels": _MEAN | {"likelihood": "other", "coefficients": ("1/N", "1/N", "0")},
    "wider_prior": _LOGITS | {"scale_kind": "sd", "coefficients": ("1", "1", "0")},
    "sticks_the_landing": _LOGITS | _MEAN | {"kl": "sampled", "coefficients": ("1/N", "1/N", "0")},
    "importance_weighted": _LOGITS | _MEAN | {"affine": False, "kl": "sampled", "coefficients": None, "beta": None},
    "drawn_inside": {
        "only": {"bug": None, "coefficients": ("1/(N*D)", None, None), "likelihood": "bernoulli-logits", "kl": "other"}
    },
    "prior_drawn_inside": {
        "only": {
            "bug": None,
            "affine": False,
            "coefficients": None,
            "likelihood": "squared-error",
            "kl": "other",
            "data_reduction": {"recon": "mean"},
            "pixel_reduction": "mean",
        }
    },
    "weight_drawn_inside": {
        "only": {"bug": None, "kl": "other", "coefficients": ("1", None, None), "sentence": _VARYING}
    },
    "noise_beside_a_sum": {"only": {"bug": "terms-reduced-differently", "kl": "analytic"}},
    "log_sigma_of_the_decoder": {"likelihood": "gaussian", "coefficients": ("1", "1", "0"), "beta": "1"},
    "beside_a_term_of_the_caller": _SQUARED
    | _MEAN
    | {
        "pixel_reduction": "mean",
        "latent_reduction": None,
        "scale_kind": None,
        "kl": "absent",
        "coefficients": ("2/(N*D)", "0", "vq_loss"),
    },
    "OfSeries()": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2"},
    "of_series": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2"},
    "of_one_width": _MEAN
    | {
        "likelihood": "bernoulli-probabilities",
        "pixel_reduction": None,
        "coefficients": ("1/(36*N)", "1/(36*N)", "0"),
        "beta": "1",
        "undetermined": ["whether the data term is averaged over the pixels: the loss runs with D = 36 alone"],
    },
    "kl_alone": {
        "likelihood": "absent",
        "data_reduction": "mean",
        "pixel_reduction": None,
        "coefficients": ("0", "1/N", "0"),
    },
}
TENSORFLOW: dict[str, dict[str, Any]] = {
    "steps_of_a_recurrent_vae": _MEAN
    | {"likelihood": "bernoulli-probabilities", "scale_kind": ["sd", "log_sd"], "coefficients": ("1/N", "1/N", "0")},
    "images": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2", "variance": "1/2"},
    "gradient_stopped": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "bug": "value-without-gradient"},
    "noise_beside_a_mean": {"only": {"bug": "terms-reduced-differently", "kl": "analytic"}},
    "total_beside_a_vector": _SQUARED
    | {
        "pixel_reduction": "mean",
        "data_reduction": {"recon": "sum", "kl": "mean"},
        "coefficients": ("1/D", "1/N", "0"),
        "bug": "terms-reduced-differently",
    },
}
JAX: dict[str, dict[str, Any]] = {
    "bound": _LOGITS
    | {
        "data_reduction": "none",
        "sense": "maximised",
        "scale_kind": "log_sd",
        "kl": "sampled",
        "coefficients": ("-1", "-1", "0"),
    },
    "gradient_stopped": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "bug": "value-without-gradient"},
    "prior_drawn_from_a_key": {
        "only": {
            "affine": False,
            "likelihood": "squared-error",
            "kl": "other",
            "bug": None,
            "data_reduction": {"recon": "mean"},
            "coefficients": None,
        }
    },
    "key_of_no_draw": _SQUARED | {"coefficients": ("2", "1", "0"), "beta": "1/2"},
    "compiled": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "mean_loss": _SQUARED | _MEAN | {"coefficients": ("2/N", "beta/N", "0"), "beta": "beta/2", "variance": "beta/2"},
}
NUMPY: dict[str, dict[str, Any]] = {
    "plain": {"likelihood": "bernoulli-probabilities", "coefficients": ("1", "1", "0"), "beta": "1"},
    "floor_per_example": _SQUARED
    | _MEAN
    | {"affine": False, "coefficients": None, "threshold": ("floor", "example", "tolerance*J")},
    "half_on_the_constant_only": _SQUARED
    | {"affine": False, "kl": "other", "scale_kind": "sd", "bug": "kl-edited", "edit": "dropped-half"},
    "one_for_all_latents": _SQUARED
    | {
        "coefficients": ("1", "1", "N*J/2 - N/2"),
        "bug": "constant-off",
        "sentence": "The KL's constant is -1/2 nats per datum, and should be -J/2.",
    },
    "number_of_steps_for_latents": _SQUARED
    | {
        "scale_kind": "sd",
        "coefficients": ("1", "1", "N*(T*J/2 - T**2/2)"),
        "bug": "constant-off",
        "sentence": "The KL's constant is -T**2/2 nats per datum, and should be -T*J/2.",
    },
    "of_a_learned_prior": _SQUARED
    | _MEAN
    | {
        "coefficients": ("1/N", "1/N", "0"),
        "roles": {
            "y": "x",
            "y_hat": "recon",
            "mu": "mu",
            "logvar": "posterior scale",
            "prior_mean": "prior mu",
            "prior_logvar": "prior scale",
        },
    },
    "of_the_posterior_from_a_learned_prior": _SQUARED
    | _MEAN
    | {"affine": False, "kl": "other", "bug": "kl-edited", "edit": "reversed-divergence"},
    "in_cycles": _SQUARED
    | {"beta": "peak*min(1, step%cycle/(cycle/2))/2", "coefficients": ("2", "peak*min(1, step%cycle/(cycle/2))", "0")},
    "in_cycles_of_a_helper": _SQUARED
    | _MEAN
    | {"coefficients": ("2/N", "min(1, (step % 2500)/1250)/N", "0"), "beta": "min(1, (step % 2500)/1250)/2"},
    "in_cycles_beside_a_mean": _SQUARED
    | {
        "data_reduction": {"recon": "mean", "kl": "sum"},
        "coefficients": ("2/N", "min(1, (step % 2500)/1250)", "0"),
        "bug": "terms-reduced-differently",
    },
    "prediction_for_target": {
        "likelihood": "bernoulli-probabilities",
        "affine": False,
        "bug": "recon-edited",
        "edit": "swapped-arguments",
    },
    "prediction_first": {"likelihood": "bernoulli-probabilities", "coefficients": ("1", "1", "0"), "beta": "1"},
    "mean_for_log_variance": {
        "likelihood": "bernoulli-probabilities",
        "affine": False,
        "kl": "other",
        "bug": "kl-edited",
        "edit": "swapped-arguments",
    },
    "weight_of_no_known_form": {"only": {"bug": None, "beta": None, "nearest_notation": None}},
    "normal_of_known_sd": _MEAN | {"likelihood": "gaussian", "beta": "1", "variance": "0.01", "scale_kind": "log_var"},
    "normal_of_given_sd": {
        "likelihood": "gaussian",
        "sense": "maximised",
        "beta": "beta",
        "variance": "sd**2",
        "coefficients": ("-1/sd**2", "-beta", "-N*D*log(2*pi*sd**2)/2"),
    },
    "half_log_variance": _MEAN
    | {"likelihood": "gaussian", "beta": "1", "variance": "var", "coefficients": ("1/(var*N)", "1/N", "D/2*log(var)")},
    "laplace_of_known_scale": {"likelihood": "laplace", "beta": "1"},
    "constant_of_no_normal": _SQUARED | {"beta": "0.01", "coefficients": ("100", "1", "0.77*N*D")},
    "constant_of_another_sd": _SQUARED
    | {"beta": "sd**2", "coefficients": ("1/sd**2", "1", "N*D*log(2*pi)/2"), "variance": "sd**2"},
    "rises_as_a_sigmoid": {
        "likelihood": "bernoulli-probabilities",
        "beta": "1/(1+exp(-k*(step-25)))",
        "coefficients": ("1", "1/(1+exp(-k*(step-25)))", "0"),
    },
    "rises_as_a_cosine": {
        "likelihood": "bernoulli-probabilities",
        "coefficients": ("1", "(1-cos(2*pi*(step%period)/period))/2", "0"),
    },
    "half_forgotten_on_one": _MEAN
    | {"likelihood": "gaussian", "affine": False, "bug": "recon-edited", "edit": "dropped-half"},
    "exponential_forgotten": {
        "likelihood": "bernoulli-probabilities",
        "affine": False,
        "kl": "other",
        "bug": "kl-edited",
        "edit": "missing-transform",
    },
    "divergence_reversed": {
        "likelihood": "bernoulli-probabilities",
        "affine": False,
        "kl": "other",
        "bug": "kl-edited",
        "edit": "reversed-divergence",
    },
    "two_sigmoids": _LOGITS | {"affine": False, "bug": "recon-edited", "edit": "sigmoid-twice"},
    "data_between_minus_one_and_one": {"likelihood": "other", "coefficients": ("1", "1", "0"), "beta": "1"},
    "variance_of_the_batch": {"likelihood": "gaussian", "affine": False, "coefficients": None},
    "divided_by_sizes_of_the_file": {
        "only": {
            "bug": None,
            "formula": "2 * 1/2*sum((x - recon)**2) + 1/(128*784) * 1/2*sum(mu**2 + exp(logvar) - 1 - logvar)",
        }
    },
    "divided_by_a_size_once": {"only": {"bug": "terms-reduced-differently", "likelihood": "squared-error"}},
}
