"""What a source prints: TeX is one symbol, a place is one that it has; each planted falsehood is named in one line."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elbostone.notations.notation import Notation
from elbostone.notations.printed import no_place, no_symbol
from elbostone.notations.reader import parse_notation
from elbostone.notations.registry import notations
from elbostone.reference.errors import BadInput

HAS = ("1.1-1.20", "2.1-2.65")


@pytest.mark.parametrize(
    ("tex", "wrong"),
    [
        (r"\mathbf{x} = \mathbf{h}^0", "an equation"),
        (r"\boldsymbol{\mu}=\mathbf{g}_{\mu}[\mathbf{x},\boldsymbol{\theta}]", "an equation"),
        (r"\lambda = \{\mathbf{u}_1, \phi\}", "an equation"),
        (r"-\frac{1}{2}\sum_{j=1}^{J} (1 + \log \sigma_j^2)", "a minus"),
        (r"-l_i(\theta,\phi)", "a minus"),
        (r"E_{X\sim D}", "an operator"),
        (r"\operatorname{logit}", "an operator"),
        (r"\mathbb{E}_{q(z|x)}", "an operator"),
        (r"\sum_{i=1}^{N}", "an operator"),
        (r"\log", "an operator"),
        (r"\mathrm{KL}", "an operator"),
        (" ", "empty"),
        (r"\mathcal{L", "braces"),
    ],
)
def test_tex_that_is_no_symbol_is_refused(tex: str, wrong: str) -> None:
    assert wrong in str(no_symbol(tex))


@pytest.mark.parametrize(
    "tex",
    [
        r"p_\theta(x=1|\mathbf{z})",
        r"\mathcal{L}(\theta,\phi;\mathbf{x},\mathbf{z},\beta=1)",
        r"\frac{1}{L}\sum_{l=1}^{L} \log p_{\boldsymbol{\theta}}(\mathbf{x}^{(i)}|\mathbf{z}^{(i,l)})",
        r"E_{X\sim D}[\log P(X)-\mathcal{D}[Q(z|X)\|P(z|X)]]",
        r"E_\phi(x)",
        r"\operatorname{ELBO}(q)",
        r"\log \boldsymbol{\sigma}^2",
        "E",
    ],
)
def test_a_symbol_may_have_equations_within(tex: str) -> None:
    assert no_symbol(tex) is None


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("1.21", "within"),
        ("2.60-2.66", "within"),
        ("3", "within"),
        ("3.1", "within"),
        ("2.10, 1.99", "within"),
        ("2.5.1", "a section with its word"),
        ("2.5-2.3", "numbers such as"),
        ("eq. 2.3", "number alone"),
        ("(2.3)", "number alone"),
        ("", "place in words"),
        ("2.3, none", "alone"),
    ],
)
def test_a_place_that_the_source_lacks_is_refused(place: str, wrong: str) -> None:
    assert wrong in str(no_place(place, HAS))


@pytest.mark.parametrize(
    "place", ["2.36", "1.14, 1.17-1.18", "section 2.5.1, Algorithm 2", "unnumbered after (2.4)", "none", "2.1: N(0, I)"]
)
def test_a_place_that_the_source_has_is_taken(place: str) -> None:
    assert no_place(place, HAS) is None


def test_a_source_without_numbers_has_none() -> None:
    assert "numbers no equations" in str(no_place("13", ()))


def document(name: str) -> dict[str, Any]:
    return tomllib.loads(notations()[name].path.read_text(encoding="utf-8"))


def refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        parse_notation(changed, Path("notation.toml"), "planted")
    assert "\n" not in str(caught.value)


def test_a_false_number_in_any_place_is_named() -> None:
    for table, key in (("symbols", "KL"), ("misprints", 0), ("objective", None)):
        changed = document("bishop_2024")
        entry = changed[table] if key is None else changed[table][key]
        entry["eq"] = "20.15"
        name = {"symbols": r"symbols\.'KL'", "misprints": r"misprints\[0\]"}.get(table, table)
        refused(changed, rf"{name}\.eq: expected equation numbers within 19\.1-19\.19; found '20\.15'")


def test_a_false_place_of_a_claim_is_named() -> None:
    changed = document("kingma_welling_2013")
    changed["symbols"]["p_θ(x)"]["covers_eq"] = "2.1"
    refused(changed, r"symbols\.'p_θ\(x\)'\.covers_eq: expected equation numbers within 1-24; found '2\.1'")


def test_a_false_range_of_numbers_is_named() -> None:
    changed = document("kingma_welling_2013")
    changed["source"]["equations"] = ["1 to 24"]
    refused(changed, r"source\.equations: expected ranges such as '2\.1-2\.65'; found '1 to 24'")


def test_how_what_is_not_printed_is_known_is_refused() -> None:
    changed = document("kingma_welling_2013")
    changed["symbols"]["logit_y"]["known"] = "read"
    refused(changed, r"symbols\.'logit_y'\.known: expected none, since eq is 'none'.*; found 'read'")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("objective", "count"), "Q", r"objective\.count: expected the TeX of a number of data.*; found 'Q'"),
        (("symbols", "M", "known"), "by count", r"symbols\.'M'\.known: expected another word"),
        (("letters", "M"), "components", r"letters\.'M': expected a letter that no symbol has.*; found 'components'"),
        (("symbols", "L(w)", "estimate"), True, r"symbols\.'L\(w\)'\.estimate: expected none, .* is no estimate"),
        (("misprints", 0, "eq"), "none", r"misprints\[0\]\.eq: expected where the source prints it; found 'none'"),
        (("source", "known"), "sure", r"source\.known: expected one of read, .*; found 'sure'"),
        (("symbols", "M", "eq_known"), "sure", r"symbols\.'M'\.eq_known: expected one of read, .*; found 'sure'"),
    ],
)
def test_an_entry_that_contradicts_another_is_named(path: tuple[Any, ...], value: Any, message: str) -> None:
    changed: Any = document("bishop_2024")
    table = changed
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = value
    refused(changed, message)


def test_tex_that_is_no_symbol_is_named_with_its_entry() -> None:
    changed = document("prince_2023")
    changed["symbols"]["μ"]["tex"] = r"\mu=g"
    refused(changed, r"symbols\.'μ'\.tex: expected a symbol; found .*, which is an equation")


def numbered_lines(notation: Notation) -> Iterator[tuple[str, str]]:
    """Code of a quantity, and the first equation number that the comment of its line has."""
    for path in sorted(notation.path.parent.glob("*_vae.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := re.match(r'\s*"([^"]+)": .*#(?: eq\. |[^(]*\()(\d+(?:\.\d+)?)\b', line):
                yield found[1], found[2]


def test_code_has_the_equation_numbers_of_its_notation() -> None:
    seen = 0
    for notation in notations().values():
        places = {symbol.code: symbol.equation for symbol in notation.symbols}
        for code, number in numbered_lines(notation):
            assert number in re.findall(r"\d+(?:\.\d+)?", places[code]), f"{notation.id}: {code}: {number}"
            seen += 1
    assert seen > 30
