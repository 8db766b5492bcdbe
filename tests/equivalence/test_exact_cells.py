"""Every exact case in every cell that can express it: terms and gradients, in both dtypes, and the pairs.

On the backends that run the same files as another each case runs in one of the dtypes, in turn, and one that many
notations can write in a third of them: in those that have had the fewest. With `--exhaustive` each runs in all of them,
in both dtypes.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import cycle
from math import ceil
from pathlib import Path

import pytest
from equivalence.cells import complaints, run_and_judge

from elbostone.backends import Graphs
from elbostone.backends.table import BACKENDS
from elbostone.equality.judge import by_cell, cell_verdict
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.writing import written_by
from elbostone.reference.problem import load_problem
from elbostone.reference.spec import Spec
from elbostone.workers.selection import Selection

ROOT = Path(__file__).parent.parent.parent
OWN = sorted((ROOT / "tests/exact").glob("*.json"))
#: The golden cases, where they lie beside the checkout.
GOLDEN = sorted((ROOT.parent / "shared/golden").glob("*.json"))
#: What no source defines: these are the definition's alone, and of the families that they join each has other cases.
NOBODYS = ("rank-one-learned",)
#: What every two backends are compared on.
PAIRED = ("conv-oblong", "gaussian-relu")
DTYPES = ("float64", "float32")
#: A case that at least so many notations can write has a third of them where they take turns.
MANY = 7


@cache
def spec_of(file: Path) -> Spec:
    return load_problem(file).spec


def wiring(file: Path) -> tuple[str, ...]:
    """What decides which nets a case has, and what each is fed with."""
    return tuple(spec_of(file).word(name) for name in ("network", "prior", "posterior", "latents", "decoder_weights"))


def every_notation(backend: str, mode: str, dtypes: tuple[str, ...] = DTYPES) -> Selection:
    return Selection(tuple(notations().values()), (backend,), "cpu", dtypes, (mode,))


def test_there_are_exact_cases_with_gradients() -> None:
    assert len(OWN) >= 10
    for file in (*OWN, *GOLDEN):
        problem = load_problem(file)
        assert problem.expected_terms, f"{file.name} expects no terms"
        assert problem.expected_gradients, f"{file.name} expects no gradients"


def writers(file: Path) -> list[str]:
    """The notations that can write a case."""
    spec = spec_of(file)
    return [notation.id for notation in notations().values() if written_by(notation, spec) is not None]


def in_turn(backend: str) -> dict[Path, Selection]:
    """Each case in one of the dtypes, without two thirds of the notations that can write it, where these are many."""
    able = {file: writers(file) for file in (*OWN, *GOLDEN)}
    total = Counter(name for names in able.values() for name in names)
    had: Counter[tuple[str, str]] = Counter()
    selections = {}
    for (file, names), dtype in zip(able.items(), cycle(DTYPES)):
        fewest = sorted((had[name, dtype], total[name], name) for name in names)
        left_out = {name for *_, name in fewest[ceil(len(names) / 3) :]} if len(names) >= MANY else set()
        had.update((name, dtype) for name in names if name not in left_out)
        chosen = tuple(notation for notation in notations().values() if notation.id not in left_out)
        selections[file] = Selection(chosen, (backend,), "cpu", (dtype,), ("eager",))
    return selections


def test_every_exact_case_is_equal_in_every_cell(
    backend: str, exhaustive: Callable[[str], bool], tmp_path: Path
) -> None:
    files = (*OWN, *GOLDEN)
    whole = dict.fromkeys(files, every_notation(backend, "eager"))
    selections = whole if exhaustive(backend) else in_turn(backend)
    rows, records = run_and_judge(tmp_path, files, selections)
    assert not complaints(rows), complaints(rows)
    executed = {(r.cell.problem, r.cell.dtype) for r in records if r.status == "ok"}
    for file, selection in selections.items():
        for dtype in selection.dtypes:
            if file.stem in NOBODYS:
                assert (file.stem, dtype) not in executed, f"{file.stem} is run by a notation: it is somebody's"
            else:
                assert (file.stem, dtype) in executed, f"no notation runs {file.stem} in {dtype}"


def test_no_notation_loses_all_its_cases_of_a_dtype_where_they_take_turns() -> None:
    had, whole = set(), set()
    for file, selection in in_turn("keras-jax").items():
        able, chosen = writers(file), {notation.id for notation in selection.notations}
        whole |= {(name, dtype) for name in able for dtype in selection.dtypes}
        had |= {(name, dtype) for name in able if name in chosen for dtype in selection.dtypes}
    assert had == whole
    assert {name for name, _ in had} == set(notations())


def compiled_on(backend: str, everything: bool) -> dict[Path, tuple[Notation, ...]]:
    """The notations that are compiled on an exact case: it is the first that they define without an embedding.

    Those whose cases have their nets wired alike are of one family: one of them stands for it, another on each backend,
    and on torch, whose compiler takes 20 s of CPU time for a cell, for every second family. Not so with `everything`.
    """
    cases: dict[Path, tuple[Notation, ...]] = {}
    for notation in notations().values():
        first = next(file for file in OWN if notation.unsupported(spec_of(file)) is None)
        cases[first] = (*cases.get(first, ()), notation)
    if everything:
        return cases
    families: dict[tuple[str, ...], list[tuple[Path, Notation]]] = {}
    for file, own in sorted(cases.items()):
        families.setdefault(wiring(file), []).extend((file, notation) for notation in own)
    number = list(BACKENDS).index(backend)
    chosen = [own[number % len(own)] for own in families.values()]
    return {file: (notation,) for file, notation in (chosen[1::2] if backend == "torch" else chosen)}


@pytest.mark.parametrize("mode", ["compiled", "compiled-xla"])
def test_compiled_modes_are_equal_too(backend: str, mode: str, everything: bool, tmp_path: Path) -> None:
    """On one case and in one dtype: torch.compile takes seconds for a cell."""
    own = compiled_on(backend, everything)
    selections = {file: Selection(group, (backend,), "cpu", ("float32",), (mode,)) for file, group in own.items()}
    rows, records = run_and_judge(tmp_path, tuple(own), selections)
    assert not complaints(rows, ("equal",)), complaints(rows, ("equal",))
    compiled = {notation.id for group in own.values() for notation in group}
    assert {record.cell.notation for record in records} == (compiled if mode in BACKENDS[backend].modes else set())
    for record in records:
        assert record.graphs == Graphs(graphs=1, breaks=0, recompiles=0), record


def test_every_family_is_compiled_on_two_backends_and_the_largest_in_three_notations() -> None:
    whole = compiled_on("torch", everything=True)
    assert sorted(notation.id for own in whole.values() for notation in own) == sorted(notations())
    families: dict[tuple[str, ...], list[str]] = {}
    for backend in (name for name, entry in BACKENDS.items() if "compiled" in entry.modes):
        for file, (notation,) in compiled_on(backend, everything=False).items():
            families.setdefault(wiring(file), []).append(notation.id)
    assert families.keys() == {wiring(file) for file in whole}
    assert min(map(len, families.values())) == 2
    assert max(len(set(own)) for own in families.values()) == 3


def test_float64_as_shipped_is_excluded_with_its_upstream_link(backend: str, tmp_path: Path) -> None:
    if "float64-as-shipped" not in BACKENDS[backend].dtypes:
        assert backend in ("torch", "keras-tensorflow")
        return
    files = [file for file in OWN if file.stem == "binary-tanh"]
    rows, _ = run_and_judge(tmp_path, files, every_notation(backend, "eager", ("float64-as-shipped",)))
    assert not complaints(rows, ("excluded", "unsupported")), complaints(rows, ("excluded", "unsupported"))
    excluded = [group for group in by_cell(rows).values() if cell_verdict(group) == "excluded"]
    assert excluded
    for group in excluded:
        assert any("keras/issues/23704" in (row["reason"] or "") for row in group)


def test_all_backends_agree_with_each_other(
    installed_backends: tuple[str, ...], everything: bool, tmp_path: Path
) -> None:
    """Each cell within its tolerance of the truth, so no pair is further apart than the sum of its two tolerances.

    Each backend's own environment has the cells of both cases already: that of one notation stands for them here.
    """
    if len(installed_backends) < len(BACKENDS):
        pytest.skip("the pairs across backends are tested where all four are installed")
    files = [file for file in OWN if file.stem in (PAIRED if everything else PAIRED[:1])]
    dtypes = DTYPES if everything else DTYPES[1:]
    rows, _ = run_and_judge(tmp_path, files, Selection(tuple(notations().values()), dtypes=dtypes))
    assert not complaints(rows), complaints(rows)
    for file in files:
        equal = {
            cell.backend for cell, group in by_cell(rows).items() if cell.problem == file.stem and group[0]["term"]
        }
        assert equal == set(BACKENDS)
