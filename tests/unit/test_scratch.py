"""Temporary folders: a process's own goes with it, that of a killed one with the next, and of a living one stays."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from elbostone.workers import scratch

MAKES = """
import sys, tempfile
from elbostone.workers.scratch import own_folder
print(own_folder(), flush=True)
(own_folder() / "file").write_text("")
sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def started(place: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", MAKES],
        env={"TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_only_the_folder_of_a_living_process_stays(place: Path) -> None:
    (place / "elbostone-of-nobody").write_text("a file is no folder")
    (killed, left), (living, kept) = started(place), started(place)
    with killed, living:
        killed.kill()
        killed.wait()
        assert left.is_dir()
        scratch.remove_left()
        assert not left.exists()
        assert kept.is_dir()
        living.communicate("", timeout=60)
    assert not kept.exists(), "it goes with its process"
    assert [path.name for path in place.iterdir()] == ["elbostone-of-nobody"]
