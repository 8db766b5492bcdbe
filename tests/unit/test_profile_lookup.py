"""`bench --profile CELL`: which timing a key names, and what is said of one that names none."""

from dataclasses import replace
from pathlib import Path

import pytest

from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages
from elbostone.reference.errors import BadInput
from elbostone.timing.command import candidates, find_timing
from elbostone.timing.plan import QUICK, Proven, plan_timings
from elbostone.timing.workloads import make_workload
from elbostone.workers.records import Cell

STEP = "training_step-784-400-20-128-pytorch_examples"


@pytest.mark.parametrize(
    ("key", "on", "mode", "last_step", "threads"),
    [
        (f"{STEP}-torch-cpu-float32-eager", "torch", "eager", "", "pinned"),
        (f"{STEP}-torch-cpu-float32-eager-default-threads", "torch", "eager", "", "default"),
        (f"{STEP}-keras-tensorflow-cpu-float32-compiled-xla", "keras-tensorflow", "compiled-xla", "", "pinned"),
        (f"{STEP}-torch-cpu-bfloat16-tuned-fused-adam", "torch", "tuned", "fused-adam", "pinned"),
        (f"{STEP}-torch-cuda-bfloat16-tuned-cuda-graphs", "torch", "tuned", "cuda-graphs", "pinned"),
    ],
)
def test_a_key_names_its_timing(key: str, on: str, mode: str, last_step: str, threads: str) -> None:
    timing = find_timing(key)
    assert (timing.stage, timing.workload, timing.batch) == ("training_step", "784-400-20", 128)
    assert (timing.cell.notation, timing.cell.backend, timing.cell.mode) == ("pytorch_examples", on, mode)
    assert (timing.last_step, timing.threads) == (last_step, threads)
    assert timing.key == key
    assert (timing.package, timing.notation_file) == (
        packages()["pytorch_examples"],
        str(notations()["pytorch_examples"].path),
    )


def test_what_a_run_plans_is_found() -> None:
    workload = make_workload("digits", 128)
    proven = [
        Cell(workload.problem.name, notation, backend.framework, backend.name, "cpu", "float32", "eager")
        for notation in notations()
        for backend in BACKENDS.values()
    ]
    sample = QUICK.of_all_notations()
    where = packages()
    planned = plan_timings(sample, [(workload, "")], notations().values(), where, Proven(frozenset(proven)))
    known = {timing.key: timing for timing in candidates()}
    assert len(planned) > 100
    for timing in planned:
        found = known[timing.key]
        assert replace(found, cell=replace(found.cell, problem=workload.problem.name)) == timing


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (f"{STEP}-torch-cpu-float32-egaer", f"the closest known are {STEP}-torch-cpu-float32-eager, "),
        (f"{STEP}-keras-torch-cpu-float32-compiled", f"{STEP}-torch-cpu-float32-compiled"),
        (f"{STEP}-torch-cpu-float32-tuned", f"{STEP}-torch-cpu-float32-tuned-"),
        (f"{STEP}-torch-cpu-float32-tuned-no-such", f"{STEP}-torch-cpu-float32-tuned-"),
        ("nothing", "expected STAGE-WORKLOAD-BATCH-NOTATION-BACKEND-DEVICE-DTYPE-MODE"),
        ("", "expected STAGE-WORKLOAD-BATCH"),
    ],
)
def test_an_unknown_key_is_told_the_closest_ones(key: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        find_timing(key)
    message = str(error.value)
    assert said in message
    assert message.endswith(f"; found '{key}'")
    assert "\n" not in message


def test_what_no_profiler_of_a_framework_sees_is_refused() -> None:
    with pytest.raises(BadInput, match="run by ONNX Runtime"):
        find_timing("encoder-784-400-20-128-pytorch_examples-torch-cpu-float32-exported")


def test_a_notation_file_is_there() -> None:
    assert Path(find_timing(f"{STEP}-torch-cpu-float32-eager").notation_file).is_file()
