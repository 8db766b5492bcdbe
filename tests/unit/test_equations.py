"""Every generated equation: true when executed, typeset without a complaint, in the letters of its source."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.etree import ElementTree

import latex2mathml.converter
import numpy as np
import pytest
from unit import typesetting

from elbostone.claims.judge.equations import execute
from elbostone.notations import constants
from elbostone.notations.equations import Equation, equations
from elbostone.notations.equations.calculus import Gradient
from elbostone.notations.equations.expressions import nodes
from elbostone.notations.equations.indexed import NEUTRAL, letters_used
from elbostone.notations.equations.lexicon import Lexicon, own_words
from elbostone.notations.equations.templates import NEARLY
from elbostone.notations.equations.values import STEP, STEP_OF_PAIRS, grid_of, values_of
from elbostone.notations.models import VARIANCE, small_model, small_problem
from elbostone.notations.notation import Notation
from elbostone.notations.plain_tex import plain
from elbostone.notations.registry import notations
from elbostone.reference.arithmetic import Exact
from elbostone.reference.tape import Tape

ALL = list(notations().values())
EVERY = pytest.mark.parametrize("notation", ALL, ids=[notation.id for notation in ALL])
Complaint = Callable[[str], str]


@pytest.fixture(scope="module")
def complaint() -> Iterator[Complaint]:
    with typesetting.katex() as render:
        yield render


def mathml(tex: str) -> ElementTree.Element:
    """What the page shows."""
    text = latex2mathml.converter.convert(tex)
    assert "\\" not in text, text
    return ElementTree.fromstring(text)


@EVERY
def test_both_sides_of_every_equation_are_equal_when_executed(notation: Notation) -> None:
    for equation in equations(notation):
        executed = execute(notation, equation)
        assert len(executed) == len(equation.relations) > 0
        for relation in executed:
            assert relation.holds, f"{equation.name}: {relation.describe()}: {equation.latex}"


@EVERY
def test_every_equation_is_typeset_without_a_complaint(notation: Notation, complaint: Complaint) -> None:
    for equation in equations(notation):
        assert complaint(equation.latex) == "", equation.latex
        mathml(equation.latex)


@pytest.mark.parametrize(
    ("tex", "said"),
    [
        (r"z = m_i + s_i^2^{1/2} \odot \epsilon", "Double superscript"),
        (r"\frac{1}{2", "Unexpected end of input"),
        (r"\log p(x} = 0", "Expected 'EOF', got '}'"),
        (r"\expectation{x}", r"Undefined control sequence: \expectation"),
        (r"\left( a", "Expected '\\right'"),
        ("p_θ(x) é", "strict mode"),
    ],
)
def test_katex_names_what_is_wrong(tex: str, said: str, complaint: Complaint) -> None:
    assert said in complaint(tex)


def test_a_command_that_mathml_lacks_is_seen() -> None:
    with pytest.raises(AssertionError):
        mathml(r"\expectation{x}")


@EVERY
def test_no_equation_says_of_a_formula_that_it_is_itself(notation: Notation) -> None:
    for equation in equations(notation):
        sides = [side.tex for side in equation.sides]
        assert all(left != right for left, right in pairwise(sides)), equation.latex


def indices(notation: Notation, equation: Equation) -> set[str]:
    """The indices of data that x has in an equation, nothing among them."""
    symbol = next(s for s in notation.symbols if s.role == "data")
    letter = re.sub(r"(\^\{\(i\)\}|_[in])$", "", symbol.tex)
    alone = re.escape(letter) if letter.startswith("\\") else rf"(?<![A-Za-z\\]){letter}(?![A-Za-z}}])"
    return {match[1] for match in re.finditer(alone + r"(\^\{\([a-z]\)\}|_\{?[a-z]\}?|)", equation.latex)}


@EVERY
def test_data_have_an_index_in_all_of_an_equation_or_nowhere(notation: Notation) -> None:
    seen = set()
    for equation in equations(notation):
        found = indices(notation, equation)
        # Of a likelihood's own arguments x has none, and under its sum that of a component.
        expected = 2 if "likelihood" in equation.name else 1
        assert (len(found - {""}) <= 1 and len(found) <= expected) or equation.name == "minibatch_objective", equation
        seen |= found
    assert "" in seen


@EVERY
def test_neutral_letters_mean_nothing_else(notation: Notation) -> None:
    used = letters_used(notation)
    for equation in equations(notation):
        for role in set(equation.built) & {role for role, letters in NEUTRAL.items() if len(letters) > 1}:
            there = [tex for tex in NEUTRAL[role] if tex in equation.latex and plain(tex).rstrip("^2") not in used]
            assert there or role.endswith("scale"), f"{equation.name}: {role}: {equation.latex}"


@EVERY
def test_an_index_of_a_component_is_none_of_data(notation: Notation) -> None:
    """A component is not bold; where data are x_i, components of x have another index."""
    data = next(symbol.tex for symbol in notation.symbols if symbol.role == "data")
    for equation in equations(notation):
        if "likelihood" in equation.name:
            assert not re.search(r"\\(mathbf|boldsymbol)\{(\w|\\[a-z]+)\}_[ij]", equation.latex), equation.latex
            assert r"\sum_{i=1}" not in equation.latex or not data.endswith("_i"), equation.latex


@EVERY
def test_the_identity_is_no_letter_of_the_source(notation: Notation) -> None:
    for equation in equations(notation):
        assert "(0, I)" not in equation.latex or "I" not in letters_used(notation), equation.latex


@EVERY
def test_a_gradient_is_taken_after_z_is_put_in(notation: Notation) -> None:
    gradient = {equation.name: equation.latex for equation in equations(notation)}["gradient"]
    bar_inside = r"\\nabla(_\{.*\})? \\left\[\\left\.\\left\(.*\\right\|_\{.*\}\\right\]\\right\]$"
    assert re.search(bar_inside, gradient), gradient


@EVERY
def test_every_printed_symbol_is_typeset_without_a_complaint(notation: Notation, complaint: Complaint) -> None:
    printed = [symbol.tex for symbol in notation.symbols] + list(notation.letters)
    for tex in [*printed, *(misprint.tex for misprint in notation.misprints)]:
        assert complaint(tex) == "", tex
        mathml(tex)


@EVERY
def test_words_are_upright_and_nothing_begins_with_two_signs(notation: Notation) -> None:
    for equation in equations(notation):
        latex = equation.latex
        assert not re.search(r"(?<![A-Za-z{])(ELBO|Pr|KL|Var|tr|det)(?![A-Za-z}])", latex.replace(r"\det", "")), latex
        assert not re.search(r"[-+] *[-+]", latex), latex
        assert "= =" not in latex
        assert all("=" not in side.tex or "=1" in side.tex or "|_{" in side.tex for side in equation.sides), latex


@EVERY
def test_a_gradient_is_taken_with_respect_to_all_weights(notation: Notation) -> None:
    gradient = {equation.name: equation for equation in equations(notation)}["gradient"]
    found = [node for side in gradient.sides for node in nodes(side) if isinstance(node, Gradient)]
    assert len({node.names for node in found}) == 1
    assert any(name.startswith("decoder") for name in found[0].names)
    assert any(not name.startswith("decoder") for name in found[0].names)


def test_what_a_source_prints_is_in_its_equations() -> None:
    by_id = {n.id: {e.name: e for e in equations(n)} for n in ALL}

    def latex(source: str, name: str) -> str:
        return by_id[source][name].latex

    assert r"(\boldsymbol{\theta},\boldsymbol{\phi};\mathbf{x}^{(i)}) \simeq \widetilde{\mathcal{L}}^{B}" in latex(
        "kingma_welling_2013", "estimator_of_terms"
    )
    assert r"\ln p(\mathbf{x}_n|\mathbf{w}) - \mathrm{KL}(" in latex("bishop_2024", "elbo_as_gap")
    assert r"\mathcal{D}[Q(z|X)\|P(z|X)]" in latex("doersch_2016", "elbo_as_gap")
    assert latex("rezende_2014", "reparameterisation").startswith(
        r"\boldsymbol{\xi} = \boldsymbol{\mu} + \mathbf{R} \boldsymbol{\epsilon}"
    )
    assert r"\mathcal{L}_k(\mathbf{x}) = \mathbb{E}_{\mathbf{h}_1, \dots, \mathbf{h}_k \sim" in latex(
        "burda_2016", "importance_weighted_bound"
    )
    assert latex("higgins_2017", "minibatch_objective").endswith(r"\quad \epsilon = 0")
    assert r"(\mathcal{D}) = \sum_{i=1}^{N_{\mathcal{D}}}" in latex("kingma_welling_2019", "minibatch_objective")
    assert r"\simeq \frac{1}{M} \sum_{i=1}^{M}" in latex("doersch_2016", "minibatch_objective")
    assert latex("bishop_2024", "gradient").startswith(r"\nabla_{\mathbf{w},\boldsymbol{\phi}} \mathrm{ELBO} =")
    assert by_id["tomczak_welling_2018"]["closed_form_kl"].as_json()["holds_for"] == {"prior": "standard"}
    assert all(NEARLY in by_id[n.id][f"estimator_of_{part}"].relations for n in ALL for part in ("ratio", "terms"))


@pytest.mark.parametrize("step", [STEP, STEP_OF_PAIRS])
def test_the_quadrature_knows_the_moments_of_a_normal(step: float) -> None:
    grid, log_weights = grid_of(step)
    moments = [float((grid**power * np.exp(log_weights)).sum()) for power in range(7)]
    assert moments == pytest.approx([1, 0, 1, 0, 3, 0, 15], abs=1e-13)


@pytest.mark.parametrize("word", constants.CONSTANTS)
def test_a_constant_is_what_its_formula_says(word: str) -> None:
    notation = notations()["wikipedia"]
    words = own_words(notation) | {"posterior": "diagonal", "likelihood": "gaussian-fixed", "prior": "vamp"}
    problem = small_problem(small_model(words, notation.supports, variance=VARIANCE), "formulas")
    values = values_of(problem, Tape(Exact()), notation.objective, 11, gradients=False)
    formula = Lexicon(notation, words).constant(constants.Constant(word, 1))
    expected = constants.value([constants.Constant(word, 1)], problem.spec)
    assert float(formula.value(values).value.item()) == pytest.approx(expected, rel=1e-15)
    assert expected != 0


def test_an_equation_as_json_has_its_latex() -> None:
    equation: Equation = equations(notations()["pytorch_examples"])[0]
    assert equation.as_json()["latex"] == r"p(x,z) = p(x|z)\, p(z)"
