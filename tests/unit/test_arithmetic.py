"""The perturbed arithmetic: size, distribution and scaling of perturbations; the tape's operations and adjoints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from elbostone.reference import arithmetic as module
from elbostone.reference.arithmetic import EPSILON, SMALLEST_NORMAL, Arithmetic, Exact, Perturbed, Selection
from elbostone.reference.families.convolutional import patches
from elbostone.reference.node import Node
from elbostone.reference.tape import Tape, concatenate, stack

EPS = 2.0**-20


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_epsilon_is_numpys(dtype: str) -> None:
    assert EPSILON[dtype] == np.finfo(dtype).eps


@pytest.mark.parametrize("size", [1000, 100_000])
def test_one_operation_is_perturbed_by_up_to_epsilon_evenly(size: int) -> None:
    deviation = Perturbed(EPS, 1, 0).round(np.full((1, size), 3.0)) / 3 - 1
    assert 0.99 * EPS < np.abs(deviation).max() <= EPS * (1 + 1e-9)
    assert abs(deviation.mean()) < 4 * EPS / np.sqrt(3 * size)
    assert deviation.var() == pytest.approx(EPS**2 / 3, rel=0.1)


def test_float64_perturbations_survive_rounding() -> None:
    factors = Perturbed(EPSILON["float64"], 1, 0).factors(10_000)
    assert np.unique(factors).tolist() == [1 - 2.0**-52, 1 - 2.0**-53, 1.0, 1 + 2.0**-52]
    assert abs((factors - 1).mean()) < 4e-18


def test_runs_differ_and_a_seed_repeats() -> None:
    values = np.ones((4, 50))
    first, again, other = (Perturbed(EPS, 4, seed).round(values) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert len({row.tobytes() for row in first}) == 4


SHAPES = [(1, 1, 1, 1), (16, 5, 3, 2), (3, 40, 300, 90), (2, 3, 2, 40_000), (2, 7, 40_000, 1), (5, 30, 2, 7000)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_contractions_of_every_block_shape(shape: tuple[int, int, int, int]) -> None:
    runs, terms, rows, columns = shape
    random = np.random.default_rng(0)
    a, b = random.normal(size=(runs, terms, rows)), random.normal(size=(runs, terms, columns))
    truth = np.einsum("rkm,rkn->rmn", a, b)
    np.testing.assert_allclose(Exact().contract(a, b), truth, rtol=1e-12, atol=1e-12)
    found = Perturbed(EPS, runs, 0).contract(a, b)
    size = np.einsum("rkm,rkn->rmn", np.abs(a), np.abs(b))
    deviation = np.abs(found - truth) / size
    assert found.shape == truth.shape
    assert deviation.max() < (terms + 1) * EPS
    assert (deviation > 0).mean() > 0.99


def test_every_product_and_partial_sum_of_a_contraction_is_perturbed() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(1, 50, 1)), random.normal(size=(1, 50, 1))
    runs = 4000
    found = Perturbed(EPS, runs, 0).contract(np.repeat(a, runs, 0), np.repeat(b, runs, 0)).ravel()
    products = (a * b).ravel()
    variance = EPS**2 / 3 * ((products**2).sum() + (np.cumsum(products)[1:] ** 2).sum())
    assert found.var() == pytest.approx(variance, rel=0.1)
    assert abs(found.mean() - products.sum()) < 4 * np.sqrt(variance / runs)


def test_every_partial_sum_of_a_sum_is_perturbed() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=(1, 50)), 4000, axis=0)
    found = Perturbed(EPS, 4000, 0).sum(values, axis=1)
    variance = EPS**2 / 3 * (np.cumsum(values[0])[1:] ** 2).sum()
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_deviations_scale_with_epsilon() -> None:
    """The same draws at 1/1024 of epsilon deviate by 1/1024: what is measured is of first order."""
    random = np.random.default_rng(0)
    x, w = random.normal(size=(6, 5)), random.normal(size=(4, 5))

    def value(arithmetic: Arithmetic) -> np.ndarray:
        tape = Tape(arithmetic)
        return tape.input(x).linear(tape.input(w)).tanh().sum(-1).value

    exact = value(Exact())
    large, small = (value(Perturbed(eps, 16, 3)) - exact for eps in (EPS, EPS / 1024))
    np.testing.assert_allclose(small * 1024, large, rtol=1e-2, atol=1e-4 * np.abs(large).max())


@pytest.mark.parametrize(
    "selection",
    [
        patches(2, 8, 4, stride=2, before=0),
        patches(3, 4, 6, stride=1, before=1),
        patches(1, 2, 2, stride=2, before=0),
        Selection(np.array([-1, 3, 3, 0, -1, 3]), 5),
    ],
    ids=["same-stride-2", "stride-1", "smallest", "arbitrary"],
)
def test_adjoint_of_a_selection(selection: Selection) -> None:
    """⟨Jv, u⟩ = ⟨v, Jᵀu⟩."""
    random = np.random.default_rng(0)
    v, u = random.normal(size=(2, 3, selection.size)), random.normal(size=(2, 3, *selection.index.shape))
    left, right = (selection.copy(v) * u).sum(), (v * selection.add(u, Exact())).sum()
    assert left == pytest.approx(right, rel=1e-13)


def test_same_patches_pad_after_and_centred_patches_all_round() -> None:
    image = np.arange(1.0, 17.0)
    same = patches(1, 4, 4, stride=2, before=0).copy(image)
    assert same.shape == (4, 9)
    assert same[0].tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11]
    assert same[3].tolist() == [11, 12, 0, 15, 16, 0, 0, 0, 0]
    centred = patches(1, 4, 4, stride=1, before=1).copy(image)
    assert centred.shape == (16, 9)
    assert centred[0].tolist() == [0, 0, 0, 0, 1, 2, 0, 5, 6]
    assert centred[15].tolist() == [11, 12, 0, 15, 16, 0, 0, 0, 0]


def definite(a: Node) -> Node:
    return a.linear(a) + a.constant(np.eye(3))


OPERATIONS: dict[str, Callable[[Node, Node], Node]] = {
    "add": lambda a, b: a + b.sum(0),
    "add to a number": lambda a, b: 1.5 + a * b,
    "add a number": lambda a, b: a * b + 1.5,
    "subtract": lambda a, b: a.sum(0) - b,
    "subtract from a number": lambda a, b: 1.5 - a * b,
    "subtract a number": lambda a, b: a * b - 1.5,
    "multiply": lambda a, b: a * b.sum(0),
    "multiply by a column": lambda a, b: a * b.sum(1).reshape(3, 1),
    "multiply by a number": lambda a, b: a * -0.7 + 0.3 * b,
    "multiply by a rounded number": lambda a, b: a * a.constant(-0.7),
    "divide by a number": lambda a, b: a / 0.7,
    "negate": lambda a, b: -a,
    "square": lambda a, b: a**2 + b,
    "linear": lambda a, b: a.linear(b),
    "product of matrices": lambda a, b: a @ b.transpose(),
    "solve": lambda a, b: definite(a).solve(b),
    "log determinant": lambda a, b: definite(a).log_det() * b,
    "sum": lambda a, b: a.sum(-1) * b.sum(-1),
    "mean": lambda a, b: a.mean(0) * b,
    "mean of one": lambda a, b: a.sum(0).expand(0).mean(0) * b,
    "exp": lambda a, b: a.exp() * b,
    "log": lambda a, b: (a**2 + 0.1).log() * b,
    "sqrt": lambda a, b: (a**2 + 0.1).sqrt() * b,
    "sigmoid": lambda a, b: a.sigmoid() * b,
    "tanh": lambda a, b: a.tanh() * b,
    "relu": lambda a, b: a.relu() * b,
    "softplus": lambda a, b: a.softplus() * b,
    "logsumexp": lambda a, b: a.logsumexp(0) * b,
    "bernoulli": lambda a, b: (a * b).bernoulli(a.tape.input(np.linspace(0, 1, 12).reshape(3, 4))),
    "transpose": lambda a, b: a.transpose(1, 0).linear(b.transpose()),
    "expand": lambda a, b: a.expand(-2) * b.expand(0),
    "entry": lambda a, b: a[1] * b,
    "stack": lambda a, b: stack([a * b, b])[0],
    "concatenate": lambda a, b: concatenate([a * b, b]) * 2.0,
    "copy": lambda a, b: a.copy(Selection(np.array([3, 3, -1, 0]), 4)) * b,
    "add_up": lambda a, b: a.add_up(Selection(np.array([3, 3, -1, 0]), 4)) * b,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_backward_of_each_operation_against_differences(name: str) -> None:
    random = np.random.default_rng(0)
    start, direction = random.normal(size=(2, 2, 3, 4))

    def forward(arithmetic: Arithmetic, step: float) -> tuple[Tape, Node, list[Node]]:
        tape = Tape(arithmetic)
        inputs = [tape.input(start[i] + step * direction[i], wanted=True) for i in range(2)]
        return tape, OPERATIONS[name](*inputs), inputs

    ahead, behind = (forward(Exact(), step)[1].value.sum() for step in (1e-5, -1e-5))
    for arithmetic, tolerance in ((Exact(), 1e-8), (Perturbed(EPS, 3, 0), 1e-4)):
        tape, output, inputs = forward(arithmetic, 0.0)
        adjoints = tape.backward(output, inputs)
        assert [adjoint.shape for adjoint in adjoints] == [(arithmetic.runs, 3, 4)] * 2
        along = sum((adjoint * d).sum(axis=(1, 2)) for adjoint, d in zip(adjoints, direction, strict=True))
        np.testing.assert_allclose(along, (ahead - behind) / 2e-5, rtol=tolerance, atol=tolerance)


def deviating(operation: Callable[[Node], Node]) -> int:
    """How many results 1 + u·eps a number has gone through, by the variance over runs."""
    runs = 4000
    found = operation(Tape(Perturbed(EPS, runs, 0)).input(1.0)).value
    return round(float(np.var(found) / (EPS**2 / 3)))


def test_a_number_is_rounded_where_it_is_added_and_exact_where_it_multiplies() -> None:
    assert deviating(lambda a: a) == 1
    assert deviating(lambda a: 2.0 * a / 2) == 3
    assert deviating(lambda a: -a) == 2
    assert deviating(lambda a: a * a.constant(1.0)) == 3
    assert deviating(lambda a: a.constant(0.0) + a) == deviating(lambda a: a + 0.0) == 2
    assert deviating(lambda a: 0.0 * a + 1.0) == 2


def test_no_power_but_the_square() -> None:
    with pytest.raises(ValueError, match="exponent: expected 2; found 3"):
        Tape(Exact()).input(1.0) ** 3


def test_the_truth_keeps_the_digits_that_everyday_derivatives_lose() -> None:
    tape = Tape(Exact())
    a = tape.input(np.array([20.0, -20.0]), wanted=True)
    np.testing.assert_allclose(tape.backward(a.tanh(), [a])[0][0], 1 / np.cosh([20.0, -20.0]) ** 2, rtol=1e-14)
    tape = Tape(Exact())
    a = tape.input(np.array([40.0, -40.0]), wanted=True)
    slope = tape.backward(a.bernoulli(tape.input(np.array([1.0, 0.0]))), [a])[0][0]
    np.testing.assert_allclose(slope, [np.exp(-40), -np.exp(-40)], rtol=1e-14)


def test_a_block_leaves_room_for_random_offsets() -> None:
    assert module.POOL >= 2 * module.BLOCK


def test_below_the_smallest_normal_number_everything_may_be_lost_but_zero_stays_zero() -> None:
    runs, values = 400, np.array([0.0, 1e-41, 1e-30, 1.0])
    found = Perturbed(EPS, runs, 0, SMALLEST_NORMAL["float32"]).round(np.tile(values, (runs, 1)))
    moved = np.abs(found - values).max(axis=0)
    assert moved[0] == 0
    assert 0.9e-41 < moved[1] < 1.01e-41  # flushed to zero
    assert moved[2] < 1.5 * EPS * 1e-30
    assert moved[3] < 1.01 * EPS


def test_products_that_underflow_are_lost_in_a_contraction_too() -> None:
    runs, tiny = 64, np.full((1, 3, 1), 1e-20)
    small = np.repeat(tiny, runs, 0)
    found = Perturbed(EPS, runs, 0, SMALLEST_NORMAL["float32"]).contract(small, small)
    assert np.abs(found - 3e-40).max() > 2.5e-40
    assert (Perturbed(EPS, runs, 0, SMALLEST_NORMAL["float32"]).contract(small, 0 * small) == 0).all()
