"""A session in its process: pytest, with the timings as parameters and a terse benchmark JSON."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any

import pytest

from ...backends import Binding
from ...workers.records import Append
from ..asked import SessionAsked
from .session import ChildSession

Asked = SessionAsked


def measure(binding: Binding, asked: SessionAsked, append: Append) -> None:
    """Run pytest in a new folder below the current one."""
    scratch = Path.cwd()
    tests = scratch / "tests"
    tests.mkdir()
    shutil.copy(Path(__file__).with_name("test_stages.py"), tests)
    (tests / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    os.chdir(tests)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    storage = f"--benchmark-storage={(scratch / 'storage').as_uri()}"
    plugin = Plugin(binding, asked, append)
    code = pytest.main([*asked.options, storage, "test_stages.py"], plugins=[plugin])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        plugin.session.close()
    if code != pytest.ExitCode.OK:
        raise SystemExit(code)


class Plugin:
    """The hooks and fixtures that a session adds to pytest.

    Args: as `ChildSession`.
    """

    session: ChildSession

    def __init__(self, binding: Binding, asked: SessionAsked, append: Append):
        self.arguments = binding, asked, append

    def pytest_configure(self) -> None:
        self.session = ChildSession(*self.arguments)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "timing" in metafunc.fixturenames:
            timings = self.session.asked.timings
            metafunc.parametrize("timing", timings, ids=[timing.key for timing in timings])

    @pytest.fixture(scope="session", name="session")
    def the_session(self) -> ChildSession:
        """The one session of this process."""
        return self.session

    def pytest_benchmark_generate_machine_info(self) -> dict[str, Any]:
        """run.json describes the machine; pytest-benchmark's probe would take a second of every session."""
        return {"node": platform.node(), "machine": platform.machine(), "python_version": platform.python_version()}

    def pytest_benchmark_generate_commit_info(self) -> dict[str, Any]:
        """run.json names the commit; a session runs in a folder outside any repository."""
        return {}
