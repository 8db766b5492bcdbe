"""From raw rounds to rows: medians, intervals, shares of the rooflines, and what is not equal has no figure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.reference.comparison import Tensors
from elbostone.reference.oracle import rounded
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import random_weights
from elbostone.timing.judge.rooflines import products
from elbostone.timing.judge.throughput import COLUMNS, throughput_rows, unstable
from elbostone.timing.proof import Expected
from elbostone.timing.records import as_measured, timing_records
from elbostone.timing.tables import best, write_throughput
from elbostone.timing.timed_problems import stage_reference

BATCH = 4
SPEC = Spec("mlp", "bernoulli", "standard", "tanh", hidden=(5,), data_dim=6, latent_dim=2)


def problem_of(batch: int) -> Problem:
    generator = np.random.default_rng(0)
    x = generator.integers(0, 2, (batch, 6)).astype(float)
    return Problem(f"tiny-{batch}", SPEC, x, generator.standard_normal((1, batch, 2)), random_weights(SPEC, 0))


PROBLEMS = {problem.name: problem for problem in (problem_of(BATCH), problem_of(1))}
EXPECTED = {
    name: Expected(rounded(problem, "float32"), stage_reference(problem, "float32", trained=False))
    for name, problem in PROBLEMS.items()
}


def timing(microseconds: float, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A record whose every round took as long, save an outlier that a median ignores."""
    rounds = [round(microseconds * 1e3)] * 9 + [10**9]
    record = {
        "schema": 1,
        "kind": "throughput",
        "problem": f"tiny-{changes.get('batch', BATCH)}",
        "notation": "a",
        "framework": "torch",
        "backend": "torch",
        "device": "cpu",
        "dtype": "float32",
        "mode": "eager",
        "status": "ok",
        "reason": None,
        "workload": "tiny",
        "stage": "encoder",
        "batch": BATCH,
        "rung": "",
        "threads": "pinned",
        "pass": number,
        "rounds_ns": rounds,
        "images": changes.get("batch", BATCH),
        "adam": None,
        "first_call_s": 0.1 * number,
        "graphs": None,
        "peak_memory_mb": 100.0 + number,
        "before": "right",
        "after": "right",
    }
    return record | changes


def roofline(seconds: float, shape: tuple[int, ...], library: str = "torch", **changes: Any) -> dict[str, Any]:
    record = {
        "schema": 1,
        "kind": "roof",
        "backend": "torch",
        "device": "cpu",
        "pass": 1,
        "library": library,
        "route": "mm",
        "operation": "product",
        "shape": list(shape),
        "dtype": "float32",
        "seconds": seconds,
    }
    return record | changes


def load(name: str) -> Tensors:
    """`right`: the reference; `one`: of one row; `wrong`: its posterior mean is off in one place; `nan`: no number."""
    reference = EXPECTED["tiny-1" if name == "one" else f"tiny-{BATCH}"].reference.tensors
    tensors = {head: np.array(reference[head]) for head in ("posterior_mean", "posterior_log_variance")}
    if name == "wrong":
        tensors["posterior_mean"][2, 1] += 1e-3
    if name == "nan":
        tensors["posterior_log_variance"][0, 0] = np.nan
    return {} if name == "none" else tensors


def rows_of(*records: dict[str, Any]) -> list[dict[str, Any]]:
    measured = [as_measured(record) for record in records]
    return throughput_rows(measured, lambda name, dtype, batch, bound: EXPECTED[name], load)


def unstable_of(*records: dict[str, Any]) -> set[str]:
    return unstable([as_measured(record) for record in records], passes=2)


def test_a_row_has_every_column_and_the_cell() -> None:
    (row,) = rows_of(timing(100.0))
    assert tuple(row) == COLUMNS
    assert (row["workload"], row["stage"], row["batch"], row["mode"]) == ("tiny", "encoder", BATCH, "eager")
    assert row["flop_per_image"] == 2 * (6 * 5 + 2 * 5 * 2)
    assert row["verdict"] == "equal"


