"""Misprints: formulas are arithmetic and nothing else; one that is none, or is not what is meant, is named."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from elbostone.claims.facts import Facts
from elbostone.claims.judge.evidence import Evidence
from elbostone.claims.judge.misprints import check_misprints, measured
from elbostone.claims.tables import misprints
from elbostone.notations.decode import read
from elbostone.notations.formulas import Formula
from elbostone.notations.models import LATENT
from elbostone.notations.notation import Notation
from elbostone.notations.reader import parse_notation
from elbostone.notations.registry import notations
from elbostone.reference.errors import BadInput

BISHOP = notations()["bishop_2024"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("μ +", "invalid syntax"),
        ("open('x')", "open"),
        ("sum(μ, 0)", "sum"),
        ("μ[0]", "μ[0]"),
        ("__import__('os').system('x')", "system"),
        ("'text'", "text"),
        ("True", "True"),
        ("μ if σ else 0", "if"),
        ("μ @ σ", "@"),
        ("lambda: 0", "lambda"),
    ],
)
def test_a_formula_is_arithmetic_and_nothing_else(text: str, found: str) -> None:
    with pytest.raises(BadInput, match=r"printed: expected") as caught:
        read(Formula, text, "notation.toml: misprints[0].printed")
    assert found in str(caught.value)


def test_a_formula_is_evaluated_over_latents_and_draws() -> None:
    μ, σ = np.array([[1.0, 2.0]]), np.array([[3.0, 0.5]])
    ε = np.array([[[1.0, -1.0]], [[3.0, 1.0]]])  # [sample, batch, latent]
    formula = Formula.read("-mean(sum(φ.μ + σ2 * ε)) / 2 + log(exp(pi)) - 2**2")
    assert formula.codes == {"φ.μ", "σ2", "ε"}
    np.testing.assert_allclose(
        formula.value({"φ.μ": μ, "σ2": σ, "ε": ε}), [-((3 + 3 - 0.5) + (3 + 9 + 0.5)) / 4 + np.pi - 4]
    )


def facts_of(notation: Notation) -> Facts:
    """Quantities of made-up latents, right as far as the misprints go."""
    facts, draws = Facts("torch", "torch"), np.random.default_rng(3)
    for probe in Evidence(notation, facts).probes:
        if probe.field == "objective":
            continue
        batch, latent = len(probe.problem.x), probe.problem.spec.latent_dim
        μ, σ, ε = draws.normal(size=(batch, latent)), draws.random((batch, latent)) + 0.5, probe.problem.noise
        kl = (μ**2 + σ**2 - 1 - np.log(σ**2)).sum(-1) / 2
        for name, array in {"μ": μ, "σ": σ, "σ2": σ**2, "z": μ + σ * ε, "KL": kl, "ln_p_x_z": kl + 1}.items():
            facts.put(probe.name, "quantity", name, array)
        facts.put(probe.name, "input", "ε", ε)
    return facts


@pytest.fixture(scope="module")
def facts() -> Facts:
    return facts_of(BISHOP)


def found(facts: Facts, **changes: Any) -> list[str]:
    changed = {k: Formula.read(v) if k in ("printed", "meant") else v for k, v in changes.items()}
    first, *rest = BISHOP.misprints
    false = replace(BISHOP, misprints=(msgspec.structs.replace(first, **changed), *rest))
    return [violation.describe() for violation in check_misprints(Evidence(false, facts))]


def test_what_is_printed_differs_and_what_is_meant_holds(facts: Facts) -> None:
    assert found(facts) == []
    kl, z = measured(Evidence(BISHOP, facts)).values()
    most = max(np.abs(2 * facts.of(p.name, "quantity")["KL"]).max() for p in Evidence(BISHOP, facts).ran())
    assert kl.startswith(f"printed differs by up to {most:.4g} nats on probe"), "a wrong sign is off by twice"
    assert "nats" not in z


def test_a_misprint_that_is_none_is_named(facts: Facts) -> None:
    (text,) = found(facts, printed="sum(μ**2 + σ2 - 1 - log(σ2)) / 2")
    assert "misprint 19.15 of KL" in text
    assert "no misprint" in text


def test_another_meaning_is_named(facts: Facts) -> None:
    (text,) = found(facts, meant="sum(μ**2 + σ2 - log(σ2)) / 2")
    assert f"another value than what is meant, by {LATENT / 2:g} " in text


def test_another_quantity_is_named(facts: Facts) -> None:
    assert any("another value than what is meant" in text for text in found(facts, symbol="ln_p_x_z"))


def test_what_no_probe_has_is_named(facts: Facts) -> None:
    assert any("nothing executes it" in text for text in found(facts, when={"posterior": ("full",)}))


def test_axes_that_do_not_fit_are_named(facts: Facts) -> None:
    assert any("shape" in text for text in found(facts, printed="μ + σ2"))


def test_what_is_not_finite_is_named(facts: Facts) -> None:
    assert any("not finite" in text for text in found(facts, printed="log(0 - exp(sum(μ)))"))


def entries(changes: dict[str, Any]) -> Iterator[str]:
    document = tomllib.loads(BISHOP.path.read_text(encoding="utf-8"))
    document["misprints"][0] |= changes
    with pytest.raises(BadInput) as caught:
        parse_notation(document, Path("notation.toml"), "planted")
    yield str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbol": "Kl"}, "misprints[0].symbol: expected a quantity of [symbols]"),
        ({"printed": "sum(tau)"}, "misprints[0].printed: expected codes out of"),
        ({"meant": "sum(w)"}, "misprints[0].meant: expected codes out of"),
        ({"colour": "red"}, "misprints[0]: unknown field 'colour'"),
        ({"meant": 3}, "misprints[0].meant: expected text; found 3"),
    ],
)
def test_a_wrong_entry_is_named(changes: dict[str, Any], message: str) -> None:
    (text,) = entries(changes)
    assert message in text


def test_the_table_joins_backends_and_leaves_out_what_is_no_misprint() -> None:
    row = {"notation": "a", "symbol": "misprint 1 of KL", "claimed": "c", "found": "f", "verdict": "equal"}
    rows = [{**row, "backend": "torch"}, {**row, "backend": "keras-jax"}]
    rows += [{**row, "backend": "torch", "symbol": "symbol KL"}, {**row, "backend": "torch", "verdict": "differs"}]
    expected = {"notation": "a", "misprint": "1 of KL", "said": "c", "found": "f", "verified by": "torch, keras-jax"}
    assert misprints(rows) == [expected]
