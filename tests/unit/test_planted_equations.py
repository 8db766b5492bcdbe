"""Falsehoods planted in equations, each seen when the equation is executed."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from elbostone.claims.judge.equations import execute
from elbostone.notations.equations import Equation, equations
from elbostone.notations.equations.calculus import (
    Applied,
    Expected,
    ExpectedOverSets,
    Integral,
    OverComponents,
    OverData,
    OverDraws,
)
from elbostone.notations.equations.expressions import Expression, Fraction, Log, Power, Sum, negative, times
from elbostone.notations.equations.leaves import Density, Quantity, Size, Vector
from elbostone.notations.equations.templates import EQUAL, NEARLY
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations

Change = Callable[[Expression], Expression]


def rebuilt(expression: Expression, change: Change) -> Expression:
    """The same formula with every node changed, from the leaves up."""

    def of(value: Any) -> Any:
        if isinstance(value, Expression):
            return rebuilt(value, change)
        if isinstance(value, tuple):
            return tuple(of(entry) for entry in value)
        return value

    parts = {field.name: of(getattr(expression, field.name)) for field in fields(expression)}  # type: ignore[arg-type]
    return change(replace(expression, **parts))  # type: ignore[type-var]


def right(change: Change) -> Callable[[Equation], Equation]:
    """An equation with its last side changed."""
    return lambda equation: replace(equation, sides=(*equation.sides[:-1], rebuilt(equation.sides[-1], change)))


def left(change: Change) -> Callable[[Equation], Equation]:
    """An equation with its first side changed."""
    return lambda equation: replace(equation, sides=(rebuilt(equation.sides[0], change), *equation.sides[1:]))


def everywhere(change: Change) -> Callable[[Equation], Equation]:
    """An equation with all sides changed."""
    return lambda equation: replace(equation, sides=tuple(rebuilt(side, change) for side in equation.sides))


def symbol_sign(node: Expression) -> Expression:
    return replace(node, sign=-node.sign) if isinstance(node, Quantity) else node


def nothing_dropped(node: Expression) -> Expression:
    return replace(node, dropped=()) if isinstance(node, Quantity) else node


def sign_of_last(node: Expression) -> Expression:
    if not isinstance(node, Sum):
        return node
    sign, term = node.terms[-1]
    return Sum((*node.terms[:-1], (-sign, term)))


def without_first(node: Expression) -> Expression:
    return Sum(node.terms[1:]) if isinstance(node, Sum) and len(node.terms) > 2 else node


def without_last(node: Expression) -> Expression:
    return Sum(node.terms[:-1]) if isinstance(node, Sum) and len(node.terms) > 1 else node


def without_half(node: Expression) -> Expression:
    half = getattr(node, "factors", [None])[0]
    return node.factors[1] if isinstance(half, Fraction) and half.over.tex == "1" else node  # type: ignore[attr-defined]


def sign_of_data(node: Expression) -> Expression:
    return negative(node) if isinstance(node, OverData) else node


def sum_for_mean(node: Expression) -> Expression:
    return times(node.count, node) if isinstance(node, OverDraws) else node


def role(before: str, after: str) -> Change:
    def change(node: Expression) -> Expression:
        if isinstance(node, Density | Size | Vector | Quantity) and node.role == before:
            return replace(node, role=after)
        return node

    return change


def base(node: Expression) -> Expression:
    return node.base if isinstance(node, Power) else node


def inner(kind: type[Expression]) -> Change:
    return lambda node: node.body if isinstance(node, kind) else node  # type: ignore[attr-defined]


def componentwise(node: Expression) -> Expression:
    return times(node.matrix, node.vector, sign=r" \odot ") if isinstance(node, Applied) else node


def over_prior(node: Expression) -> Expression:
    return replace(node, over=replace(node.over, role="prior")) if isinstance(node, Expected) else node


def relations(*said: str) -> Callable[[Equation], Equation]:
    return lambda equation: replace(equation, relations=said)


@dataclass(frozen=True)
class Planted:
    """A falsehood, and what is said of it."""

    name: str
    source: str
    equation: str
    plant: Callable[[Equation], Equation]
    names: str = "the sides of"


PLANTED = [
    Planted("a sign: + KL", "kingma_welling_2013", "elbo_as_terms", right(sign_of_last)),
    Planted("a sign: + log q", "bishop_2024", "elbo_as_ratio", right(sign_of_last)),
    Planted("a sign: the gap added", "wikipedia", "elbo_as_gap", right(sign_of_last)),
    Planted(
        "a sign of the objective",
        "pytorch_examples",
        "minibatch_objective",
        right(sign_of_data),
    ),
    Planted("a sign of a symbol", "rezende_2014", "elbo_as_ratio", left(symbol_sign)),
    Planted("what a symbol drops", "wikipedia", "closed_form_kl", everywhere(nothing_dropped)),
    Planted("a dropped term: the 1", "higgins_2017", "closed_form_kl", right(without_first)),
    Planted("a dropped term: the variance", "keras_io", "closed_form_kl", right(without_last)),
    Planted("a dropped term: log det", "rezende_2014", "closed_form_kl", right(without_last)),
    Planted(
        "a dropped term: KL of the weights", "kingma_welling_2013_full_vb", "minibatch_objective", right(without_last)
    ),
    Planted("a dropped constant", "prince_2023", "gaussian_likelihood", right(without_first)),
    Planted("no ½", "blei_2017", "closed_form_kl", right(without_half)),
    Planted("no ½ of a Gaussian", "wikipedia", "gaussian_likelihood", right(without_half)),
    Planted("no 1/M", "keras_io", "minibatch_objective", right(without_half)),
    Planted("a sum for a mean over draws", "kingma_welling_2013", "estimator_of_ratio", right(sum_for_mean)),
    Planted("a sum for a mean of weights", "prince_2023", "importance_weighted_bound", right(sum_for_mean)),
    Planted("= for ≃", "bishop_2024", "estimator_of_terms", relations(EQUAL), "an estimate is said to equal"),
    Planted(
        "= for ≃ of a named estimate",
        "kingma_welling_2019",
        "estimator_of_ratio",
        relations(EQUAL, EQUAL),
        "an estimate is said",
    ),
    Planted("= for ≃ of log p", "doersch_2016", "importance_weighted_bound", relations(EQUAL), "an estimate is said"),
    Planted("≃ for =", "altosaar_2016", "reparameterisation", relations(NEARLY), "where ≃ is printed"),
    Planted(
        "≃ for = of an estimate",
        "kingma_welling_2013",
        "estimator_of_terms",
        relations(NEARLY, NEARLY),
        "where ≃ is printed",
    ),
    Planted(
        "no expectation of L_k",
        "burda_2016",
        "importance_weighted_bound",
        right(inner(ExpectedOverSets)),
        "an estimate is said",
    ),
    Planted("no expectation", "tomczak_welling_2018", "elbo_as_ratio", right(inner(Expected))),
    Planted("an expectation over the prior", "goodfellow_2016", "elbo_as_terms", right(over_prior)),
    Planted("the prior for the likelihood", "burda_2016", "joint", right(role("likelihood", "prior"))),
    Planted("q for the posterior", "higgins_2017", "posterior", right(role("joint", "approximate_posterior"))),
    Planted("the likelihood for the joint", "goodfellow_2016", "marginal", right(role("joint", "likelihood"))),
    Planted("no integral", "doersch_2016", "marginal", right(inner(Integral))),
    Planted(
        "the variance for σ",
        "kingma_welling_2013",
        "reparameterisation",
        right(role("posterior_sd", "posterior_variance")),
    ),
    Planted("the mean for the noise", "keras_io", "reparameterisation", right(role("noise", "posterior_mean"))),
    Planted(
        "a product by components", "rezende_2014", "reparameterisation", right(componentwise), "cannot be computed"
    ),
    Planted("no square", "kingma_welling_2019", "closed_form_kl", right(base)),
    Planted("no logarithm", "pytorch_examples", "bernoulli_likelihood", right(inner(Log))),
    Planted(
        "the size of x for that of z",
        "kingma_welling_2013",
        "closed_form_kl",
        right(role("latent_size", "data_size")),
        "a sum of 4 terms is printed up to 7",
    ),
    Planted(
        "N for M",
        "kingma_welling_2013",
        "minibatch_objective",
        right(role("batch_size", "data_count")),
        "a sum of 3 terms is printed up to 11",
    ),
    Planted("no sum", "bishop_2024", "bernoulli_likelihood", right(inner(OverComponents)), "cannot be computed"),
    Planted(
        "the KL's weight 1 for β",
        "tomczak_welling_2018",
        "minibatch_objective",
        right(role("kl_weight", "layer_count")),
        "cannot be computed",
    ),
    Planted(
        "the bound for the weighted one", "higgins_2017", "minibatch_objective", right(role("weighted_elbo", "elbo"))
    ),
    Planted(
        "∇ of half of it",
        "rezende_2014",
        "gradient",
        lambda e: replace(e, sides=(times(e.sides[0], e.sides[0]), e.sides[1])),
    ),
]


def named(notation: Notation, name: str) -> Equation:
    return next(equation for equation in equations(notation) if equation.name == name)


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.name for planted in PLANTED])
def test_a_planted_falsehood_is_named(planted: Planted) -> None:
    notation = notations()[planted.source]
    equation = named(notation, planted.equation)
    assert all(relation.holds for relation in execute(notation, equation))
    false = planted.plant(equation)
    assert (false.latex, false.sides) != (equation.latex, equation.sides)
    refuted = [relation for relation in execute(notation, false) if not relation.holds]
    assert refuted
    assert planted.names in refuted[0].describe()
