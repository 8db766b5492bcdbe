"""The glossary, the letters that it is asked for, plain text for TeX, and equations in every notation."""

import pytest

from elbostone.notations.equations import equations
from elbostone.notations.equations.lexicon import Lexicon, own_words
from elbostone.notations.equations.templates import TEMPLATES
from elbostone.notations.equations.tex_letters import component, is_matrix, level_of, numbered, powered, without_indices
from elbostone.notations.glossary import glossary, is_named, of_letter, side_by_side
from elbostone.notations.notation import Notation
from elbostone.notations.plain_tex import plain
from elbostone.notations.provenance import UNPRINTED
from elbostone.notations.registry import notations

ALL = list(notations().values())
IDS = [notation.id for notation in ALL]


def rows(notation: Notation, backend: str, verdict: str = "equal") -> list[dict[str, str]]:
    return [
        {"notation": notation.id, "symbol": f"symbol {s.code}", "backend": backend, "verdict": verdict}
        for s in notation.symbols
    ]


def test_an_entry_is_verified_by_the_backends_whose_rows_are_equal() -> None:
    notation = notations()["kingma_welling_2013"]
    claims = rows(notation, "torch") + rows(notation, "keras-jax", "differs")
    entry = next(e for e in glossary([notation], claims) if e.symbol.code == "θ")
    assert (entry.verified, entry.refuted) == (("torch",), ("keras-jax",))


def test_a_distribution_is_verified_by_its_claim_as_well() -> None:
    notation = notations()["kingma_welling_2013"]
    wrong = {"notation": notation.id, "symbol": "claims p_θ(z)", "backend": "torch", "verdict": "differs"}
    entry = next(e for e in glossary([notation], [*rows(notation, "torch"), wrong]) if e.symbol.code == "p_θ(z)")
    assert (entry.verified, entry.refuted) == ((), ("torch",))


def test_what_was_not_run_is_verified_by_nothing() -> None:
    assert all(not entry.verified and not entry.refuted for entry in glossary(ALL, []))


@pytest.mark.parametrize(("one", "other"), [("σ", r"\sigma"), ("σ", "sigma"), ("θ", r"\theta")])
def test_a_letter_may_be_given_as_tex_or_by_its_name(one: str, other: str) -> None:
    entries = list(glossary(ALL, []))
    assert list(of_letter(entries, one)) == list(of_letter(entries, other)) != []


def test_a_name_in_code_is_a_letter() -> None:
    assert {entry.notation.id for entry in of_letter(glossary(ALL, []), "logvar")} == {"pytorch_examples"}


def test_theta_is_the_generative_weights_in_aevb() -> None:
    found = [e for e in of_letter(glossary(ALL, []), "θ") if e.notation.id == "kingma_welling_2013"]
    assert [(e.symbol.code, e.symbol.role) for e in found] == [("θ", "generative_weights")]


@pytest.mark.parametrize(
    ("letter", "codes"), [("σ", {"φ.log_σ2", "σ", "θ.log_σ2"}), ("μ", {"φ.μ", "θ.μ"}), ("z", {"z"})]
)
def test_a_letter_finds_the_symbols_that_are_it_and_not_those_that_have_it_in_them(
    letter: str, codes: set[str]
) -> None:
    notation = notations()["kingma_welling_2013"]
    assert {
        symbol.code for symbol in notation.symbols if symbol.kind != "distribution" and is_named(symbol, letter)
    } == codes


def test_side_by_side_leaves_out_roles_that_neither_has() -> None:
    pairs = side_by_side(glossary(ALL, []), "kingma_welling_2013", "keras_io")
    assert all(left or right for _, left, right in pairs)
    assert {"posterior_mean", "prior"} <= {role for role, _, _ in pairs}


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\boldsymbol{\theta}", "θ"),
        (r"p_{\boldsymbol{\theta}}(\mathbf{x}|\mathbf{z})", "p_θ(x|z)"),
        (r"\widetilde{\mathcal{L}}^{B}", "L̃^B"),
        (r"D_{KL}(q\,\|\,p)", "D_KL(q ‖ p)"),
        (r"\frac{N}{M} \sum_{i=1}^{M} \mathtt{recon\_x}", "N/M Σ_i=1^M recon_x"),
        (r"\frac{p(\mathbf{z}_n)}{\sqrt{\widetilde{\theta}}}", "(p(z_n))/(√(θ̃))"),
        (r"\{\mathbf{h}^1, \dots\}", "{h^1, …}"),
        (r"\varepsilon \odot \epsilon", "ε ⊙ ε"),
        (r"\Lambda, \lambda", "Λ, λ"),
        (r"\unknown{x}", "unknownx"),
    ],
)
def test_plain_text(tex: str, text: str) -> None:
    assert plain(tex) == text


@pytest.mark.parametrize("notation", ALL, ids=IDS)
def test_fifteen_equations_in_the_letters_of_the_source(notation: Notation) -> None:
    rendered = equations(notation)
    assert [equation.name for equation in rendered] == list(TEMPLATES)
    assert len(rendered) == 15
    for equation in rendered:
        assert equation.latex.count("{") == equation.latex.count("}"), equation
        assert not set(equation.printed) & set(equation.built), equation
    by_name = {equation.name: equation.latex for equation in rendered}
    lexicon = Lexicon(notation, own_words(notation))
    index = lexicon.component_of_mean()
    latent, noise = (lexicon.vector(role, index).tex for role in ("latent", "noise"))
    assert by_name["reparameterisation"].startswith(f"{latent} = ")
    assert noise in by_name["reparameterisation"]
    assert lexicon.bare("data") in by_name["bernoulli_likelihood"]


