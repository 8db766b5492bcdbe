"""Problem files: what is written is what is read, and every kind of bad file is one clear line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from unit.families import EVERY, FAMILIES, bounds_of, draw

from elbostone.notations.axes import parse_axes
from elbostone.reference.errors import BadInput
from elbostone.reference.oracle import evaluate, rounded
from elbostone.reference.parsing import parse_spec
from elbostone.reference.problem import Problem, gradient_file, load_problem, save_problem, save_tensors
from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_axes, weight_shapes

MLP = Spec("mlp", "bernoulli", "standard", "tanh", (5, 4), 6, 2)
CONV = Spec("conv", "bernoulli", "standard", "relu", (5,), 64, 2, image_shape=(1, 8, 8), channels=(3, 4))


def make(spec: Spec) -> Problem:
    draw = np.random.default_rng(0)
    weights = {name: draw.standard_normal(shape) for name, shape in weight_shapes(spec).items()}
    x = draw.integers(0, 2, (3, spec.data_dim)).astype(np.float64)
    return Problem("case", spec, x, draw.standard_normal((2, 3, spec.latent_dim)), weights)


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_round_trip_is_bit_exact(tmp_path: Path, spec: dict[str, Any]) -> None:
    problem = draw(spec)
    gradients = {
        bound: {
            name.removeprefix("gradient/"): value
            for name, value in evaluate(problem, bound=bound).items()
            if name.startswith("gradient/")
        }
        for bound in bounds_of(problem.spec)
    }
    path = save_problem(replace(problem, expected_gradients=gradients), tmp_path)
    again = load_problem(path)
    assert again.spec == problem.spec == parse_spec(problem.spec.as_json(), "again")
    for before, after in (
        ({"x": problem.x, "noise": problem.noise}, {"x": again.x, "noise": again.noise}),
        (problem.weights, again.weights),
        (problem.weight_noise, again.weight_noise),
        *((gradients[bound], again.expected_gradients[bound]) for bound in gradients),
    ):
        assert list(before) == list(after)
        for name, value in before.items():
            np.testing.assert_array_equal(after[name], value)
    files = {gradient_file(path, bound).name for bound in gradients}
    assert {file.name for file in tmp_path.iterdir()} == {"test.json", "test.safetensors", *files}


def test_what_has_its_default_is_not_written() -> None:
    plain = parse_spec(EVERY["mlp-bernoulli"], "test")
    assert plain.as_json() == EVERY["mlp-bernoulli"]
    for name, spec in FAMILIES.items():
        assert parse_spec(spec, "test").as_json() == spec, name


def test_the_noise_of_weights_is_rounded_with_all_else() -> None:
    problem = draw(FAMILIES["full-vb"])
    coarse = rounded(problem, "float32")
    assert coarse.weight_noise.keys() == problem.weight_noise.keys()
    for name, noise in problem.weight_noise.items():
        np.testing.assert_array_equal(coarse.weight_noise[name], noise.astype(np.float32))
        assert (coarse.weight_noise[name] != noise).any()


def test_a_transposed_view_is_written_by_value(tmp_path: Path) -> None:
    square = np.arange(9.0).reshape(3, 3).T
    save_tensors({"square": square}, tmp_path / "a.safetensors")
    from elbostone.reference.problem import read_tensors

    np.testing.assert_array_equal(read_tensors(tmp_path / "a.safetensors")["square"], square)


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_each_axis_of_a_weight_has_a_name(spec: dict[str, Any]) -> None:
    parsed = parse_spec(spec, "test")
    axes, shapes = weight_axes(parsed), weight_shapes(parsed)
    assert list(axes) == list(shapes)
    for name, shape in shapes.items():
        assert len(parse_axes(axes[name])) == len(shape), name


def drop(tensors: dict, name: str) -> None:
    del tensors[name]


def put(name: str, value: np.ndarray) -> Callable[[dict], None]:
    return lambda tensors: tensors.__setitem__(name, value)


WRONG_TENSORS = {
    "missing": (lambda t: drop(t, "encoder.mean.bias"), "tensor 'encoder.mean.bias' is missing"),
    "extra": (put("stray", np.zeros(2)), "tensor 'stray' is not part of this spec"),
    "misshapen": (put("encoder.mean.bias", np.zeros(3)), r"'encoder.mean.bias': expected shape \[2\]; found \[3\]"),
    "nan": (put("encoder.mean.bias", np.array([0, np.nan])), r"expected finite values; found nan at \[1\]"),
    "infinite": (put("x", np.full((3, 6), np.inf)), r"'x': expected finite values; found inf"),
    "float32": (put("encoder.mean.bias", np.zeros(2, np.float32)), "expected dtype float64; found float32"),
    "integers": (put("encoder.mean.bias", np.zeros(2, np.int64)), "expected dtype F64; found I64"),
    "no data": (lambda t: drop(t, "x"), "tensor 'x' is missing"),
    "wrong batch": (put("noise", np.zeros((1, 4, 2))), r"'noise': expected shape \['any', 3, 2\]; found \[1, 4, 2\]"),
    "no batch": (put("x", np.zeros((0, 6))), r"'x': expected shape"),
    "not a probability": (put("x", np.full((3, 6), 1.5)), r"needs values in \[0, 1\]; found 1.5"),
}


@pytest.mark.parametrize("wrong", WRONG_TENSORS)
def test_a_wrong_tensor_is_named(tmp_path: Path, wrong: str) -> None:
    problem = make(MLP)
    path = save_problem(problem, tmp_path)
    tensors: dict = {"x": problem.x, "noise": problem.noise, **problem.weights}
    change, message = WRONG_TENSORS[wrong]
    change(tensors)
    save_file(tensors, str(path.with_suffix(".safetensors")))
    with pytest.raises(BadInput, match=message) as caught:
        load_problem(path)
    assert str(path.with_suffix(".safetensors")) in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG_DRAWS: dict[str, tuple[str, Callable[[dict], None], str]] = {
    "no noise of a weight": (
        "full-vb",
        lambda t: drop(t, "noise.decoder.logits.bias"),
        "tensor 'noise.decoder.logits.bias' is missing",
    ),
    "noise of a weight for other draws": (
        "full-vb",
        put("noise.decoder.logits.bias", np.zeros((3, 6))),
        r"'noise.decoder.logits.bias': expected shape \[2, 6\]; found \[3, 6\]",
    ),
    "noise of a point": ("gated", put("noise.decoder.mean.bias", np.zeros((2, 6))), "is not part of this spec"),
    "a batch that is not all data": (
        "free",
        put("x", np.zeros((2, 6))),
        r"'x': expected shape \[3, 6\]; found \[2, 6\]",
    ),
    "pseudo-inputs of another size": (
        "vamp",
        put("prior.pseudo_inputs", np.zeros((5, 7))),
        r"'prior.pseudo_inputs': expected shape \[5, 6\]; found \[5, 7\]",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_DRAWS)
def test_a_wrong_tensor_of_a_family_is_named(tmp_path: Path, wrong: str) -> None:
    family, change, message = WRONG_DRAWS[wrong]
    problem = draw(FAMILIES[family])
    path = save_problem(problem, tmp_path)
    drawn = {f"noise.{name}": noise for name, noise in problem.weight_noise.items()}
    tensors: dict = {"x": problem.x, "noise": problem.noise, **drawn, **problem.weights}
    change(tensors)
    save_file(tensors, str(path.with_suffix(".safetensors")))
    with pytest.raises(BadInput, match=message) as caught:
        load_problem(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not safetensors", b"\x80\x04K\x01."], ids=["empty", "zip", "pickle"]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = save_problem(make(MLP), tmp_path)
    path.with_suffix(".safetensors").write_bytes(content)
    with pytest.raises(BadInput, match="expected a safetensors file"):
        load_problem(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = save_problem(make(MLP), tmp_path)
    file = path.with_suffix(".safetensors")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(BadInput, match="expected a safetensors file"):
        load_problem(path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"spec": 3}', '{"spec": {}}'])
def test_what_is_no_problem_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "case.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"case\.json"):
        load_problem(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        load_problem(tmp_path / "none.json")


WRONG_TERMS = {
    "no number": ({"elbo": ["abc", "0", "0"]}, "expected.elbo: expected numbers"),
    "too few": ({"elbo": ["0", "0"]}, r"expected.elbo: expected finite numbers of shape \[3\]; found shape \[2\]"),
    "not finite": ({"kl": ["nan", "0", "0"]}, "expected.kl: expected finite numbers"),
    "unknown": ({"evidence": ["0", "0", "0"]}, "expected.evidence: expected one of log_likelihood"),
}


@pytest.mark.parametrize("wrong", WRONG_TERMS)
def test_wrong_exact_terms_are_named(tmp_path: Path, wrong: str) -> None:
    path = save_problem(make(MLP), tmp_path)
    terms, message = WRONG_TERMS[wrong]
    document = json.loads(path.read_text()) | {"expected": terms}
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput, match=message):
        load_problem(path)


def test_a_gradient_of_no_weight_is_named(tmp_path: Path) -> None:
    path = save_problem(make(MLP), tmp_path)
    gradients = {name: np.zeros(shape) for name, shape in weight_shapes(MLP).items()} | {"stray": np.zeros(1)}
    save_tensors(gradients, tmp_path / "case.gradients.safetensors")
    with pytest.raises(BadInput, match="tensor 'stray' is not a weight of this spec"):
        load_problem(path)
