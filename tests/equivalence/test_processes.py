"""Workers: a crash, a hang or a lie costs one cell, and the rest goes on; and a GPU that is not there is said so."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from equivalence.planted import PACKAGE, copy
from whole import WHOLE

from elbostone.backends.base import cpu_count
from elbostone.backends.table import Backend
from elbostone.equality.plan import plan_cells
from elbostone.equality.records import EqualityRecord, Task
from elbostone.notations.registry import notations, packages
from elbostone.reference.errors import EnvironmentLacks
from elbostone.reference.problem import load_problem, read_tensors
from elbostone.workers import probe as probing
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job
from elbostone.workers.pool import run_plan
from elbostone.workers.probe import require_backends
from elbostone.workers.selection import Plan, Selection
from elbostone.workers.supervisor import least_used
from elbostone.workers.tasks import TasksAsked

CASE = Path(__file__).parent.parent / "exact" / "binary-tanh.json"
NOTHING_LACKING = Backend("other", "torch", "pytorch", (), ("eager",))
ANCHOR = "    def quantities(self"
CRASH = "    def __getattribute__(self, name):\n        import os\n        os.abort()\n\n"
HANG = "    def __getattribute__(self, name):\n        import time\n        time.sleep(600)\n\n"
RAISE = "    def __getattribute__(self, name):\n        raise RuntimeError('planted')\n\n"


@pytest.fixture
def tasks(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Good, crashing, hanging, raising, good: in this order in one worker."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    selection = Selection((notations()["pytorch_examples"],), (backend,), gradients=False)
    (good,) = plan_cells(load_problem(CASE), CASE, selection).tasks
    planted = {}
    for name, text in {"crash": CRASH, "hang": HANG, "raise": RAISE}.items():
        edits = dict.fromkeys(("torch", "keras"), ((ANCHOR, text + ANCHOR),))
        toml = copy(f"planted_{name}", "pytorch_examples", tmp_path, edits)
        cell = type(good.cell)(**{**good.cell.as_json(), "notation": f"planted_{name}"})
        planted[name] = Task(cell, good.problem_file, f"{PACKAGE}.planted_{name}", str(toml), gradients=False)
    return [good, planted["crash"], planted["hang"], planted["raise"], good]


@pytest.mark.enough_on(*WHOLE)
def test_a_crash_or_a_hang_costs_that_cell_alone(tasks: list[Task], tmp_path: Path) -> None:
    records: list[EqualityRecord] = []
    run_plan(Plan(tasks), tmp_path / "run", cpus=cpu_count(), timeout_s=45, on_record=records.append)
    assert [record.status for record in records] == ["ok", "failed", "timeout", "failed", "ok"]
    assert records[1].reason == "the worker ended with signal SIGABRT"
    assert records[2].reason == "no outcome within 45 s"
    assert records[3].reason == "RuntimeError: planted"
    assert "planted" in records[3].traceback
    for record in records:
        if record.status == "ok":
            assert read_tensors(tmp_path / "run" / "tensors" / record.tensors)["elbo"].shape == (3,)


def test_what_ran_is_what_was_asked_for(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend, the dtype and the threads; what strays in the environment decides nothing."""
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    monkeypatch.setenv("JAX_ENABLE_X64", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    selection = Selection(
        (notations()["pytorch_examples"],), (backend,), dtypes=("float64", "float32"), gradients=False
    )
    plan = plan_cells(load_problem(CASE), CASE, selection)
    records: list[EqualityRecord] = []
    run_plan(plan, tmp_path, cpus=cpu_count(), threads=cpu_count(), timeout_s=120, on_record=records.append)
    assert [record.status for record in records] == ["ok", "ok"], [record.reason for record in records]
    for record in records:
        active = record.active
        assert active is not None
        assert (active.backend, active.device, active.dtype) == (backend, "cpu", record.cell.dtype)
        assert active.threads == cpu_count()
        assert active.versions


def test_a_gpu_asked_for_where_there_is_none_is_said_so(backend: str) -> None:
    if Path("/dev/nvidia0").exists():
        assert require_backends("cuda", (backend,)) == {}
        return
    with pytest.raises(EnvironmentLacks, match=r"device 'cuda': no GPU that .* can see"):
        require_backends("cuda", (backend,))


def test_a_backend_that_does_not_see_the_gpu_is_missing_where_another_does(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unseen = f"device 'cuda': no GPU that {backend} can see"
    monkeypatch.setattr(probing, "blindness", lambda name, device: unseen if name == backend else "")
    others = {name: b for name, b in probing.BACKENDS.items() if not b.lacking()} | {"torch": NOTHING_LACKING}
    monkeypatch.setattr(probing, "BACKENDS", others | {backend: probing.BACKENDS[backend], "other": NOTHING_LACKING})
    blind = require_backends("cuda", ())
    assert set(blind) == {backend}
    selection = Selection((notations()["pytorch_examples"],), (backend,), device="cuda", blind=blind)
    (record,) = plan_cells(load_problem(CASE), CASE, selection).settled
    assert (record.status, record.reason) == ("missing", unseen)
    with pytest.raises(EnvironmentLacks, match=f"no GPU that {backend} can see"):
        require_backends("cuda", (backend, "other"))


def test_a_worker_that_cannot_start_fails_all_its_cells_at_once(
    backend: str, tasks: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = {"torch": "torch"}.get(backend, "keras")
    (tmp_path / f"{package}.py").write_text("raise ImportError('broken')")
    records: list[EqualityRecord] = []
    run_plan(Plan(tasks), tmp_path / "run", cpus=1, timeout_s=60, on_record=records.append)
    assert [(r.status, r.reason) for r in records] == [("failed", "the worker ended with exit code 1")] * len(tasks)
    assert "broken" in records[0].traceback


def test_the_device_is_a_value(backend: str, tmp_path: Path) -> None:
    """The same plan for a GPU names it in every cell, and its workers may see the device."""
    selection = Selection((notations()["pytorch_examples"],), (backend,), device="cuda")
    (task,) = plan_cells(load_problem(CASE), CASE, selection).tasks
    assert task.cell.device == "cuda"
    assert task.package == packages()["pytorch_examples"]
    assert "CUDA_VISIBLE_DEVICES" not in worker_environment(Job(backend, "cuda"), tmp_path)
    assert worker_environment(Job(backend), tmp_path)["CUDA_VISIBLE_DEVICES"] == "-1"


@pytest.mark.enough_on("torch")
def test_a_worker_ends_with_its_parent(backend: str, tmp_path: Path, tasks: list[Task]) -> None:
    """Even where the parent is killed and can clean up nothing."""
    parts = (("equality.measure", TasksAsked([tasks[2]], str(tmp_path))),)  # the one that hangs
    job = Job(backend, parts=parts)
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    command = [sys.executable, "-m", "elbostone.workers.guard", str(tmp_path / "job.json")]
    parent = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen(sys.argv[1:], start_new_session=True, stdin=subprocess.PIPE).pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, *command],
        stdout=subprocess.PIPE,
        env=worker_environment(Job(backend, threads=cpu_count()), tmp_path),
        text=True,
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        time.sleep(2)
        assert _runs(worker)
        process.kill()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _runs(worker):
        time.sleep(0.2)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_worker_starts_without_what_keras_needs_for_nothing_here(backend: str, tmp_path: Path) -> None:
    """But whoever imports it later has it."""
    code = (
        "import sys; from elbostone.backends import open_binding; "
        f"open_binding({backend!r}, 'cpu'); assert 'pandas' not in sys.modules; import pandas; pandas.DataFrame()"
    )
    subprocess.run(
        [sys.executable, "-c", code], env=worker_environment(Job(backend), tmp_path), check=True, timeout=120
    )


def test_workers_side_by_side_have_cpus_of_their_own() -> None:
    available = sorted(os.sched_getaffinity(0))
    assert least_used(1) == available[:1]
    assert least_used(len(available)) == available
    if len(available) > 1:
        assert least_used(1, [available[:1]]) == available[1:2]
