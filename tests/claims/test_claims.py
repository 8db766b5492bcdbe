"""Every claim of every notation.toml holds on every backend, and a false one in any of its fields is named."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from claims.false_claim import Lie
from claims.gathered import complaints, gather
from claims.longhand import longhand
from claims.planted_claims import lies
from whole import WHOLE

from elbostone.backends.table import BACKENDS
from elbostone.claims.facts import Facts
from elbostone.notations.notation import Notation
from elbostone.notations.reader import parse_notation
from elbostone.notations.registry import notations
from elbostone.reference.errors import BadInput

IDS = tuple(notations())
#: Of the other backends: a notation with every likelihood, and the one with convolutions.
FEW = ("bishop_2024", "keras_io")
CELLS = [
    pytest.param(
        backend,
        name,
        marks=(
            pytest.mark.backend(backend),
            *((pytest.mark.implied,) if backend not in WHOLE and name not in FEW else ()),
        ),
    )
    for backend in BACKENDS
    for name in IDS
]
#: The largest share of a slope that its step and rounding may leave open.
TELLING = 1e-3


@pytest.fixture(scope="module")
def facts_of_all(
    tmp_path_factory: pytest.TempPathFactory, exhaustive: Callable[[str], bool]
) -> Callable[[str], dict[str, Facts]]:
    """The facts of the notations of a backend, gathered once."""

    @cache
    def of(backend: str) -> dict[str, Facts]:
        names = IDS if exhaustive(backend) else FEW
        return gather(backend, tmp_path_factory.mktemp(backend), [notations()[name] for name in names])

    return of


@pytest.mark.parametrize("name", IDS)
def test_the_longhand_of_a_file_says_the_same(name: str) -> None:
    notation = notations()[name]
    read = parse_notation(longhand(notation), notation.path, name)
    in_order = sorted(notation.weights, key=lambda row: [w.canonical for w in read.weights].index(row.canonical))
    assert read == replace(notation, weights=tuple(in_order))


@pytest.mark.parametrize(("backend", "name"), CELLS)
def test_every_claim_holds(backend: str, name: str, facts_of_all: Callable[[str], dict[str, Facts]]) -> None:
    found = list(complaints(notations()[name], facts_of_all(backend)[name]))
    assert not found, "\n".join(violation.describe() for violation in found)


@pytest.mark.parametrize(("backend", "name"), CELLS)
def test_every_slope_is_known_well_enough_to_tell(
    backend: str, name: str, facts_of_all: Callable[[str], dict[str, Facts]]
) -> None:
    """A step that lies on a kink of the model would allow anything, and so would a direction that is level."""
    slopes = [s for probe in facts_of_all(backend)[name].slopes.values() for method in probe.values() for s in method]
    assert slopes
    assert all(float(slope.allowed) <= TELLING * abs(float(slope.measured)) for slope in slopes)


@pytest.mark.enough_on(*WHOLE)
@pytest.mark.parametrize("name", IDS)
def test_a_false_claim_in_any_field_is_named(
    backend: str, name: str, facts_of_all: Callable[[str], dict[str, Facts]]
) -> None:
    """What a file says of names and letters is the same on all backends: it is planted on torch alone."""
    notation, facts = notations()[name], facts_of_all(backend)[name]
    planted = list(lies(notation, longhand(notation), BACKENDS[backend].framework))
    if backend != "torch":
        planted = [lie for lie in planted if lie.field not in ("code", "tex", "published")]
    missed = [lie.name for lie in planted if not _named(notation, facts, lie)]
    assert not missed, f"{len(missed)} of {len(planted)} planted errors are not named:\n" + "\n".join(missed)


def _named(notation: Notation, facts: Facts, lie: Lie) -> bool:
    """Whether the false claim is found, and its message says which source, entry and value."""
    try:
        false = parse_notation(lie.document, notation.path, notation.id)
    except BadInput as error:
        return str(notation.path) in str(error)
    for violation in complaints(false, facts):
        text = violation.describe()
        if notation.id in text and lie.where in text and lie.value in text:
            return True
    return False