def test_the_median_of_the_processes_medians_counts() -> None:
    (row,) = rows_of(timing(100.0, 1), timing(400.0, 2), timing(200.0, 3, rounds_ns=[200_000] * 1000))
    assert row["images_per_second"] == pytest.approx(BATCH / 200e-6)
    assert row["lower"] == pytest.approx(BATCH / 400e-6)
    assert row["upper"] == pytest.approx(BATCH / 100e-6)
    assert (row["processes"], row["interval"], row["stable"]) == (3, "spread", False)
    assert row["by_process"] == pytest.approx([BATCH / 100e-6, BATCH / 400e-6, BATCH / 200e-6])
    assert row["first_call_s"] == pytest.approx(0.3)
    assert row["peak_memory_mb"] == 103


def test_the_first_call_is_of_sessions_with_an_empty_cache() -> None:
    rows = rows_of(timing(100.0, 1, cold_cache=True), timing(100.0, 2, cold_cache=False))
    assert rows[0]["first_call_s"] == pytest.approx(0.1)
    assert rows_of(timing(100.0, 2, cold_cache=False))[0]["first_call_s"] is None


def test_six_processes_make_an_interval() -> None:
    assert [rows_of(*(timing(100.0, n) for n in range(count)))[0]["interval"] for count in (5, 6)] == ["spread", "95 %"]


def test_with_twelve_processes_an_odd_one_no_longer_bounds_the_figure() -> None:
    (row,) = rows_of(*(timing(500.0 if n == 1 else 100.0 + n, n) for n in range(1, 13)))
    # The third lowest and highest of twelve: 1 − 2·P(Binomial(12, ½) < 3) = 96 %.
    assert row["upper"] == pytest.approx(BATCH / 104e-6)
    assert row["lower"] == pytest.approx(BATCH / 111e-6)
    assert row["stable"]


def test_what_the_first_processes_do_not_agree_on_is_unstable_whatever_later_ones_say() -> None:
    steady = [timing(100.0, n, stage="decoder") for n in (1, 2)]
    wild = [timing(100.0 * n, n) for n in (1, 2)]
    later = [timing(100.0, n, stage="decoder") for n in (3,)] + [timing(100.0, n) for n in (3, 4)]
    key = as_measured(wild[0]).timing.key
    assert unstable_of(*steady, *wild, *later) == {key}
    assert unstable_of(*steady, *wild[:1], *later) == set(), "it was not timed so often"
    assert unstable_of(*(timing(1.0, n, rounds_ns=[]) for n in (1, 2))) == set(), "it was not timed"


@pytest.mark.parametrize(("other", "stable"), [(109.0, True), (112.0, False)])
def test_stable_is_a_spread_within_ten_percent(other: float, stable: bool) -> None:
    assert rows_of(timing(100.0, 1), timing(other, 2))[0]["stable"] is stable


def test_one_process_is_not_known_to_be_stable() -> None:
    assert rows_of(timing(100.0))[0]["stable"] is False


def test_a_planted_slow_cell_is_seen_as_slower() -> None:
    fast, slow = rows_of(*(timing(100.0 * k, n, notation=name) for n in (1, 2) for name, k in (("a", 1), ("slow", 3))))
    assert (fast["notation"], slow["notation"]) == ("a", "slow")
    assert slow["upper"] < fast["lower"]
    assert fast["images_per_second"] == pytest.approx(3 * slow["images_per_second"])


def test_roofline_share_takes_the_best_library_and_library_share_the_own() -> None:
    # The encoder: [4, 6]·[6, 5] once and [4, 5]·[5, 2] twice.
    rooflines = [
        roofline(2e-6, (4, 6, 5)),
        roofline(3e-6, (4, 5, 2)),
        roofline(1e-6, (4, 6, 5), "numpy"),
        roofline(9e-6, (4, 5, 2), "numpy"),
    ]
    (row,) = rows_of(timing(100.0), *rooflines)
    assert row["roof_share"] == pytest.approx((1 + 2 * 3) / 100)
    assert row["library_share"] == pytest.approx((2 + 2 * 3) / 100)


def test_a_roofline_is_the_best_of_all_sessions_of_its_device_and_dtype() -> None:
    shapes = [(p.m, p.k, p.n) for p in products(SPEC, "encoder", BATCH)]
    rooflines = [roofline(seconds, shape) for shape in shapes for seconds in (5e-6, 2e-6, 4e-6)]
    others = [roofline(1e-9, shape, device="cuda") for shape in shapes] + [
        roofline(1e-9, s, dtype="float64") for s in shapes
    ]
    assert rows_of(timing(100.0), *rooflines, *others)[0]["roof_share"] == pytest.approx(3 * 2 / 100)


