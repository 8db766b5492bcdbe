"""Weight maps: there and back is exact, and the adjoint is the adjoint."""

from typing import Any

import numpy as np
import pytest
from unit.families import EVERY

from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.schema import FRAMEWORKS
from elbostone.notations.weight_maps import published_weights, weight_maps
from elbostone.reference.errors import BadInput
from elbostone.reference.parsing import parse_spec
from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_shapes

MLP = Spec("mlp", "bernoulli", "standard", "tanh", (5,), 6, 2)
CONV = Spec("conv", "bernoulli", "standard", "relu", (5,), 2 * 8 * 4, 2, image_shape=(2, 8, 4), channels=(3, 4))


def possible(document: dict[str, Any]) -> Spec | None:
    """The specification, if it does not contradict itself."""
    try:
        return parse_spec(document, "test")
    except BadInput:
        return None


#: One per family, each also with a single hidden layer and with a Gaussian decoder: sources define no more, or no less.
SPECS = {
    spec: name
    for name, known in EVERY.items()
    for changed in ({}, {"hidden": [4]}, {"likelihood": "gaussian"}, {"likelihood": "gaussian-fixed", "variance": 1.0})
    if (spec := possible({**known, **changed})) is not None
}
CASES = [
    pytest.param(notation, framework, spec, id=f"{notation.id}-{framework}-{name}-{len(spec.hidden)}-{spec.likelihood}")
    for notation in notations().values()
    for framework in FRAMEWORKS
    for spec, name in {**SPECS, CONV: "images"}.items()
    if notation.unsupported(spec) is None
]


def weights(spec: Spec, seed: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {name: draw.standard_normal(shape) for name, shape in weight_shapes(spec).items()}


def test_each_notation_has_maps_to_test() -> None:
    assert {case.values[0].id for case in CASES} == set(notations())


@pytest.mark.parametrize(("notation", "framework", "spec"), CASES)
class TestEveryMap:
    def test_there_and_back_is_bit_exact(self, notation: Notation, framework: str, spec: Spec) -> None:
        canonical = weights(spec, 0)
        for name, weight_map in weight_maps(notation, framework, spec).items():
            there = weight_map.to_published(canonical[name])
            np.testing.assert_array_equal(weight_map.to_canonical(there), canonical[name])

    def test_gradients_travel_by_the_adjoint(self, notation: Notation, framework: str, spec: Spec) -> None:
        v = weights(spec, 1)
        for name, weight_map in weight_maps(notation, framework, spec).items():
            forward = weight_map.to_published(v[name])
            u = np.random.default_rng(2).standard_normal(forward.shape)
            left, right = (forward * u).sum(), (v[name] * weight_map.gradient_to_canonical(u)).sum()
            assert left == pytest.approx(right, rel=1e-13)


def test_torch_and_keras_weights_are_the_same_numbers() -> None:
    canonical = weights(CONV, 3)
    notation = notations()["keras_io"]
    torch, keras = (weight_maps(notation, framework, CONV) for framework in FRAMEWORKS)
    for name, weight in canonical.items():
        through = torch[name].to_canonical(torch[name].to_published(weight))
        np.testing.assert_array_equal(keras[name].to_canonical(keras[name].to_published(through)), weight)


def test_half_the_canonical_head_is_a_log_standard_deviation() -> None:
    notation = notations()["kingma_welling_2019"]
    maps = weight_maps(notation, "torch", MLP)
    head = maps["encoder.log_variance.weight"]
    weight = weights(MLP, 4)["encoder.log_variance.weight"]
    np.testing.assert_array_equal(head.to_published(weight), weight / 2)
    np.testing.assert_array_equal(head.gradient_to_canonical(weight), weight / 2)


def test_the_last_kernel_of_keras_io_is_flipped() -> None:
    maps = weight_maps(notations()["keras_io"], "keras", CONV)
    kernel = np.arange(2 * 3 * 9.0).reshape(2, 3, 3, 3)
    published = maps["decoder.logits.weight"].to_published(kernel)
    assert published[0, 1, 1, 2] == kernel[1, 2, 2, 1]  # height, width, out, in


def test_weights_are_rounded_before_they_are_mapped() -> None:
    maps = weight_maps(notations()["kingma_welling_2019"], "torch", MLP)
    published = published_weights(maps, weights(MLP, 5), "float32")
    assert {value.dtype for value in published.values()} == {np.dtype("float32")}
