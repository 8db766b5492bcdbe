"""Numbers get names, schedules keep their arithmetic, and names and shapes suggest roles."""

from fractions import Fraction

import numpy as np
import pytest

from elbostone.explain.binding import Binding, Layout, Slot
from elbostone.explain.dictionary.divergences import analytic, divergences
from elbostone.explain.dictionary.edits import edits
from elbostone.explain.dictionary.scale_kinds import NEUTRAL, VARIANCE, as_kind
from elbostone.explain.expressions import Monomial, evaluate, rational, total
from elbostone.explain.glossary import documented_shapes, is_time, role_of
from elbostone.explain.traced import Trace


@pytest.mark.parametrize(
    ("number", "powers", "text"),
    [
        (1.0, {}, "1"),
        (0.0, {"N": 1}, "0"),
        (2.0, {"beta": 1, "D": 1, "J": -1}, "2*beta*D/J"),
        (-0.5, {"N": -1}, "-1/(2*N)"),
        (0.00025, {"N": -1}, "1/(4000*N)"),
        (1 / 784, {}, "1/784"),
        (1 / 100352, {}, "1/100352"),
        (0.5 * np.log(2 * np.pi), {"D": 1}, "log(2*pi)*D/2"),
        (1.0, {"min(1, step/warm)": 1, "N": -1}, "min(1, step/warm)/N"),
        (0.123456789012, {"N": 2}, "0.123456789012*N**2"),
    ],
)
def test_a_number_is_named(number: float, powers: dict[str, int], text: str) -> None:
    monomial = Monomial(number, {name: Fraction(power) for name, power in powers.items()})
    assert str(monomial) == text
    names = {"N": 5.0, "D": 7.0, "J": 3.0, "beta": 0.3, "step": 4.0, "warm": 9.0}
    assert monomial.value(names) == pytest.approx(
        number * np.prod([(evaluate(n, names) or 0.0) ** p for n, p in powers.items()]), rel=1e-12
    )


def test_a_number_that_is_no_fraction_is_none() -> None:
    assert rational(0.1234567) is None
    assert rational(2 / 3) == Fraction(2, 3)
    assert total([Monomial(0.5, {"J": Fraction(1)}), Monomial(-0.5)]) == "J/2 - 1/2"
    assert evaluate("missing + 1", {}) is None


def test_a_denominator_is_written_as_the_sizes_that_it_is_a_product_of() -> None:
    assert str(Monomial(1 / 100352, {"N": Fraction(-1)}).over_product([128, 784])) == "1/(N*128*784)"
    assert str(Monomial(2 / 100**2).over_product([100])) == "1/5000"
    assert str(Monomial(1 / 123**2).over_product([123])) == "1/123**2"
    assert str(Monomial(0.00025).over_product([40, 100])) == "1/4000"
    assert str(Monomial(1 / 100352).over_product([128, 100])) == "1/100352"


def test_a_schedule_keeps_its_arithmetic_and_its_conditions() -> None:
    trace = Trace()
    step, warm = trace.number("step", 30), trace.number("warm", 40)
    weight = min(1.0, step / warm)
    assert float(weight) == 0.75
    assert weight.text == "step/warm"
    assert trace.path == [("step/warm < 1.0", True)]
    assert (1 - weight).text == "1-step/warm"
    assert ((step + 1) * 2 // warm).text == "(step+1)*2//warm"
    assert list(range(step))[-1] == 29


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("recon_x", "recon"),
        ("x_hat", "recon"),
        ("logits", "recon"),
        ("y_pred", "recon"),
        ("x", "x"),
        ("y_true", "x"),
        ("target", "x"),
        ("mu", "mu"),
        ("z_mean", "mu"),
        ("logvar", "scale"),
        ("z_log_var", "scale"),
        ("qz_v", "scale"),
        ("sigma", "scale"),
        ("z", "z"),
        ("action_is_pad", "mask"),
        ("prior_mu", "prior_mu"),
        ("x_logvar", "recon_scale"),
        ("px_r", "dispersion"),
        ("moments", "moments"),
        ("perceptual", None),
    ],
)
def test_a_name_suggests_a_role(name: str, role: str | None) -> None:
    assert role_of(name) == role


def test_names_of_time() -> None:
    assert [name for name in ("step", "global_step", "epoch", "beta", "timestep_weight") if is_time(name)] == [
        "step",
        "global_step",
        "epoch",
    ]


def test_shapes_are_read_from_a_docstring() -> None:
    text = "pred, target: [N, 3, H, W]; qz_*: [N, J]. mus, sigmas: lists of T tensors [N, z_size]."
    shapes = documented_shapes(text)
    assert shapes["target"] == ("N", "3", "H", "W")
    assert shapes["qz_*"] == ("N", "J")
    assert shapes["sigmas"] == ("*", "N", "z_size")


@pytest.mark.parametrize("kind", VARIANCE)
def test_a_kl_is_zero_at_the_prior_and_positive_elsewhere(kind: str) -> None:
    formula = analytic(kind)
    at = {"mu": np.zeros(1), "scale": np.full(1, NEUTRAL[kind])}
    assert abs(float(formula.value(at)[0])) < 1e-15
    variance = np.array([0.3, 0.9, 2.5])
    scale = as_kind(variance, kind)
    assert np.allclose(VARIANCE[kind](scale), variance, rtol=1e-13)
    assert np.all(formula.value({"mu": np.full(3, 0.1), "scale": scale}) > 0)


def test_no_edit_of_a_kl_is_a_multiple_of_a_kl() -> None:
    """If an edited KL were a multiple of a KL, a right loss would be accused."""
    random = np.random.default_rng(0)
    values = {"mu": random.normal(size=60), "scale": random.uniform(0.4, 1.9, 60)}
    rights = [f.value(values) for f in divergences("mu", "scale") if f.detail is None]
    for kind in VARIANCE:
        for edited in edits(analytic(kind)):
            column = edited.formula.value(values)
            for right in rights:
                a, b = column - column.mean(), right - right.mean()
                if a @ a:
                    residual = b - a * (a @ b) / (a @ a)
                    assert np.abs(residual).max() > 1e-6, (kind, edited.edit, edited.where)


def test_arguments_are_the_users() -> None:
    slots = (
        Slot("a", "mu"),
        Slot("b", "scale"),
        Slot("c", "scale", tied=("sd", "log_sd")),
        Slot("w", "parameter", 2.0),
    )
    binding = Binding(slots, Layout(listed=True))
    values = {"mu": np.ones((2, 3, 4)), "scale": np.full((2, 3, 4), 2.0)}
    made = binding.arguments(values, {"w": 5.0})
    assert [len(made["a"]), made["w"]] == [2, 5.0]
    assert np.allclose(made["c"][0], np.log(2.0))
    made["a"][0][...] = 0
    assert values["mu"].all()
