"""No correct problem is accused: 500 random ones, terms and gradients, with the one tolerance rule.

What runs where: on each backend 125 of the problems, other ones on each, in float64 and in float32, eagerly, each
written by one of the notations that can write it, in turn; on Keras over torch each in one of the dtypes, and on JAX
all of a family, and all of one size. With `--exhaustive` each backend has all 500 in both dtypes, and where all
backends are installed together, one problem of each family also runs in all notations that can write it, on all
backends, and every two cells are compared with each other.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from equivalence.cells import complaints
from equivalence.conditioning import LOG_VARIANCE, RANK_ONE, scale_tensor
from equivalence.random_problems import (
    COUNT,
    DEPTH,
    FAMILIES,
    TURNS,
    WEIGHT_LOG_VARIANCE,
    family_of,
    has_first_sizes,
    random_problems,
)

from elbostone.backends.base import cpu_count
from elbostone.backends.table import BACKENDS
from elbostone.equality.exclusions import load_exclusions
from elbostone.equality.judge import Row, judge
from elbostone.equality.plan import plan_cells
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.writing import written_by
from elbostone.reference.oracle import evaluate
from elbostone.reference.parsing import CONDITIONS
from elbostone.reference.problem import Problem, read_tensors, save_problem
from elbostone.reference.weights import decoder_slots
from elbostone.workers.pool import run_plan
from elbostone.workers.records import CellRecord
from elbostone.workers.selection import Plan, Selection

DTYPES = ("float64", "float32")
#: One problem of each family.
PAIRED = len(FAMILIES)
#: How many problems each backend has: the four have all of them together.
SHARE = COUNT // len(BACKENDS)
#: Of 500 problems, how many each notation has to write, and how many have each word of a specification.
WRITTEN = 12
OFTEN = 15


@cache
def problems() -> tuple[Problem, ...]:
    return tuple(random_problems())


def share_of(backend: str, everything: bool) -> tuple[Problem, ...]:
    """The problems that a backend has: all of them, or 125 that no other backend has."""
    return problems() if everything else shares()[backend]


@cache
def shares() -> dict[str, tuple[Problem, ...]]:
    """Backend → its problems.

    The backend that compiles each operation for each shape has the first sizes alone, and of every family as many as
    the others; these have the rest, in turn.
    """
    slow = next(name for name, backend in BACKENDS.items() if backend.compiles_each)
    alike: dict[str, deque[Problem]] = {name: deque() for name in FAMILIES}
    for problem in problems():
        if has_first_sizes(problem):
            alike[family_of(problem)].append(problem)
    found = {slow: tuple(alike[name].popleft() for name in islice(cycle(TURNS), SHARE))}
    taken = {problem.name for problem in found[slow]}
    left = [problem for problem in problems() if problem.name not in taken]
    others = [name for name in BACKENDS if name != slow]
    return found | {name: tuple(left[number :: len(others)]) for number, name in enumerate(others)}


def defining(problem: Problem) -> tuple[Notation, ...]:
    """The notations that define a problem."""
    return tuple(notation for notation in notations().values() if not notation.unsupported(problem.spec))


def writing(problem: Problem) -> tuple[Notation, ...]:
    """The notations that define a problem or one that has it as a special case."""
    return tuple(notation for notation in notations().values() if written_by(notation, problem.spec) is not None)


@cache
def in_turn(owner: str, everything: bool) -> tuple[Notation, ...]:
    """For each problem of a backend one of the notations that can write it: the one that has had the fewest."""
    had: Counter[str] = Counter()
    chosen = []
    for problem in share_of(owner, everything):
        able = writing(problem)
        assert able, f"{problem.name}: no notation writes {problem.spec}"
        notation = min(able, key=lambda notation: had[notation.id])
        had[notation.id] += 1
        chosen.append(notation)
    return tuple(chosen)


def run_and_judge(
    folder: Path,
    wanted: Sequence[tuple[Problem, tuple[Notation, ...]]],
    backends: tuple[str, ...],
    dtypes: Callable[[int], tuple[str, ...]] = lambda number: DTYPES,
) -> list[Row]:
    """Verdict rows of every wanted problem, the `number`-th one in `dtypes(number)`."""
    plan = Plan()
    for number, (problem, chosen) in enumerate(wanted):
        file = save_problem(problem, folder / "problems")
        plan.add(plan_cells(problem, file, Selection(chosen, backends, "cpu", dtypes(number), ("eager",))))
    records: list[CellRecord] = []
    # On tensors as small as these a second thread only waits.
    run_plan(plan, folder, cpus=cpu_count(), timeout_s=300, on_record=records.append)
    asked = sum(len(dtypes(number)) * len(chosen) for number, (_, chosen) in enumerate(wanted))
    assert len(records) == len(backends) * asked
    by_problem: dict[str, list[dict[str, object]]] = {}
    for record in records:
        by_problem.setdefault(record.cell.problem, []).append(record)
    rows = []
    for problem, _ in wanted:
        own = by_problem[problem.name]
        rows += judge(problem, own, lambda name: read_tensors(folder / "tensors" / name), load_exclusions())
    return rows


def one_of_two(number: int) -> tuple[str, ...]:
    """One dtype for each problem: as many of either for every family."""
    return (DTYPES[number // len(TURNS) % len(DTYPES)],)


def one_for_a_family(number: int) -> tuple[str, ...]:
    """One dtype for all problems of a family, where each dtype is compiled too."""
    return (DTYPES[list(FAMILIES).index(TURNS[number % len(TURNS)]) % len(DTYPES)],)


def test_no_random_problem_is_accused(
    backend: str, everything: bool, exhaustive: Callable[[str], bool], tmp_path: Path
) -> None:
    own = share_of(backend, everything)
    wanted = [(problem, (notation,)) for problem, notation in zip(own, in_turn(backend, everything), strict=True)]
    turn = one_for_a_family if BACKENDS[backend].compiles_each else one_of_two
    rows = run_and_judge(tmp_path, wanted, (backend,), *(() if exhaustive(backend) else (turn,)))
    assert len({row["problem"] for row in rows}) == (COUNT if everything else SHARE)
    assert not complaints(rows, ("equal",)), complaints(rows, ("equal",))


def test_no_gradient_below_the_normal_numbers_is_accused(backend: str, tmp_path: Path) -> None:
    """There float32 is spaced by 1.4e-45 (torch) or flushed to zero (TensorFlow, XLA): both are correct."""
    bernoulli = {"likelihood": ("bernoulli",), "posterior": ("diagonal",), "latents": ("none",), "beta": ("one",)}
    alike = (problem for problem in problems() if has_first_sizes(problem) and len(problem.spec.hidden) == 2)
    plain = next(problem for problem in alike if problem.spec.meets(bernoulli) and len(defining(problem)) > 1)
    weights = dict(plain.weights)
    for name in ("decoder.hidden.1.weight", "decoder.logits.weight"):
        weights[name] = 1e-20 * weights[name]
    rows = run_and_judge(tmp_path, [(replace(plain, name="subnormal", weights=weights), defining(plain))], (backend,))
    assert not complaints(rows, ("equal",)), complaints(rows, ("equal",))


@pytest.mark.implied  # by each that is equal to the definition: a pair is allowed the sum of their tolerances
def test_no_pair_of_cells_is_accused(installed_backends: tuple[str, ...], tmp_path: Path) -> None:
    if len(installed_backends) < 2:
        pytest.skip(f"pairs across backends need two; installed here: {', '.join(installed_backends) or 'none'}")
    wanted = [(problem, writing(problem)) for problem in problems()[:PAIRED]]
    rows = run_and_judge(tmp_path, wanted, installed_backends)
    assert not complaints(rows, ("equal",)), complaints(rows, ("equal",))


def test_every_kind_of_problem_occurs_often() -> None:
    specs = [problem.spec for problem in problems()]
    for condition, words in CONDITIONS.items():
        count = Counter(spec.word(condition) for spec in specs)
        for word in words:
            assert count[word] >= OFTEN, f"{condition} {word}: only {count[word]} of {COUNT}"
    kinds = {
        "depth": (range(1, DEPTH + 1), Counter(len(spec.hidden) for spec in specs)),
        "samples": ((1, 2, 3), Counter(problem.noise.shape[0] for problem in problems())),
        "batch": ((1, 3, 4), Counter(problem.x.shape[0] for problem in problems())),
    }
    for kind, (values, count) in kinds.items():
        for value in values:
            assert count[value] >= OFTEN, f"{kind} {value}: only {count[value]} of {COUNT}"
    pixels = [problem.x for problem in problems() if problem.spec.likelihood == "bernoulli"]
    extreme = [((x == 0) | (x == 1)).mean() for x in pixels]
    assert sum(share == 1 for share in extreme) >= 30, "too few with binary pixels"
    assert sum(share == 0 for share in extreme) >= 30, "too few with grey pixels"
    assert sum(0 < share < 1 for share in extreme) >= 30, "too few with grey and saturated pixels"


def test_the_backends_share_all_problems() -> None:
    shared = {backend: share_of(backend, everything=False) for backend in BACKENDS}
    assert [len(own) for own in shared.values()] == [SHARE] * len(BACKENDS)
    names = [problem.name for own in shared.values() for problem in own]
    assert sorted(names) == [problem.name for problem in problems()]
    assert len(names) == COUNT == 500


@pytest.mark.parametrize("owner", BACKENDS)
def test_every_notation_writes_many(owner: str) -> None:
    count = Counter(notation.id for notation in in_turn(owner, False))
    assert all(count[notation] >= WRITTEN // len(BACKENDS) for notation in notations()), count


@pytest.mark.parametrize("owner", BACKENDS)
def test_every_family_is_defined_by_some_notation(owner: str) -> None:
    """Not only written as a special case of another: the equations of each family itself are run."""
    own = share_of(owner, everything=False)
    for name in FAMILIES:
        written = [
            notation in defining(problem)
            for problem, notation in zip(own, in_turn(owner, False), strict=True)
            if family_of(problem) == name
        ]
        assert any(written), f"no notation that defines a problem of the family '{name}' writes one"


def test_log_variances_reach_both_ends() -> None:
    ranges = []
    for problem in problems():
        found = evaluate(problem, gradients=False)[scale_tensor(problem.spec)]
        ranges.append((found.min(), found.max()))
    low, high = np.transpose(ranges)
    assert LOG_VARIANCE[0] <= low.min() < LOG_VARIANCE[0] + 1
    assert LOG_VARIANCE[1] - 1 < high.max() <= LOG_VARIANCE[1]


def test_every_problem_is_well_conditioned() -> None:
    for problem in problems():
        found = evaluate(problem)
        assert all(np.isfinite(value).all() for value in found.values()), problem.name
        if problem.spec.posterior == "rank-one":
            along = (found["rank_one_vector"] ** 2 * found["rank_one_variance"]).sum(axis=1)
            assert along.max() <= RANK_ONE * (1 + 1e-12), problem.name
        for slot in decoder_slots(problem.spec) if problem.spec.decoder_weights == "posterior" else ():
            log_variance = problem.weights[f"{slot.name}.log_variance"]
            assert log_variance.max() <= WEIGHT_LOG_VARIANCE[1], problem.name


def test_a_problem_is_the_same_however_many_are_drawn() -> None:
    (*_, last) = random_problems(3)
    assert last.name == problems()[2].name
    assert np.array_equal(last.x, problems()[2].x)
