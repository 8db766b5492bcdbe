"""The counted matrix products, against counts made by hand and against the arithmetic of the reference."""

from math import prod

import pytest

from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_shapes
from elbostone.timing.judge.rooflines import Product, products, rooflines, weight_bytes
from elbostone.timing.timings import Roofline

MLP = Spec("mlp", "bernoulli", "standard", "relu", hidden=(400,), data_dim=784, latent_dim=20)
DEEP = Spec("mlp", "gaussian", "learned", "tanh", hidden=(12, 7), data_dim=10, latent_dim=3)
CONV = Spec(
    "conv",
    "bernoulli",
    "standard",
    "relu",
    hidden=(16,),
    data_dim=784,
    latent_dim=2,
    image_shape=(1, 28, 28),
    channels=(32, 64),
)


def flops(spec: Spec, stage: str, batch: int = 1) -> int:
    return sum(product.flops for product in products(spec, stage, batch))


@pytest.mark.parametrize(
    ("stage", "per_image"),
    [("encoder", 659_200), ("decoder", 643_200), ("elbo", 1_302_400), ("training_step", 3_280_000)],
)
def test_flops_per_image_of_784_400_20(stage: str, per_image: int) -> None:
    assert flops(MLP, stage) == per_image
    assert flops(MLP, stage, batch=128) == 128 * per_image


def test_heads_are_products_of_their_own() -> None:
    assert products(MLP, "encoder", 128) == [Product(128, 784, 400), Product(128, 400, 20, count=2)]


def test_training_adds_a_gradient_per_weight_and_per_input_but_that_of_the_data() -> None:
    forward, training = products(MLP, "elbo", 8), products(MLP, "training_step", 8)
    assert sum(p.count for p in forward) == 5
    assert sum(p.count for p in training) == 5 + 5 + 4
    assert Product(784, 8, 400) in training, "the gradient of the first weight"
    assert Product(8, 784, 400, count=2) in training, "the first layer forward, and the last one's input"
    assert Product(8, 400, 784) in training, "the last layer forward; nothing goes back to the data"


def test_a_gaussian_decoder_has_two_heads_and_every_layer_its_product() -> None:
    assert products(DEEP, "decoder", 5) == [Product(5, 3, 7), Product(5, 7, 12), Product(5, 12, 10, count=2)]


def test_convolutions_count_at_their_im2col_shapes() -> None:
    assert products(CONV, "encoder", 2) == [
        Product(2 * 14 * 14, 1 * 9, 32),
        Product(2 * 7 * 7, 32 * 9, 64),
        Product(2, 7 * 7 * 64, 16),
        Product(2, 16, 2, count=2),
    ]
    assert products(CONV, "decoder", 2) == [
        Product(2, 2, 7 * 7 * 64),
        Product(2 * 7 * 7, 64, 64 * 9),
        Product(2 * 14 * 14, 64, 32 * 9),
        Product(2 * 28 * 28, 32 * 9, 1),
    ]


def test_convolutional_training_sends_nothing_back_to_the_image() -> None:
    training = products(CONV, "training_step", 2)
    assert Product(9, 2 * 14 * 14, 32) in training
    assert not any((p.m, p.k, p.n) == (2 * 14 * 14, 32, 9) for p in training)


@pytest.mark.parametrize("spec", [MLP, DEEP], ids=["one-layer", "deep"])
def test_an_mlp_multiplies_every_weight_once_per_image(spec: Spec) -> None:
    weights = sum(prod(shape) for shape in weight_shapes(spec).values() if len(shape) == 2)
    assert flops(spec, "elbo") == 2 * weights


def test_weight_bytes_are_those_that_a_stage_reads() -> None:
    assert weight_bytes(MLP, "encoder", "float32") == 4 * (784 * 400 + 400 + 2 * (400 * 20 + 20))
    assert weight_bytes(MLP, "decoder", "float64") == 8 * (20 * 400 + 400 + 400 * 784 + 784)
    total = sum(prod(shape) for shape in weight_shapes(DEEP).values())
    assert weight_bytes(DEEP, "training_step", "float32") == 4 * total, "with the learned prior"


def test_a_convolution_of_one_image_is_held_against_its_products() -> None:
    """It reads few weights, and would else be said to be far below a roofline that nothing reaches."""
    found = rooflines(CONV, "encoder", 1, "float32")
    assert {roofline.operation for roofline in found} == {"product"}
    assert max(roofline.shape[0] for roofline in found) > 1


def test_batch_one_is_held_against_reading_and_any_other_against_products() -> None:
    read = Roofline("read", (weight_bytes(MLP, "encoder", "float32"),), "float32")
    assert rooflines(MLP, "encoder", 1, "float32") == {read: 1}
    assert rooflines(MLP, "encoder", 128, "float32") == {
        Roofline("product", (128, 784, 400), "float32"): 1,
        Roofline("product", (128, 400, 20), "float32"): 2,
    }
