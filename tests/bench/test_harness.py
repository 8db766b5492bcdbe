"""The effects of the harness on a call: a negligible overhead, a time limit, and the requested slowdown."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from elbostone.timing.measure.harness import MIN_CALLS, slowed, time_stage


def each_ns(call: Callable[[], Any], calls: int) -> list[int]:
    taken = []
    for _ in range(calls):
        begin = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - begin)
    return taken


NOTHING = """
from elbostone.timing.measure.harness import limited

def test_nothing(benchmark):
    with limited(lambda: None, 60) as call:
        benchmark.pedantic(call, rounds=2000, warmup_rounds=100, iterations=1)
    print(f"NS {benchmark.stats.stats.median * 1e9}")
"""


def test_a_call_that_computes_nothing_takes_next_to_nothing(tmp_path: Path) -> None:
    """The quickest stages take some ten microseconds; nothing is subtracted from a figure."""
    (tmp_path / "test_nothing.py").write_text(NOTHING, encoding="utf-8")
    options = ["-q", "-s", "-p", "no:cacheprovider", "--rootdir=.", "-c", "pytest.ini", "test_nothing.py"]
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *options]
    # pytest-benchmark times nothing in a worker of pytest-xdist.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout.partition("NS ")[2].split()[0]) < 2_000


def test_calls_that_became_slow_are_ended_and_those_until_then_count() -> None:
    taken: list[int] = []

    class Benchmark:
        """pytest-benchmark's fixture, which calls until it is stopped."""

        has_error = True

        def __call__(self, call: Callable[[], Any]) -> None:
            while True:
                call()
                taken.append(1)

    benchmark = Benchmark()
    assert time_stage(lambda: time.sleep(0.002), benchmark, 0.05)
    assert MIN_CALLS <= len(taken) < 50
    assert not benchmark.has_error


def test_a_slowed_call_takes_its_share_more() -> None:
    """The share is of the same call's time: a call that has to wait also idles longer."""
    inner: list[int] = []

    def work() -> None:
        inner.extend(each_ns(lambda: sum(range(20_000)), 1))

    outer = each_ns(slowed(work, 0.1), 50)
    ratios = np.array(outer) / np.array(inner)
    assert (ratios >= 1.1).all()
    assert np.median(ratios) < 1.13, "idling ends when it should"
