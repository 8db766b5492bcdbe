"""What the losses of other libraries compute, as it was worked out by hand, and the table of the guide."""

import pytest
from explain.compared import equal
from libraries.table import ENTRIES, FIRST, GUIDE, LAST, Entry, explained, row

import elbostone

pytestmark = pytest.mark.libraries

# Keras's binary cross entropy is a mean over the last axis, which the answer calls W: the channels of an image.
FACTS = {
    "pythae 0.1.2, VAE": ("bernoulli-probabilities", "analytic", "log_var", "mean", "1"),
    "pythae 0.1.2, BetaVAE": ("squared-error", "analytic", "log_var", "mean", "2"),
    "pyro-ppl 1.9.2, Trace_ELBO": ("bernoulli-logits", "sampled", "log_sd", "sum", "1"),
    "numpyro 0.22.0, Trace_ELBO": ("bernoulli-probabilities", "sampled", "log_sd", "sum", "1"),
    "tensorflow-probability 0.25.0": ("bernoulli-logits", "analytic", "sd", "mean", "weight"),
    "diffusers 0.42.1, AutoencoderKL": ("squared-error", "analytic", "log_var", "mean", "kl_scale*D/2"),
    "scvi-tools 1.4, VAE (anew)": ("negative-binomial", "analytic", "var", "mean", "kl_weight"),
    "AntixK/PyTorch-VAE (anew)": ("squared-error", "analytic", "log_var", "mean", "kld_weight*D/2"),
    "keras.io (anew)": ("bernoulli-probabilities", "analytic", "log_var", "mean", "W"),
    "pytorch_examples, our file": ("bernoulli-probabilities", "analytic", "log_var", "sum", "1"),
}


@pytest.mark.parametrize("one", ENTRIES, ids=[one.library for one in ENTRIES])
def test_a_published_loss(one: Entry) -> None:
    answer = explained(one)
    likelihood, kl, scale, reduction, beta = FACTS[one.library]
    assert (answer.likelihood, answer.kl, answer.scale_kind) == (likelihood, kl, scale)
    assert answer.data_reduction == reduction
    assert answer.beta_effective is not None
    assert equal(answer.beta_effective.expression, beta)
    assert answer.bug is None
    assert answer.affine or one.library.startswith("diffusers")  # it clamps, far out
    assert row(one) in GUIDE.read_text(encoding="utf-8").split(FIRST)[1].split(LAST)[0]


@pytest.mark.parametrize(("annealed", "beta"), [(1.0, "1"), (0.25, "1/4")])
def test_an_annealed_kl_of_pyro_is_its_weight(annealed: float, beta: str) -> None:
    answer = explained(Entry("", f"of_pyro.py:VAE(annealed={annealed}).model", "guide"))
    assert answer.beta_effective is not None
    assert equal(answer.beta_effective.expression, beta)
    assert answer.bug is None
    assert any(finding.name == "elbo-terms" for finding in answer.findings)


def test_what_is_annealed_in_the_model_alone_is_no_kl() -> None:
    answer = explained(Entry("", "of_pyro.py:AnnealedInTheModelAlone(annealed=0.5).model", "guide"))
    assert answer.kl == "other"
    assert answer.bug is not None
    assert answer.bug.name == "kl-edited"


@pytest.mark.parametrize(
    ("entry", "guide", "kind"),
    [
        ("of_pyro.py:Softened().model", "guide", "softplus"),
        ("of_pyro.py:Softened(nn.functional.relu).model", "guide", "other"),
        ("of_numpyro.py:model", "softened", "softplus"),
        ("of_numpyro.py:model", "rectified", "other"),
    ],
)
def test_the_scale_kind_is_that_of_what_the_head_of_the_guide_puts_out(entry: str, guide: str, kind: str) -> None:
    answer = explained(Entry("", entry, guide))
    assert answer.scale_kind == kind
    assert answer.bug is None


def test_a_guide_that_there_is_not() -> None:
    with pytest.raises(elbostone.api.BadInput, match="the file has no 'nobody'"):
        explained(Entry("", "of_pyro.py:VAE().model", "nobody"))
