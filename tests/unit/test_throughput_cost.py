"""Planning and tabulating cost what the number of cells costs, and nothing else: a hundred notations, simulated."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from elbostone.backends.table import BACKENDS
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.reference.comparison import Tensors
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import random_weights
from elbostone.timing.judge.rates import rates_of, share
from elbostone.timing.judge.throughput import throughput_rows
from elbostone.timing.plan import BenchSample, Proven, Slice, plan_timings
from elbostone.timing.proof import Expected
from elbostone.timing.records import Measured, RateRecord, ThroughputRecord
from elbostone.timing.timed_problems import stage_reference
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import Workload
from elbostone.workers.records import Cell

BATCH = 4
SPEC = Spec("mlp", "bernoulli", "standard", "tanh", hidden=(5,), data_dim=6, latent_dim=2)
NOISE = np.random.default_rng(0).standard_normal((1, BATCH, 2))
PROBLEM = Problem("tiny", SPEC, np.zeros((BATCH, 6)), NOISE, random_weights(SPEC, 0))
EXPECTED = Expected(PROBLEM, stage_reference(PROBLEM, "float32", trained=False))
MODES = ("eager", "compiled")
STAGES = ("encoder", "decoder", "elbo", "training_step")
SAMPLE = BenchSample((Slice("tiny", (BATCH,), STAGES, MODES),), passes=2, max_time_s=0.1)


def simulated(count: int) -> tuple[list[Notation], Proven]:
    """So many notations, and their proven cells."""
    known = notations()["pytorch_examples"]
    chosen = [replace(known, id=f"simulated_{number}") for number in range(count)]
    cells = {
        Cell("tiny", notation.id, backend.framework, backend.name, "cpu", "float32", mode)
        for notation in chosen
        for backend in BACKENDS.values()
        for mode in MODES
    }
    return chosen, Proven(frozenset(cells))


def planned(chosen: list[Notation], proven: Proven) -> list[Timing]:
    files = [(Workload("tiny", BATCH, PROBLEM), "tiny.json")]
    return plan_timings(SAMPLE, files, chosen, {notation.id: notation.id for notation in chosen}, proven)


def recorded(timings: list[Timing]) -> list[Measured]:
    """A record per timing and pass, and the rooflines of every session."""
    records: list[Measured] = [
        ThroughputRecord(
            cell=timing.cell,
            status="ok",
            **timing.about(),
            number=number,
            rounds_ns=[1000] * 9,
            first_call_s=0.1,
            peak_memory_mb=1.0,
            before="right",
            after="right",
            images=BATCH,
        )
        for timing in timings
        for number in (1, 2)
    ]
    return records + [roofline((m, 5, 2)) for m in range(100)]


def roofline(shape: tuple[int, ...]) -> RateRecord:
    return RateRecord(
        device="cpu", library="torch", route="mm", operation="product", dtype="float32", shape=shape, seconds=1e-6
    )


def load(_: str) -> Tensors:
    return {name: EXPECTED.reference.tensors[name] for name in ("posterior_mean", "posterior_log_variance")}


def least_ratio(few: Callable[[], Any], many: Callable[[], Any], tries: int = 3) -> float:
    """How many times the processor time of `few` `many` takes, in the try in which that is least.

    One follows the other: what the processor's clock does meanwhile it does to both.
    """
    ratios = []
    for _ in range(tries):
        begin = time.process_time()
        few()
        between = time.process_time()
        many()
        ratios.append((time.process_time() - between) / (between - begin))
    return min(ratios)


def test_ten_times_the_notations_cost_ten_times_as_much() -> None:
    few, many = simulated(10), simulated(100)
    assert least_ratio(lambda: planned(*few), lambda: planned(*many)) <= 1.5 * 10
    small, large = (recorded(planned(*some)) for some in (few, many))
    assert len(large) > 5600
    rows = (lambda r=r: throughput_rows(r, lambda *_: EXPECTED, load) for r in (small, large))
    assert least_ratio(*rows) <= 1.5 * 10


def test_every_simulated_row_is_equal() -> None:
    rows = throughput_rows(recorded(planned(*simulated(20))), lambda *_: EXPECTED, load)
    assert {row["verdict"] for row in rows} == {"equal"}


def test_a_share_costs_the_same_however_many_rooflines_there_are() -> None:
    row = {"stage": "encoder", "batch": BATCH, "device": "cpu", "dtype": "float32"}
    own = [roofline((BATCH, 6, 5)), roofline((BATCH, 5, 2))]
    few, many = rates_of(own), rates_of(own + [roofline((m, 9, 9)) for m in range(20_000)])
    assert share(many, SPEC, row, 1e-5) == share(few, SPEC, row, 1e-5) == pytest.approx(0.3)
    works = (lambda r=r: [share(r, SPEC, row, 1e-5) for _ in range(200)] for r in (few, many))
    assert least_ratio(*works, 5) <= 3, "it would be 10,000 times as long to go through all"
