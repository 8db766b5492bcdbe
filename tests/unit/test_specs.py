"""Specifications: each field that is wrong, and each that contradicts another, is one clear line."""

import json
from pathlib import Path

import pytest
from unit.families import MLP, draw

from elbostone.reference.errors import BadInput
from elbostone.reference.problem import load_problem, save_problem

WRONG_SPECS = {
    "unknown field": ({"depth": 3}, "unknown field 'depth'"),
    "unknown likelihood": ({"likelihood": "poisson"}, "spec.likelihood: expected one of .*; found 'poisson'"),
    "no size": ({"latent_dim": 0}, "spec.latent_dim: expected a positive whole number below 2³¹; found 0"),
    "text for a size": ({"hidden": ["5"]}, "spec.hidden: expected a list of positive whole numbers"),
    "true for a size": ({"latent_dim": True}, "spec.latent_dim: expected a positive whole number"),
    "stray variance": ({"variance": 0.5}, "takes no variance"),
    "no variance": ({"likelihood": "gaussian-fixed"}, "needs variance"),
    "negative variance": ({"likelihood": "gaussian-fixed", "variance": -1}, "expected a positive number; found -1"),
    "image of an mlp": (
        {"image_shape": [1, 2, 3]},
        r"spec.image_shape: network 'mlp' takes no image_shape; found \[1, 2, 3\]",
    ),
    "conv without image": ({"network": "conv"}, "spec.image_shape: network 'conv' needs image_shape; found None"),
    "odd side": (
        {"network": "conv", "hidden": [5], "image_shape": [1, 6, 8], "channels": [3, 4], "data_dim": 48},
        "sides must be divisible by 4 .*; found 6",
    ),
    "sizes contradict": (
        {"network": "conv", "hidden": [5], "image_shape": [1, 8, 8], "channels": [3, 4]},
        "spec.data_dim: expected 64, the product of image_shape; found 6",
    ),
    "other sizes than the tensors": ({"data_dim": 7}, r"expected shape \[5, 7\]; found \[5, 6\]"),
}


