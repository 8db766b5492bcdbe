"""The constants that sources leave out."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from unit.families import FAMILIES, FIXED, draw

from elbostone.notations.constants import CONSTANTS, Constant, value
from elbostone.reference.oracle import evaluate


def test_each_word_has_its_value() -> None:
    spec = replace(draw(FIXED).spec, components=7)
    assert {word: constant(spec) for word, constant in CONSTANTS.items()} == pytest.approx(
        {
            "J/2": 1.5,
            "J/2 log 2π": 1.5 * 1.8378770664093453,
            "D/2 log 2π": 3 * 1.8378770664093453,
            "D/2 log σ²": 3 * math.log(0.7),
            "log K": math.log(7),
        }
    )


@pytest.mark.parametrize(("sign", "text"), [(1, "+ J/2"), (-1, "- log K")])
def test_a_constant_is_read_as_it_is_written(sign: int, text: str) -> None:
    constant = Constant.read(text)
    assert (constant.sign, str(constant)) == (sign, text)


@pytest.mark.parametrize("text", ["J/2", "+J/2", "± J/2", "- K", "", "-", "- log K "])
def test_what_is_no_constant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{re.escape(text)}'$"):
        Constant.read(text)


def test_a_squared_error_is_a_gaussian_likelihood_without_its_constants() -> None:
    problem = draw(FIXED, samples=1)
    found = evaluate(problem, gradients=False)
    error = ((problem.x - found["decoder_mean"][0]) ** 2).sum(-1) / (2 * 0.7)
    left_out = value([Constant.read("- D/2 log 2π"), Constant.read("- D/2 log σ²")], problem.spec)
    np.testing.assert_allclose(-error + left_out, found["log_likelihood"], rtol=1e-13)


def test_a_mixture_without_its_shares_lacks_log_k() -> None:
    problem = draw(FAMILIES["vamp"], samples=1)
    found = evaluate(problem, gradients=False)
    pseudo = problem.weights["prior.pseudo_inputs"]
    noise = np.zeros((1, len(pseudo), problem.spec.latent_dim))
    of_pseudo = evaluate(replace(problem, x=pseudo, noise=noise), gradients=False)
    components = stats.norm(of_pseudo["posterior_mean"], of_pseudo["posterior_sd"])
    summed = np.log(np.exp(components.logpdf(found["latent"][0][:, None]).sum(-1)).sum(-1))
    np.testing.assert_allclose(summed + value([Constant.read("- log K")], problem.spec), found["log_prior"], rtol=1e-13)
