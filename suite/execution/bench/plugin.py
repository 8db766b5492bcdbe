"""What a session adds to pytest: the job file as an option, its timings as parameters, and a terse benchmark JSON."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from .child import ChildSession

_SESSION = pytest.StashKey[ChildSession]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--elbostone-job", metavar="JOB.json", help="the timings of this session")


def pytest_configure(config: pytest.Config) -> None:
    job = json.loads(Path(config.getoption("--elbostone-job")).read_text(encoding="utf-8"))
    config.stash[_SESSION] = ChildSession(job)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "timing" in metafunc.fixturenames:
        timings = metafunc.config.stash[_SESSION].timings
        metafunc.parametrize("timing", timings, ids=[timing.key for timing in timings])


@pytest.fixture(scope="session")
def session(pytestconfig: pytest.Config) -> ChildSession:
    """The one session of this process."""
    return pytestconfig.stash[_SESSION]


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    """run.json describes the machine; pytest-benchmark's own probe would take a second of every session."""
    return {"node": platform.node(), "machine": platform.machine(), "python_version": platform.python_version()}


def pytest_benchmark_generate_commit_info() -> dict[str, Any]:
    """run.json names the commit; a session runs in a folder outside any repository."""
    return {}