def test_without_a_roofline_of_these_shapes_there_is_no_share() -> None:
    (row,) = rows_of(timing(100.0), roofline(1e-6, (4, 6, 5)))
    assert row["roof_share"] is row["library_share"] is None


def test_batch_one_is_held_against_reading_the_weights() -> None:
    size = 4 * (6 * 5 + 5 + 2 * (5 * 2 + 2))
    read = [roofline(1e-6, (size,), operation="read"), roofline(5e-7, (size,), "numpy", operation="read")]
    (row,) = rows_of(timing(10.0, batch=1, before="one", after="one"), *read)
    assert (row["roof_share"], row["library_share"]) == (pytest.approx(0.05), pytest.approx(0.1))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("outputs", "tensor"), [("wrong", "posterior_mean[2, 1]"), ("nan", "posterior_log_variance[0, 0]")]
)
def test_a_call_whose_own_outputs_differ_has_no_figure(when: str, outputs: str, tensor: str) -> None:
    (row,) = rows_of(timing(100.0, 1), timing(100.0, 2, **{when: outputs}))
    assert row["verdict"] == "differs"
    assert row["reason"].startswith(f"pass 2, {when} timing: {tensor}")
    assert row["images_per_second"] is row["roof_share"] is row["stable"] is None


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_process_without_an_outcome_is_the_verdict(status: str) -> None:
    (row,) = rows_of(timing(100.0, 1), timing(100.0, 2, status=status, reason="out of memory"))
    assert (row["verdict"], row["reason"]) == (status, "pass 2: out of memory")
    assert row["images_per_second"] is None


def test_graphs_are_counted_where_something_was_compiled() -> None:
    compiled = timing(100.0, mode="compiled", graphs={"graphs": 2, "breaks": 1, "recompiles": 0})
    assert [row["graphs"] for row in rows_of(timing(100.0), compiled)] == [None, 2]


def test_records_of_equality_are_passed_over(tmp_path: Path) -> None:
    equality = timing(100.0)
    del equality["kind"]
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(equality) + "\n", encoding="utf-8")
    assert timing_records(file) == []


def test_the_quickest_is_bold_unless_it_is_unstable(tmp_path: Path) -> None:
    quick = [timing(50.0, n, stage="decoder", mode="compiled") for n in (1, 2)]
    slow = [timing(100.0, n, stage="decoder") for n in (1, 2)]
    wild = [timing(10.0 * n, n, mode="compiled") for n in (1, 2)]
    calm = [timing(100.0, n) for n in (1, 2)]
    settings = {"cpu": "a CPU", "gpu": None, "options": {"threads": 2}}
    write_throughput(rows_of(*quick, *slow, *wild, *calm), settings, tmp_path)
    text = (tmp_path / "throughput.md").read_text(encoding="utf-8")
    bold = [line for line in text.splitlines() if line.startswith("|") and "**" in line]
    assert len(bold) == 1
    assert "decoder" in bold[0]
    assert f"**{BATCH / 50e-6:,.0f}**" in bold[0]


def test_what_a_reader_wants_comes_first(tmp_path: Path) -> None:
    plain = [timing(100.0, n) for n in (1, 2)]
    tuned = [timing(50.0, n, mode="tuned", rung="fused-adam") for n in (1, 2)]
    rows = rows_of(*plain, *tuned)
    rows.append(rows[0] | {"mode": "peer", "notation": "pyro-ppl", "rung": "Trace_ELBO", "images_per_second": 3000.0})
    rows.append(rows[-1] | {"notation": "pythae", "images_per_second": 2000.0})
    rows.append(rows[-1] | {"stage": "elbo"})
    assert best(rows) == [
        [
            "tiny",
            "encoder",
            str(BATCH),
            "float32",
            "torch, tuned: fused-adam",
            "80,000",
            "2.00",
            "",
            "26.67× pyro-ppl (Trace_ELBO)",
        ]
    ]
    settings = {"cpu": "a CPU", "gpu": None, "options": {"threads": 2}}
    write_throughput(rows, settings, tmp_path)
    text = (tmp_path / "throughput.md").read_text(encoding="utf-8")
    assert (
        0 < text.index("## The quickest of each stage") < text.index("torch, tuned: fused-adam") < text.index("## All")
    )