FULL_VB = {"decoder_weights": "posterior", "data_count": 9}
WRONG_FAMILIES = {
    "unknown posterior": ({"posterior": "flow"}, "spec.posterior: expected one of diagonal, .*; found 'flow'"),
    "unknown prior": ({"prior": "mixture"}, "spec.prior: expected one of standard, learned, vamp; found 'mixture'"),
    "unknown activation": ({"activation": "gelu"}, "spec.activation: expected one of .*gated; found 'gelu'"),
    "unknown weights": (
        {"decoder_weights": "sampled"},
        "spec.decoder_weights: expected one of point, .*; found 'sampled'",
    ),
    "no beta": ({"beta": 0}, "spec.beta: expected a positive number; found 0"),
    "negative beta": ({"beta": -1.0}, "spec.beta: expected a positive number; found -1.0"),
    "endless beta": ({"beta": float("inf")}, "spec.beta: expected a positive number; found inf"),
    "no number for beta": ({"beta": float("nan")}, "spec.beta: expected a positive number; found nan"),
    "text for beta": ({"beta": "4"}, "spec.beta: expected a positive number; found '4'"),
    "true for beta": ({"beta": True}, "spec.beta: expected a positive number; found True"),
    "vamp without components": ({"prior": "vamp"}, "spec.components: prior 'vamp' needs components; found None"),
    "stray components": ({"components": 3}, "spec.components: prior 'standard' takes no components; found 3"),
    "no components": (
        {"prior": "vamp", "components": 0},
        "spec.components: expected a positive whole number below 2³¹",
    ),
    "vamp of a full posterior": (
        {"prior": "vamp", "components": 3, "posterior": "full"},
        "spec.posterior: expected diagonal or isotropic with prior 'vamp'; found 'full'",
    ),
    "vamp without an encoder": (
        {"prior": "vamp", "components": 3, "posterior": "free", "data_count": 3},
        "spec.posterior: expected diagonal or isotropic with prior 'vamp'; found 'free'",
    ),
    "free without a count": ({"posterior": "free"}, "posterior 'free' with .* needs data_count; found None"),
    "weights without a count": ({"decoder_weights": "posterior"}, "'posterior' needs data_count; found None"),
    "stray count": ({"data_count": 5}, "'diagonal' with decoder_weights 'point' takes no data_count; found 5"),
    "fraction for a count": ({**FULL_VB, "data_count": 2.5}, "spec.data_count: expected a positive whole number"),
    "layers of another size": ({"latents": [2, 2]}, r"add up to latent_dim = 3; found \[2, 2\]"),
    "no layers": ({"latents": []}, r"spec.latents: expected a list of positive whole numbers; found \[\]"),
    "an empty layer": ({"latents": [2, 0]}, r"spec.latents: expected a list of positive whole numbers; found \[2, 0\]"),
    "a number for layers": ({"latents": 2}, "spec.latents: expected a list of positive whole numbers; found 2"),
    "layers under a posterior of weights": (
        {"latents": [2, 1], **FULL_VB},
        "spec.decoder_weights: expected point with spec.latents; found 'posterior'",
    ),
    "a chain of another size": ({"chain": [2, 2]}, r"spec.chain: .* add up to latent_dim = 3; found \[2, 2\]"),
    "a chain of one": ({"chain": [3]}, r"spec.chain: expected two layers or more; found \[3\]"),
    "a chain and layers": (
        {"chain": [2, 1], "latents": [2, 1]},
        r"spec.chain: spec.latents takes no chain; found \[2, 1\]",
    ),
    "a chain of a full posterior": (
        {"chain": [2, 1], "posterior": "full"},
        "spec.posterior: expected diagonal with spec.chain; found 'full'",
    ),
    "a chain to a learned prior": (
        {"chain": [2, 1], "prior": "learned"},
        "spec.prior: expected standard with spec.chain; found 'learned'",
    ),
    "a chain under a posterior of weights": (
        {"chain": [2, 1], **FULL_VB},
        "spec.decoder_weights: expected point with spec.chain; found 'posterior'",
    ),
}
ONE_CONVOLUTION = {"network": "conv", "hidden": [5], "image_shape": [1, 2, 2], "channels": [3], "data_dim": 4}
WRONG_FAMILIES |= {
    f"conv, {name}": (
        {**ONE_CONVOLUTION, **change},
        rf"spec.{field}: expected {words} with network 'conv'; found {found}",
    )
    for name, change, field, words, found in (
        ("full", {"posterior": "full"}, "posterior", "diagonal", "'full'"),
        ("free", {"posterior": "free", "data_count": 3}, "posterior", "diagonal", "'free'"),
        ("vamp", {"prior": "vamp", "components": 3}, "prior", "standard or learned", "'vamp'"),
        ("layers", {"latents": [3]}, "latents", "none", r"\[3\]"),
        ("chain", {"chain": [2, 1]}, "chain", "none", r"\[2, 1\]"),
        ("weights", FULL_VB, "decoder_weights", "point", "'posterior'"),
        ("gated", {"activation": "gated"}, "activation", "tanh or relu or softplus", "'gated'"),
        ("gaussian", {"likelihood": "gaussian"}, "likelihood", "bernoulli", "'gaussian'"),
    )
} | {
    "conv, two hidden layers": (
        {**ONE_CONVOLUTION, "hidden": [5, 4]},
        "spec.hidden: network 'conv' has one hidden layer; found 2",
    ),
    "conv, an image of two sizes": (
        {**ONE_CONVOLUTION, "image_shape": [2, 2]},
        r"spec.image_shape: expected \[channel, height, width\], .*; found \[2, 2\]",
    ),
}
WRONG_SPECS |= WRONG_FAMILIES


@pytest.mark.parametrize("wrong", WRONG_SPECS)
def test_a_wrong_spec_is_named(tmp_path: Path, wrong: str) -> None:
    path = save_problem(draw(MLP), tmp_path)
    document = json.loads(path.read_text())
    change, message = WRONG_SPECS[wrong]
    document["spec"] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput, match=message) as caught:
        load_problem(path)
    assert str(path.with_suffix("")) in str(caught.value)
    assert "\n" not in str(caught.value)