@pytest.mark.parametrize("notation", ALL, ids=IDS)
def test_what_a_source_prints_is_printed(notation: Notation) -> None:
    """A role that has a symbol is never built, but where its TeX names something else as well."""
    there = {symbol.role for symbol in notation.symbols if symbol.equation != UNPRINTED}
    ambiguous = {
        ("rezende_2014", "decoder_scale"),  # the mean's name
        ("burda_2016", "objective"),  # that of a datum
        ("altosaar_2016", "decoder_probability"),  # that of the density
        ("altosaar_2016", "exact_bound"),  # without its index that of all data
    }
    unnamed = {"objective"} if notation.id in ("altosaar_2016", "bishop_2024", "wikipedia") else set()  # a sum
    for equation in equations(notation):
        built = (set(equation.built) & there) - unnamed - {role for source, role in ambiguous if source == notation.id}
        assert not built, f"{equation.name}: {sorted(built)}"


def test_what_a_source_has_no_symbol_for_is_built() -> None:
    """Kingma and Welling's chapters print no divergence from the prior; the name of one is this suite's."""
    notation = notations()["kingma_welling_2019"]
    assert next(s for s in notation.symbols if s.role == "kl").equation == UNPRINTED
    terms = next(equation for equation in equations(notation) if equation.name == "elbo_as_terms")
    assert "kl" in terms.built
    assert "kl" not in terms.printed


def test_equations_say_what_is_built() -> None:
    joint = equations(notations()["pytorch_examples"])[0]
    assert joint.latex == r"p(x,z) = p(x|z)\, p(z)"
    assert joint.built == ("joint", "likelihood", "prior")


def test_an_objective_has_the_sign_and_reduction_of_its_source() -> None:
    by_id = {n.id: {e.name: e.latex for e in equations(n)}["minibatch_objective"] for n in ALL}
    assert r"= \frac{N}{M} \sum" in by_id["kingma_welling_2013"]
    assert r"\mathtt{loss\_function} = \sum" in by_id["pytorch_examples"]
    assert r"= \frac{1}{M} \sum" in by_id["keras_io"]


@pytest.mark.parametrize(
    ("tex", "letter"),
    [
        (r"\mathbf{z}^{(i,l)}", r"\mathbf{z}"),
        (r"\boldsymbol{\sigma}^2", r"\boldsymbol{\sigma}^2"),
        (r"\boldsymbol{\sigma}^{2(i)}", r"\boldsymbol{\sigma}^2"),
        (r"\mathbf{z}_n^{(l)}", r"\mathbf{z}"),
        (r"\boldsymbol{\epsilon}^*", r"\boldsymbol{\epsilon}"),
        (r"\sigma^2_{x_i}", r"\sigma^2"),
        (r"\widetilde{\mathbf{z}}", r"\mathbf{z}"),
        (r"q(z_i | \varphi_i)", r"q(z | \varphi)"),
        (r"D_{\mathbf{z}}", r"D_{\mathbf{z}}"),
        (r"\mathcal{L}_n(\mathbf{w})", r"\mathcal{L}(\mathbf{w})"),
    ],
)
def test_an_index_of_data_or_draws_is_no_part_of_a_letter(tex: str, letter: str) -> None:
    assert without_indices(tex) == letter


@pytest.mark.parametrize(
    ("tex", "indexed"),
    [
        (r"\boldsymbol{\sigma}^2", r"\sigma_j^2"),
        (r"\boldsymbol{\mu}_{\mathbf{z}}", r"\mu_{\mathbf{z},j}"),
        (r"\mathbf{x}", "x_j"),
        (r"\log \sigma^2", r"\log \sigma_j^2"),
        (r"\mu_j(\mathbf{x}_n,\boldsymbol{\phi})", r"\mu_j(\mathbf{x}_n,\boldsymbol{\phi})"),
        (r"\mathbf{f}[\mathbf{z},\boldsymbol{\phi}]", r"\mathbf{f}[\mathbf{z},\boldsymbol{\phi}]_j"),
        (r"\mathtt{z\_mean}", r"\mathtt{z\_mean}_j"),
        (r"a + b", r"(a + b)_j"),
    ],
)
def test_a_component(tex: str, indexed: str) -> None:
    assert component(tex, "j") == indexed


@pytest.mark.parametrize(
    ("tex", "of_datum"),
    [
        (
            r"\mathrm{ELBO}[\theta,\phi]",
            r"\mathrm{ELBO}_i[\theta,\phi]",
        ),
        (r"\mathcal{L}(q)", r"\mathcal{L}_i(q)"),
        (r"\mathtt{loss}", r"\mathtt{loss}_i"),
        (r"\mathcal{L}_{\theta}(q)", r"\mathcal{L}_{\theta,i}(q)"),
        (r"a - b", r"(a - b)_i"),
    ],
)
def test_a_quantity_of_one_datum(tex: str, of_datum: str) -> None:
    assert numbered(tex, "i") == of_datum


def test_how_tightly_tex_binds() -> None:
    assert [level_of(tex) for tex in (r"\log p(x) - q[a+b]", r"\log p(x)", r"f(a+b)", r"\frac{a+b}{c}")] == [0, 1, 2, 1]


def test_a_power_of_a_power_has_parentheses() -> None:
    assert powered(r"\sigma^2", "2") == r"(\sigma^2)^2"
    assert powered(r"\Sigma(\mathbf{h}^1)", "1/2") == r"\Sigma(\mathbf{h}^1)^{1/2}"


def test_capitals_are_matrices() -> None:
    assert all(is_matrix(tex) for tex in (r"\mathbf{C}", r"\Sigma(X)", r"\boldsymbol{\Sigma}^{1/2}"))
    assert not any(is_matrix(tex) for tex in (r"\sigma", "s^2", r"\mathtt{Std}", r"\operatorname{Var}[x]"))
