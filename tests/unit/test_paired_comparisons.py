"""Duels, simulated: identical entries are rarely called different, a tenth more time is nearly always seen."""

from collections.abc import Callable

import numpy as np
import pytest

from elbostone.timing.asked import BLOCKS
from elbostone.timing.judge.comparisons import comparison_rows, interval, step_rows, verdict_of
from elbostone.timing.records import as_measured

TRIES = 400


def blocks(generator: np.random.Generator, ratio: float, *, drift: float = 0.0, slow: float = 0.0) -> np.ndarray:
    """[block, 2] nanoseconds: noise of a tenth per entry, a drift that both share, and phases five times as slow."""
    common = 1 + drift * np.linspace(0, 1, BLOCKS)
    common *= np.where(generator.random(BLOCKS) < slow, 5.0, 1.0)
    noise = np.exp(0.1 * generator.standard_normal((BLOCKS, 2)))
    return 1e6 * common[:, None] * noise * np.array([1.0, ratio])


def verdicts(ratio: float, **machine: float) -> list[str]:
    generator = np.random.default_rng(0)
    found = (blocks(generator, ratio, **machine) for _ in range(TRIES))
    return [verdict_of(*interval(ns[:, 1] / ns[:, 0])[1:]) for ns in found]


MACHINES: dict[str, dict[str, float]] = {"calm": {}, "drifting": {"drift": 0.5}, "slow phases": {"slow": 0.2}}


@pytest.mark.parametrize("machine", MACHINES)
def test_identical_entries_are_called_different_in_at_most_one_of_twenty_tries(machine: str) -> None:
    assert sum(v != "same" for v in verdicts(1.0, **MACHINES[machine])) <= 0.05 * TRIES


@pytest.mark.parametrize("machine", MACHINES)
def test_a_tenth_more_time_is_called_slower_in_nineteen_of_twenty_tries(machine: str) -> None:
    assert sum(v == "slower" for v in verdicts(1.1, **MACHINES[machine])) >= 0.95 * TRIES


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    found = [interval(np.exp(generator.laplace(size=BLOCKS))) for _ in range(2000)]
    assert np.mean([lower <= 1 <= upper for _, lower, upper in found]) >= 0.94


def test_five_blocks_have_no_interval() -> None:
    assert interval(np.ones(5)) == (1.0, 0.0, float("inf"))
    assert verdict_of(0.0, float("inf")) == "same"


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [((1.021, 1.5), "slower"), ((1.01, 1.5), "same"), ((0.5, 0.97), "faster"), ((0.5, 0.99), "same")],
)
def test_a_difference_within_the_margin_is_not_claimed(bounds: tuple[float, float], verdict: str) -> None:
    assert verdict_of(*bounds) == verdict


def entry(last_step: str) -> dict[str, object]:
    cell = {"problem": "tiny", "notation": "a", "framework": "torch", "backend": "torch"}
    cell |= {"device": "cpu", "dtype": "float32", "mode": "tuned"}
    return {"stage": "encoder", "workload": "tiny", "batch": 4, "rung": last_step, **cell}


@pytest.fixture
def record() -> dict[str, object]:
    ok = {"status": "ok", "reason": None, "before": "x", "after": "x"}
    about = {"kind": "duel", "duel": "l", "question": "ladder", "build": 1, "status": "ok", "reason": None}
    about |= {"backend": "torch", "device": "cpu", "tries": 1, "block_s": 4e-3}
    about |= {"labels": ["published", "adds b", "adds c"]}
    measured = [[[4e6, 2e6, 1e6]] * 20]
    return {**about, "entries": [entry(r) for r in "abc"], "outcomes": [ok] * 3, "blocks_ns": measured}


def proving(wrong: str = "") -> Callable[..., tuple[str, str | None]]:
    return lambda records: ("differs", "z") if records[0].last_step == wrong else ("equal", None)


def test_a_step_is_held_against_the_one_before_and_against_the_first(record: dict[str, object]) -> None:
    rows = step_rows([as_measured(record)], proving())
    assert [(r["rung"], r["adds"], r["ms"], r["ratio"], r["of_published"]) for r in rows] == [
        ("b", "adds b", 2, 0.5, 0.5),
        ("c", "adds c", 1, 0.5, 0.25),
    ]
    assert {r["verdict"] for r in rows} == {"faster"}
    assert [(r["against_ms"], r["start"], r["backend"], r["batch"]) for r in rows] == [
        (4, "tuned", "torch", 4),
        (2, "tuned", "torch", 4),
    ]


def test_an_entry_whose_outputs_differ_has_no_figure_and_costs_only_itself(record: dict[str, object]) -> None:
    rows = comparison_rows([as_measured(record)], proving("b"))
    assert [(r["verdict"], r["ratio"]) for r in rows] == [("differs", None), ("faster", 0.25)]
