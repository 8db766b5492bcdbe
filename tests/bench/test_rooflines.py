"""Rooflines: every route computes the product and has its rate, in its dtype, and a slow route takes little time."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.backends import open_binding
from elbostone.timing.measure.device import open_timing
from elbostone.timing.measure.product_rates import alternated, measure_roofline
from elbostone.timing.sessions import Session, plan_sessions, rooflines_of
from elbostone.timing.timings import Roofline, Timing
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job
from elbostone.workers.records import Cell

M, K, N = 32, 48, 24
A, B = (np.random.default_rng(0).standard_normal(shape).astype(np.float32) for shape in ((M, K), (K, N)))
#: Largest error by dtype; in bfloat16 the operands are rounded to eight bits.
ERROR = {"float32": 1e-5, "bfloat16": 0.1, "float64": 1e-5}


@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    ("dtype", "routes"), [("float32", {"mm", "oneDNN"}), ("bfloat16", {"mm", "oneDNN"}), ("float64", {"mm"})]
)
def test_every_route_of_torch_is_the_product(dtype: str, routes: set[str]) -> None:
    device = open_timing(open_binding("torch", "cpu"))
    dtypes = np.float64 if dtype == "float64" else np.float32
    found = device.product(A.astype(dtypes), B.astype(dtypes), dtype)
    # A processor without bfloat16 emulates the products, but packs no weights for them.
    packs = dtype != "bfloat16" or importlib.import_module("torch").ops.mkldnn._is_mkldnn_bf16_supported()
    assert set(found) == (routes if packs else {"mm"})
    for call in found.values():
        product = call()
        assert str(product.dtype) == f"torch.{dtype}"
        assert np.abs(product.double().numpy() - A.astype(np.float64) @ B).max() < ERROR[dtype]


@pytest.mark.backend("torch")
def test_tf32_is_of_a_gpu_alone() -> None:
    assert open_timing(open_binding("torch", "cpu")).product(A, B, "tf32") == {}


@pytest.mark.backend("torch")
@pytest.mark.parametrize("with_numpy", [True, False])
def test_a_roofline_has_a_record_per_route(with_numpy: bool) -> None:
    device = open_timing(open_binding("torch", "cpu"))
    found = list(measure_roofline(device, Roofline("product", (M, K, N), "float32"), with_numpy=with_numpy))
    names = {(f.library, f.route) for f in found}
    assert names == {("torch", "mm"), ("torch", "oneDNN")} | ({("numpy", "matmul")} if with_numpy else set())
    for record in found:
        assert record.status == "ok"
        assert len(record.rounds_ns) >= 2, "of a route that is slow while the machine is busy, what told so"
        assert 0 < record.seconds < 1
    read = list(measure_roofline(device, Roofline("read", (4000,), "bfloat16"), with_numpy=with_numpy))
    assert {f.library for f in read} == {"torch"}, "NumPy has no bfloat16"


@pytest.mark.backend("torch")
def test_a_route_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    device = open_timing(open_binding("torch", "cpu"))

    def gone() -> Any:
        raise AttributeError("no such operator")

    monkeypatch.setattr(device, "product", lambda a, b, dtype: {"gone": gone, "numpy": lambda: a @ b})
    found = {f.route: f for f in measure_roofline(device, Roofline("product", (M, K, N), "float32"), with_numpy=False)}
    assert found["gone"].status == "failed"
    assert found["gone"].reason == "AttributeError: no such operator"
    assert found["gone"].seconds is None
    assert found["numpy"].status == "ok"


def sleeper(seconds: float, calls: list[float]) -> Callable[[], None]:
    def call() -> None:
        calls.append(seconds)
        time.sleep(seconds)

    return call


def test_rounds_alternate_and_tell_fast_from_slow() -> None:
    calls: list[float] = []
    routes = {"fast": sleeper(1e-3, calls), "slow": sleeper(3e-3, calls)}
    found = alternated(routes, lambda _: None)
    assert [len(rounds) for rounds in found.values()] == [9, 9]
    assert np.median(found["slow"]) > 1.5 * np.median(found["fast"])
    first = calls[2:]
    assert first[0] == first[1] == 1e-3
    assert first.index(3e-3) < 4, "one round each, in turn"


def test_what_takes_long_has_few_rounds_and_slow_routes_none() -> None:
    calls: list[float] = []
    routes = {name: sleeper(seconds, calls) for name, seconds in (("fast", 0.12), ("near", 0.13), ("slow", 0.3))}
    found = alternated(routes, lambda _: None)
    assert {name: len(rounds) for name, rounds in found.items()} == {"fast": 2, "near": 2, "slow": 1}
    assert len(calls) == 3 + 2 * 2


def session(number: int, dtype: str = "float32", device: str = "cpu", threads: str = "pinned") -> Session:
    cell = Cell("p", "a", "torch", "torch", device, dtype, "eager")
    return Session(number, [Timing(cell, "w", "encoder", 4, "p.json", "a", "a.toml", threads=threads)])


def test_the_first_sessions_of_pinned_threads_measure_rooflines_of_their_dtypes() -> None:
    single, half = Roofline("product", (8, 8, 8), "float32"), Roofline("read", (64,), "bfloat16")
    assert rooflines_of(session(1), [single, half]) == rooflines_of(session(2), [single, half]) == [single]
    assert rooflines_of(session(1, "bfloat16"), [single, half]) == [half]
    assert not rooflines_of(session(3), [single, half])
    assert not rooflines_of(session(1, threads="default"), [single, half])


def test_tf32_is_allowed_in_sessions_of_its_own() -> None:
    timings = [t for dtype in ("float32", "tf32") for t in session(1, dtype, "cuda").timings]
    found = plan_sessions(timings, 1)
    assert [(s.name, s.tf32) for s in found] == [("torch-cuda-pass-1", False), ("torch-cuda-tf32-pass-1", True)]
    allowed = [worker_environment(Job("torch", "cuda", tf32=s.tf32), Path()).get("NVIDIA_TF32_OVERRIDE") for s in found]
    assert allowed == ["0", None]


def test_numpy_is_measured_by_the_first_backend_of_a_pass() -> None:
    timings = [
        Timing(Cell("p", "a", "keras", name, "cpu", "float32", "eager"), "w", "encoder", 4, "p.json", "a", "a.toml")
        for name in ("keras-jax", "keras-tensorflow")
    ]
    found = [(s.number, s.backend, s.with_numpy) for s in plan_sessions(timings, 2)]
    assert found == [
        (number, name, name == "keras-tensorflow") for number in (1, 2) for name in ("keras-tensorflow", "keras-jax")
    ]
