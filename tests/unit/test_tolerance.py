"""The tolerance rule on float32: it admits straightforward code and catches a planted error."""

from __future__ import annotations

import numpy as np
import pytest

from elbostone.reference.errors import BadInput
from elbostone.reference.oracle import evaluate, noise_scale, rounded
from elbostone.reference.parsing import parse_spec
from elbostone.reference.problem import Problem
from elbostone.reference.tolerance import K, tolerances
from elbostone.reference.weights import weight_shapes


def draw(seed: int, *, scale: float = 1.0, grey: bool = False) -> Problem:
    random = np.random.default_rng(seed)
    spec = parse_spec(
        {
            "network": "mlp", "likelihood": "bernoulli", "prior": "standard", "activation": "tanh",
            "hidden": [12], "data_dim": 20, "latent_dim": 4,
        },
        "test",
    )  # fmt: skip
    weights = {name: random.normal(size=shape) * scale / 4 for name, shape in weight_shapes(spec).items()}
    x = random.random((16, 20))
    return Problem("test", spec, x if grey else x.round(), random.normal(size=(1, 16, 4)), weights)


def straightforward(problem: Problem, *, half: float = 0.5) -> dict[str, np.ndarray]:
    """What one would write in float32 NumPy, matrix products and hand-written backward included."""
    w = {name: weight.astype(np.float32) for name, weight in problem.weights.items()}
    x, noise = problem.x.astype(np.float32), problem.noise[0].astype(np.float32)
    h = np.tanh(x @ w["encoder.hidden.0.weight"].T + w["encoder.hidden.0.bias"])
    mean = h @ w["encoder.mean.weight"].T + w["encoder.mean.bias"]
    log_variance = h @ w["encoder.log_variance.weight"].T + w["encoder.log_variance.bias"]
    deviation = np.exp(np.float32(half) * log_variance)
    z = mean + deviation * noise
    g = np.tanh(z @ w["decoder.hidden.0.weight"].T + w["decoder.hidden.0.bias"])
    logits = g @ w["decoder.logits.weight"].T + w["decoder.logits.bias"]
    log_likelihood = -(np.maximum(logits, 0) - logits * x + np.log1p(np.exp(-np.abs(logits)))).sum(axis=1)
    kl = np.float32(-0.5) * (1 + log_variance - mean**2 - np.exp(log_variance)).sum(axis=1)
    d_logits = x - 1 / (1 + np.exp(-logits))
    d_g = (d_logits @ w["decoder.logits.weight"]) * (1 - g**2)
    d_z = d_g @ w["decoder.hidden.0.weight"]
    d_log_variance = d_z * noise * deviation / 2 + (1 - np.exp(log_variance)) / 2
    d_h = ((d_z - mean) @ w["encoder.mean.weight"] + d_log_variance @ w["encoder.log_variance.weight"]) * (1 - h**2)
    return {
        "posterior_mean": mean,
        "posterior_log_variance": log_variance,
        "latent": z[None],
        "decoder_logits": logits[None],
        "log_likelihood": log_likelihood,
        "kl": kl,
        "elbo": log_likelihood - kl,
        "gradient/encoder.hidden.0.weight": d_h.T @ x,
        "gradient/encoder.log_variance.weight": d_log_variance.T @ h,
        "gradient/decoder.hidden.0.weight": d_g.T @ z,
        "gradient/decoder.logits.weight": d_logits.T @ g,
        "gradient/decoder.logits.bias": d_logits.sum(axis=0),
    }


def shares(problem: Problem, found: dict[str, np.ndarray]) -> dict[str, float]:
    """Deviation over tolerance, by tensor."""
    truth, allowed = evaluate(problem), tolerances(problem, "float32")
    return {name: float(np.abs(tensor - truth[name]).max() / allowed[name]) for name, tensor in found.items()}


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_straightforward_float32_is_admitted(seed: int, scale: float) -> None:
    problem = rounded(draw(seed, scale=scale, grey=bool(seed % 2)), "float32")
    beyond = {name: share for name, share in shares(problem, straightforward(problem)).items() if share > 1}
    assert not beyond, f"seed {seed}, scale {scale}: beyond tolerance by a factor of {beyond}"


def test_a_missing_half_is_caught_where_it_enters() -> None:
    problem = rounded(draw(0), "float32")
    found = shares(problem, straightforward(problem, half=1.0))
    assert found["posterior_mean"] < 1
    assert found["posterior_log_variance"] < 1
    for name in ("latent", "decoder_logits", "log_likelihood", "elbo", "gradient/decoder.logits.weight"):
        assert found[name] > 1000, f"{name}: only {found[name]} of the tolerance"


def test_inputs_that_were_not_rounded_are_told_apart_from_the_truth() -> None:
    problem = draw(0)
    coarse = shares(problem, evaluate(rounded(problem, "bfloat16")))
    assert coarse["posterior_mean"] > 1


def test_tolerance_is_k_times_n_in_the_order_of_data_flow() -> None:
    problem = draw(1)
    n, allowed = noise_scale(problem, "float64"), tolerances(problem, "float64")
    assert K == 8
    assert list(allowed) == list(evaluate(problem))
    assert allowed == {name: 8 * scale for name, scale in n.items()}
    assert list(tolerances(problem, "float64", gradients=False)) == [k for k in allowed if "gradient" not in k]


def test_an_unknown_dtype_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"expected one of float64, .*; found 'float8'"):
        tolerances(draw(0), "float8")
