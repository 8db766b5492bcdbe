"""Equations with the role of each symbol: the same TeX, and a role on what names it."""

import re

import pytest

from elbostone.notations.equations import equations
from elbostone.notations.equations.marked import letters_of, marked_latex, marked_symbol
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.roles import ROLES

OPENED = re.compile(r"\\class\{role-(\w+)\}\{")


def unmarked(text: str) -> str:
    """TeX without its \\class commands, the braces of each counted."""
    while found := OPENED.search(text):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0) * (text[end - 1] != "\\")
            end += 1
        text = text[: found.start()] + text[found.end() : end - 1] + text[end:]
    return text


@pytest.mark.parametrize("notation", notations().values(), ids=lambda n: n.id)
def test_roles_change_nothing_that_is_printed(notation: Notation) -> None:
    for equation in equations(notation):
        marked = marked_latex(notation, equation)
        assert unmarked(marked) == equation.latex, equation.name
        roles = set(OPENED.findall(marked))
        assert roles and roles <= set(ROLES), equation.name


def test_letters_inside_of_densities_have_their_own_roles() -> None:
    notation = notations()["kingma_welling_2013"]
    joint = next(equation for equation in equations(notation) if equation.name == "joint")
    left = marked_latex(notation, joint).split(" = ")[0]
    assert OPENED.findall(left) == ["joint", "generative_weights", "data", "latent"]


def test_a_sign_stays_outside() -> None:
    """`- a` is put in parentheses by its first character, which a mark must not hide."""
    notation = notations()["rezende_2014"]
    bound = next(equation for equation in equations(notation) if equation.name == "elbo_as_gap")
    assert marked_latex(notation, bound).startswith(r"-\class{role-elbo}{\mathcal{F}")


def test_a_letter_of_two_roles_has_none() -> None:
    assert set(letters_of(notations()["kingma_welling_2013"]).values()) >= {"data", "latent", "noise"}
    for notation in notations().values():
        for letter, role in letters_of(notation).items():
            own = {s.role for s in notation.symbols if s.tex == letter and s.kind in ("weights", "data", "latent")}
            assert not own or own == {role}


def test_a_symbol_alone() -> None:
    assert marked_symbol("latent", r"\mathbf{z}") == r"\class{role-latent}{\mathbf{z}}"
