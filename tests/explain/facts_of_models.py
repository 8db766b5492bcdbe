"""What the models in `cases/` compute, worked out by hand, in the form of `facts.py`."""

from typing import Any

_SQUARED = {"likelihood": "squared-error"}
_LOGITS = {"likelihood": "bernoulli-logits"}
_MEAN = {"data_reduction": "mean"}
_PROBABILITIES = {"likelihood": "bernoulli-probabilities"}
MODELS_TORCH: dict[str, dict[str, Any]] = {
    "Plain().loss(x)": _PROBABILITIES | {"coefficients": ("1", "beta", "0"), "beta": "beta"},
    "Images()": _LOGITS | _MEAN | {"kl": "sampled", "scale_kind": "softplus", "coefficients": ("1/N", "1/N", "0")},
    "TwoSigmoids().loss(x)": _LOGITS | {"coefficients": ("1", "1", "0"), "bug": "support"},
    "Stopped().loss(x)": _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "variance": "1/2", "bug": "detached"},
    "PositiveMean().loss(x)": _PROBABILITIES | {"coefficients": ("1", "beta", "0"), "bug": "posterior-confined"},
    "OfBinary().loss(x)": _LOGITS | {"coefficients": ("1", "1", "0"), "beta": "1"},
    "OfBinary().loss(x, sign=-1.0)": {"only": {"likelihood": "bernoulli-logits", "bug": "kl-edited"}},
    "OfCounts().loss(x)": {"likelihood": "poisson", "coefficients": ("1", "1", "0"), "beta": "1"},
    "Rectified().loss(x)": {
        "only": {
            "bug": "support",
            "sentence": "The loss reads `recon` as a probability, and its range is from 0 up, unbounded.",
        }
    },
    "OnlyInTraining().loss(x)": _PROBABILITIES | {"coefficients": ("1", "beta", "0"), "bug": "mean-at-evaluation"},
}
_ONE = {"coefficients": ("1", "1", "0"), "beta": "1"}
MODELS_GLOBAL: dict[str, dict[str, Any]] = {
    "reads(x)": _PROBABILITIES | _ONE | {"bug": "mean-at-evaluation"},
    "draws(x)": _PROBABILITIES | _ONE,
    "given(DROPS_NOISE, x)": _PROBABILITIES | _ONE | {"bug": "mean-at-evaluation"},
    "given(model=VAE(always=True), x=x)": _PROBABILITIES | _ONE,
    "wrong_sign(x)": {"only": {"likelihood": "bernoulli-probabilities", "bug": "kl-edited"}},
    "two_parts(x)": _PROBABILITIES | _ONE,
    "no_layers(x)": _PROBABILITIES | _ONE,
}
_OF_HEAD = _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"}
MODELS_HEADS: dict[str, dict[str, Any]] = {
    "of_softplus()": _OF_HEAD | {"scale_kind": "softplus"},
    "of_log_deviation()": _OF_HEAD | {"scale_kind": "log_sd"},
    "of_log_variance()": _OF_HEAD | {"scale_kind": "log_var"},
    "of_log_variance_with_a_ceiling()": _OF_HEAD | {"scale_kind": "log_var"},
    "of_a_sum_by_hand()": _OF_HEAD | {"scale_kind": "softplus"},
    "of_deviation()": _OF_HEAD | {"scale_kind": "sd"},
    "of_rectified()": _OF_HEAD | {"scale_kind": "other"},
    "of_rectified_below_zero()": _OF_HEAD | {"scale_kind": "other"},
    "of_square()": _OF_HEAD | {"scale_kind": "other"},
    "of_softplus_in_part()": _OF_HEAD | {"scale_kind": "other"},
    "of_variance_that_is_a_softplus()": _OF_HEAD | {"scale_kind": "other"},
}
_STEPS = _SQUARED | _MEAN | {"pixel_reduction": "mean", "coefficients": ("2/(N*D)", "1/N", "0"), "beta": "D/2"}
MODELS_SEQUENCES: dict[str, dict[str, Any]] = {
    "Recurrent().loss(x)": _STEPS,
    "Recurrent(length=9).loss(x)": _STEPS,
    "Recurrent(features=2, length=5).loss(x)": _STEPS,
    "OverBatch(features=2, length=5).loss(x)": _STEPS
    | {
        "data_reduction": {"recon": "mean", "kl": "sum"},
        "coefficients": ("2/(N*D)", "1", "0"),
        "beta": "N*D/2",
        "bug": "terms-reduced-differently",
    },
}
_WEIGHTED = _PROBABILITIES | _MEAN | {"coefficients": ("1/N", "kl_weight/N", "0"), "beta": "kl_weight"}
MODELS_STEPS: dict[str, dict[str, Any]] = {
    "VAE()": _WEIGHTED,
    "Labelled()": _WEIGHTED,
    "Labelled().training_step": _WEIGHTED,
    "Labelled().training_step(batch, 0)": _WEIGHTED,
    "OfOne()": _WEIGHTED,
    "Keyed().training_step": _WEIGHTED,
    "Rewarded()": {"only": {"likelihood": "bernoulli-probabilities", "bug": "kl-edited"}},
    "Halved().training_step": {"only": {"likelihood": "bernoulli-probabilities", "kl": "other", "bug": "kl-edited"}},
}
MODELS_KERAS: dict[str, dict[str, Any]] = {
    "Tracked()": _PROBABILITIES | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "Averaged()": _SQUARED
    | {
        "data_reduction": {"recon": "sum", "kl": "mean"},
        "coefficients": ("2", "1/N", "0"),
        "bug": "terms-reduced-differently",
    },
    "Annealed()": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/(4*N)", "0"), "beta": "1/4"},
    "Annealed(plain=True)": _LOGITS | _MEAN | {"coefficients": ("1/N", "weight/N", "0"), "bug": "weight-frozen"},
    "bound_of(CONVOLVED, x)": _LOGITS
    | _MEAN
    | {
        "kl": "sampled",
        "coefficients": ("1/N", "1/N", "0"),
        "undetermined": [],
    },
    "bound_of(CONVOLVED, x, sign=-1.0)": {"only": {"likelihood": "bernoulli-logits", "beta": "-1"}},
}

