"""How each fact is known: by entry, by place, by source; and the shares that README and `elbostone list` print."""

from dataclasses import replace

import msgspec
import pytest

from elbostone.notations.glossary import glossary
from elbostone.notations.notation import Notation
from elbostone.notations.provenance import _percent, counts, eq_known, facts, known, shares
from elbostone.notations.registry import notations
from elbostone.notations.schema import KNOWN

ALL = list(notations().values())


def with_source(notation: Notation, how: str, eq: str | None) -> Notation:
    symbols = tuple(msgspec.structs.replace(symbol, known=None, eq_known=None) for symbol in notation.symbols)
    source = msgspec.structs.replace(notation.source, known=how, eq_known=eq)
    return replace(notation, source=source, symbols=symbols, other_objectives=(), misprints=())


def test_what_an_entry_says_goes_before_what_the_source_says() -> None:
    notation = with_source(ALL[0], "read", "by count")
    plain, own = notation.symbols[0], msgspec.structs.replace(notation.symbols[0], known="memory")
    assert (known(notation, plain), eq_known(notation, plain)) == ("read", "by count")
    assert (known(notation, own), eq_known(notation, own)) == ("memory", "by count")
    assert eq_known(notation, msgspec.structs.replace(own, eq_known="close copy")) == "close copy"
    alike = with_source(ALL[0], "read", None)
    assert eq_known(alike, own) == "memory", "the place of what is from memory is from memory"


def test_what_is_not_printed_is_no_fact() -> None:
    notation = with_source(ALL[0], "read", None)
    before = len(list(facts(notation)))
    first, *rest = notation.symbols
    fewer = replace(notation, symbols=(msgspec.structs.replace(first, equation="none"), *rest))
    assert len(list(facts(fewer))) == before - 2


def test_shares_are_of_all_facts() -> None:
    notation = with_source(ALL[0], "close copy", "memory")
    counted = counts(notation)
    assert set(counted) == {"close copy", "memory"}
    assert sum(counted.values()) == len(list(facts(notation)))
    assert shares(notation) == "close copy 50 %, memory 50 %"
    assert shares(with_source(ALL[0], "read", None)) == "read 100 %"


@pytest.mark.parametrize(
    ("numbers", "percent"),
    [
        ([1], [100]),
        ([61, 10, 28], [62, 10, 28]),
        ([1, 1, 1], [34, 33, 33]),
        ([999, 1], [99, 1]),
        ([996, 1, 1, 1, 1], [96, 1, 1, 1, 1]),
    ],
)
def test_percent_add_up_to_100(numbers: list[int], percent: list[int]) -> None:
    assert _percent(numbers) == percent
    assert sum(percent) == 100


def test_a_single_fact_from_memory_shows() -> None:
    notation = with_source(notations()["kingma_welling_2013"], "read", "read")
    first, *rest = notation.symbols
    one = replace(notation, symbols=(msgspec.structs.replace(first, known="memory"), *rest))
    assert shares(one) == "read 99 %, memory 1 %"


@pytest.mark.parametrize("notation", ALL, ids=lambda notation: notation.id)
def test_every_fact_is_known_in_one_of_the_words(notation: Notation) -> None:
    assert {how for _, how in facts(notation)} <= KNOWN.keys()


def test_the_glossary_says_how_each_entry_is_known() -> None:
    entries = {(e.notation.id, e.symbol.code): e for e in glossary(ALL, [])}
    assert entries["goodfellow_2016", "L_q"].how == "close copy; equation by count"
    assert entries["rezende_2014", "S"].how == "memory"
    assert entries["kingma_welling_2013", "θ"].how == "read"
    blei = entries["blei_2017", "ε"]
    assert (blei.how, blei.as_json()["provenance"]) == ("not printed", None)
    assert entries["goodfellow_2016", "L_q"].as_json()["eq_provenance"] == "by count"
