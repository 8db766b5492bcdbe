"""How a model draws z, compared with its KL: wrong draws are named, and right ones are called right."""

import pytest
from explain.compared import CASES, explained_together

from elbostone.explain.answer import Answer
from elbostone.explain.phase import explained_in_one_worker
from elbostone.explain.records import Asked

JOINED = ("DecodedTwice", "LearnedVariance", "DroppedTwice", "ThreeCalls", "Stacked", "Weighted", "MeanLikelihood")
"""The models of models_joined.py; all others are of models_drawn.py."""

FAULTS = {
    "WholeExponent": ("drawn-with-another-scale", "exp(logvar), and the KL reads exp(logvar/2)"),
    "Softplus": ("drawn-with-another-scale", "softplus(logvar), and the KL reads exp(logvar/2)"),
    "NoExponent": ("drawn-with-another-scale", "deviation logvar, and the KL reads exp(logvar/2)"),
    "Small": ("drawn-with-another-scale", "0.01*exp(logvar/2), and the KL reads exp(logvar/2)"),
    "Constant": ("drawn-with-another-scale", "it is 1, and the KL's is"),
    "OtherKl": ("drawn-with-another-scale", "exp(logvar/2), and the KL reads exp(logvar)"),
    "OtherSampledKl": ("drawn-with-another-scale", "exp(logvar/2), and the KL reads exp(logvar)"),
    "VarianceAsDeviation": ("drawn-with-another-scale", "deviation var, and the KL reads sqrt(var)"),
    "DetachedScale": ("detached", "the posterior's scale `logvar`"),
    "Exchanged": ("heads-exchanged", "takes `logvar` for the mean and `mu` for the scale"),
    "ExchangedData": ("data-exchanged", "takes the model's input for the reconstruction"),
    "Uniform": ("noise-not-normal", "noise of `rand_like`"),
    "CentredUniform": ("noise-not-normal", "noise of `rand_like`"),
    "ForAllLatents": ("noise-shared", "all latents of an example"),
    "NoNoise": ("no-noise", "the decoder reads the posterior's mean `mu`"),
}
"""Model → the fault, and words of its sentence."""
EDITS = {
    "WholeExponent": "0.5 * logvar",
    "OtherKl": "kl = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0)).sum(1)",
    "OtherSampledKl": "Normal(mu, (0.5 * logvar).exp()).log_prob(z)",
    "VarianceAsDeviation": "var**0.5",
    "DetachedScale": "return torch.exp(0.5 * logvar)",
    "Uniform": "return torch.randn_like(mu)",
}
"""Model → a part of the line that mends it."""
RIGHT = (
    "OfScale", "AlmostScale", "SignedScale", "Clamped", "Variance", "ZeroAtFirst", "OfNoise", "NoisyInput",
    "DecodedTwice", "ForAllExamples", "LearnedVariance", "ThreeCalls", "Stacked",
)  # fmt: skip


def answers(*models: str) -> dict[str, Answer]:
    asked = [
        Asked(
            str(CASES / f"models_{'joined' if model in JOINED else 'drawn'}.py"), f"{model}().loss(x)", "torch", False,
            {}, {}, {}, 0.0, changed=model in EDITS,
        )
        for model in models
    ]  # fmt: skip
    found = dict(zip(models, explained_in_one_worker(asked, 300.0), strict=True))
    lost = {model: outcome.bad_input or outcome.raised for model, outcome in found.items() if outcome.answer is None}
    assert not lost
    return {model: outcome.answer for model, outcome in found.items() if outcome.answer is not None}


@pytest.mark.backend("torch")
def test_each_fault_is_named() -> None:
    for model, answer in answers(*FAULTS).items():
        name, words = FAULTS[model]
        assert answer.bug is not None, model
        assert answer.bug.name == name, model
        assert words in answer.sentence, model
        if model in EDITS:
            assert answer.change is not None, model
            assert EDITS[model] in answer.change.after, model


@pytest.mark.backend("torch")
def test_a_right_model_is_called_right() -> None:
    for model, answer in answers(*RIGHT, "StickingTheLanding").items():
        assert answer.bug is None, model
        assert answer.beta_effective is not None, model
        assert answer.beta_effective.expression == "1", model
        assert ("no fault was found" in answer.sentence) is (model in RIGHT), model
        if model in ("ThreeCalls", "Stacked"):
            assert "ELBO over 3 draws of z" in answer.sentence, model


@pytest.mark.backend("torch")
def test_what_several_draws_bound() -> None:
    found = answers("Weighted", "MeanLikelihood", "DroppedTwice")
    assert "importance-weighted bound of 3 draws" in found["Weighted"].sentence
    assert found["Weighted"].affine is False
    for model in ("MeanLikelihood", "DroppedTwice"):
        assert found[model].sentence.startswith(("Not determined", "The KL's weight is not determined")), model
    assert all(answer.bug is None for answer in found.values())


@pytest.mark.backend("torch")
def test_no_vae_is_not_accused_of_having_no_noise() -> None:
    [no_vae] = explained_together("torch", ["Regularised().loss(x)"], "models_drawn").values()
    assert "no normal noise" in str(no_vae.bad_input)


@pytest.mark.backend("torch")
def test_a_batch_that_is_repeated_is_refused_with_the_reason() -> None:
    [repeated] = explained_together("torch", ["Repeated().loss(x)"], "models_joined").values()
    assert "repeats its batch" in str(repeated.bad_input)
