"""The speed to reach: the figure of each kind of target, and what a run that lacks it is told."""

from pathlib import Path
from typing import Any

import pytest

from elbostone.analysis.targets import MISSED, REACHED, TARGETS, UNMEASURED, Ladder, Quotient, Run, Share, target_rows
from elbostone.report.targets import write_targets

SETTINGS = {"cpu": "a CPU", "gpu": None, "options": {"verb": "bench", "full": True, "threads": 2}}


def speed(images_per_second: float | None, **other: Any) -> dict[str, Any]:
    row = {"workload": "784-400-20", "stage": "training_step", "batch": 128, "backend": "torch", "dtype": "float32"}
    row |= {"mode": "tuned", "rung": "compiled", "notation": "n", "threads": "pinned", "awaited": True}
    bounds = {"lower": None, "upper": None, "roof_share": None, "library_share": None}
    if images_per_second is not None:
        bounds = {"lower": 0.9 * images_per_second, "upper": 1.1 * images_per_second}
        bounds |= {"roof_share": 0.5, "library_share": 0.8}
    return row | {"images_per_second": images_per_second} | bounds | other


def rung(name: str, of_published: float | None, **other: Any) -> dict[str, Any]:
    row = {"workload": "784-400-20", "stage": "training_step", "batch": 128, "backend": "torch", "dtype": "float32"}
    bounds = {"of_published_lower": None, "of_published_upper": None}
    if of_published is not None:
        bounds = {"of_published_lower": of_published / 2, "of_published_upper": of_published * 2}
    return row | {"start": "published", "rung": name, "of_published": of_published} | bounds | other


LADDER = Ladder(("torch",), "784-400-20", "training_step", 128)


def test_the_fastest_rung_that_was_measured_counts_with_its_own_interval() -> None:
    rungs = [rung("a", 0.5), rung("b", 0.25), rung("c", None), rung("d", 0.1, backend="keras-jax")]
    found = LADDER.found(Run([], rungs))
    assert found is not None
    assert (found.value, found.lower, found.upper, found.by) == (4, 2, 8, "torch b")
    assert found.at_the_roof is None, "the run has no throughput to say it by"


def test_a_ladder_that_starts_elsewhere_is_another_question() -> None:
    assert LADDER.found(Run([], [rung("a", 0.5, start="eager")])) is None


def test_what_the_roof_would_allow_is_of_the_tuned_stages_own_dtype() -> None:
    speeds = [speed(1000), speed(250, mode="published"), speed(9999, dtype="bfloat16")]
    found = LADDER.found(Run(speeds, [rung("a", 0.25)]))
    assert found is not None
    assert found.at_the_roof == 1000 / 0.5 / 250
    assert found.at_its_librarys_rate == 1000 / 0.8 / 250


def test_exported_models_peers_default_threads_and_unawaited_calls_are_not_the_best_of_the_frameworks() -> None:
    others = [
        speed(9000, mode="exported"),
        speed(9000, mode="peer"),
        speed(9000, threads="default"),
        speed(9000, awaited=False),
        speed(None),
    ]
    found = Share("training_step", 128).found(Run([*others, speed(100)], []))
    assert found is not None
    assert (found.value, found.lower, found.upper) == (0.5, 0.45, 0.55)
    assert found.by == "torch float32 tuned compiled"


def test_a_quotient_of_two_backends_has_the_quotients_of_the_bounds() -> None:
    quotient = Quotient("training_step", 128, {"backend": "keras-jax"}, {"backend": "torch"})
    run = Run([speed(300, backend="keras-jax"), speed(200)], [])
    found = quotient.found(run)
    assert found is not None
    assert found.value == 1.5
    assert (found.lower, found.upper) == pytest.approx((270 / 220, 330 / 180))
    assert quotient.found(Run(run.speeds[:1], [])) is None


def test_what_is_timed_in_the_same_processes_is_compared_process_by_process() -> None:
    """A process that is slow as a whole, here the second, says as much as any other."""
    quotient = Quotient("training_step", 128, {"backend": "keras-jax"}, {"notation": "numpyro"})
    ours = speed(300, backend="keras-jax", by_process=[300.0, 110.0, 330.0, 700.0])
    peer = speed(290, backend="jax", notation="numpyro", mode="peer", by_process=[200.0, 100.0, 300.0])
    found = quotient.found(Run([ours, peer], []))
    assert found is not None
    assert (found.value, found.lower, found.upper) == pytest.approx((1.1, 1.1, 1.5))


def test_every_target_is_a_row_and_says_what_was_not_measured(tmp_path: Path) -> None:
    rows = target_rows([speed(1000), speed(600, mode="published")], [rung("a", 0.625)])
    assert [row["target"] for row in rows] == [target.name for target in TARGETS]
    assert len({row["target"] for row in rows}) == len(rows)
    first, *rest = rows
    assert (first["found"], first["verdict"]) == (1.6, REACHED)
    assert {row["verdict"] for row in rest} == {UNMEASURED}
    assert target_rows([], [rung("a", 0.63)])[0]["verdict"] == MISSED
    write_targets(rows, SETTINGS, tmp_path)
    text = (tmp_path / "targets.md").read_text(encoding="utf-8")
    assert "`elbostone bench --full` repeats it" in text
    line = next(line for line in text.splitlines() if line.startswith("| training step"))
    assert [cell.strip() for cell in line.split("|")[2:6]] == ["1.6×", "1.6×", "0.8× – 3.2×", REACHED]
    assert (tmp_path / "targets.csv").exists()


def test_what_is_not_reached_is_not_rounded_to_the_target(tmp_path: Path) -> None:
    write_targets(target_rows([speed(1000)], [rung("a", 1 / 1.599)]), SETTINGS, tmp_path)
    lines = (tmp_path / "targets.md").read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("| training step"))
    cells = [cell.strip() for cell in line.split("|")]
    assert (cells[2], cells[3], cells[5]) == ("1.6×", "1.599×", MISSED)