_ADDED = _PROBABILITIES | _MEAN | {"pixel_reduction": "mean", "coefficients": ("1/(N*D)", "1/(N*D)", "0"), "beta": "1"}
_STEP = _SQUARED | _MEAN | {"coefficients": ("2/N", "1/N", "0"), "beta": "1/2"}
MODELS_KERAS_ANY: dict[str, dict[str, Any]] = {
    "lazy()": _ADDED,
    "built()": _ADDED,
    "one": _ADDED,
    "two_sigmoids()": {"only": {"likelihood": "bernoulli-logits", "kl": "analytic", "beta": "1", "bug": "support"}},
    "tanh_into_probabilities()": {"only": {"likelihood": "bernoulli-probabilities", "kl": "analytic", "bug": None}},
    "functional()": _SQUARED | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "averaged_over_latents": _SQUARED
    | _MEAN
    | {"latent_reduction": "mean", "coefficients": ("1/N", "1/(N*J)", "0"), "beta": "1/J"},
    "functional(sign=-1.0)": {"only": {"likelihood": "squared-error", "bug": "kl-edited"}},
    "Warmed()": _SQUARED | _MEAN | {"coefficients": ("1/N", "1/(2*N)", "0"), "beta": "1/2"},
    "Warmed(plain=True)": _SQUARED | _MEAN | {"coefficients": ("1/N", "kl_weight/N", "0"), "bug": "weight-frozen"},
    "OwnLoss()": _SQUARED | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "OfDeviation()": _SQUARED | _MEAN | {"scale_kind": "softplus", "coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "OfDeviation(ops.relu)": {"only": {"scale_kind": "other", "beta": "1", "bug": None}},
    "STEP()": _STEP,
    "Negative()": {"only": {"likelihood": "squared-error", "bug": "kl-edited"}},
}
# Keras compiles nothing on torch, so each step reads the number anew.
ON_TORCH: dict[str, dict[str, Any]] = {
    "Warmed(plain=True)": _SQUARED | _MEAN | {"coefficients": ("1/N", "kl_weight/N", "0"), "beta": "kl_weight"}
}
# Keras on TensorFlow undoes the sigmoid of an output before a cross entropy.
ON_TENSORFLOW: dict[str, dict[str, Any]] = {
    "lazy()": _ADDED | _LOGITS,
    "built()": _ADDED | _LOGITS,
    "one": _ADDED | _LOGITS,
    "two_sigmoids()": {"only": {"likelihood": "bernoulli-logits", "kl": "analytic", "beta": "1", "bug": None}},
}
_RAISED = _LOGITS | _MEAN | {"beta": "min(1, step/warmup)", "coefficients": ("1/N", "min(1, step/warmup)/N", "0")}
FUNCTIONS_JAX: dict[str, dict[str, Any]] = {
    "plain": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "weighted": _LOGITS | _MEAN | {"coefficients": ("1/N", "beta/N", "0"), "beta": "beta"},
    "with_terms": _RAISED,
    "mapped": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "reduced_differently": _LOGITS
    | {
        "data_reduction": {"recon": "sum", "kl": "mean"},
        "coefficients": ("1", "1/N", "0"),
        "bug": "terms-reduced-differently",
    },
    "another_scale": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "bug": "drawn-with-another-scale"},
    "stopped": _LOGITS | _MEAN | {"coefficients": ("1/N", "1/N", "0"), "bug": "detached"},
    "moments": _SQUARED | {"coefficients": ("2", "1", "0"), "beta": "1/2"},
    "plain(init_params(random.PRNGKey(2), hidden=7), images, random.PRNGKey(1))": _LOGITS
    | _MEAN
    | {"coefficients": ("1/N", "1/N", "0"), "beta": "1"},
    "weighted(init_params(random.PRNGKey(2)), x, random.PRNGKey(1), beta=0.5)": {
        "only": {"beta": "1/2", "likelihood": "bernoulli-logits", "bug": None}
    },
}
