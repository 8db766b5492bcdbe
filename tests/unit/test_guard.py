"""The guard of a worker ends all that the worker started, whenever its parent ends, and bounds what it prints."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from elbostone.workers.guard import PRINTED_MOST, READ_MOST

#: What a worker does in place of a job.
START = "import os, sys, time\nfrom pathlib import Path\nfrom elbostone.workers.guard import guard\n"
WORKER = START + "if guard(Path(sys.argv[1])):\n    {does}\n"
PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:]], stdin=subprocess.PIPE, start_new_session=True)
print("started", flush=True)
sys.stdin.read()
"""
#: A call that never gives back the lock of the interpreter, or the processor to its threads.
HOLDS_THE_LOCK = "import ctypes; ctypes.PyDLL(None).sleep(600)"
LEAVES_A_SESSION = (
    "import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]],"
    " start_new_session=True); {then}"
)


def running(mark: Path) -> list[int]:
    """The processes that were started with a path, but for those that have ended and wait to be asked."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                ended = "\nState:\tZ" in (entry / "status").read_text()
                if not ended and str(mark).encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def gone(mark: Path, within_s: float = 20) -> bool:
    """Whether they end by themselves."""
    deadline = time.monotonic() + within_s
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(mark)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A worker's."""
    folder = tmp_path / "worker"
    folder.mkdir()
    return folder


def guarded(folder: Path, does: str) -> subprocess.Popen[bytes]:
    """A guard whose worker does something; what it prints goes to the file `output` beside its folder."""
    with (folder.parent / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", WORKER.format(does=does), str(folder)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@pytest.mark.parametrize("does", [HOLDS_THE_LOCK, LEAVES_A_SESSION.format(then="time.sleep(600)")])
@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.06, 0.1, 0.3, 0.6])
def test_nothing_outlives_the_parent(folder: Path, does: str, after_s: float) -> None:
    command = [sys.executable, "-c", PARENT, WORKER.format(does=does), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        time.sleep(after_s)
        parent.kill()
    assert gone(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("then", "code"), [("os._exit(3)", 3), ("os.abort()", -signal.SIGABRT), ("os.kill(os.getpid(), 9)", -9)]
)
def test_nothing_outlives_the_worker_and_the_guard_ends_as_it_did(folder: Path, then: str, code: int) -> None:
    process = guarded(folder, LEAVES_A_SESSION.format(then=f"time.sleep(0.2); {then}"))
    assert process.wait(30) == code
    assert running(folder) == []
    assert folder.exists(), "the parent reads it"
    assert process.stdin is not None
    process.stdin.close()


def test_the_end_of_the_guard_is_the_worker_s(folder: Path) -> None:
    process = guarded(folder, HOLDS_THE_LOCK)
    time.sleep(0.5)
    assert len(running(folder)) == 2
    process.kill()
    process.communicate()
    assert gone(folder)


def test_a_signal_to_its_own_group_is_the_worker_s_alone(folder: Path) -> None:
    process = guarded(folder, "os.killpg(0, 9)")
    assert process.wait(30) == -signal.SIGKILL
    assert process.stdin is not None
    process.stdin.close()


def test_of_an_endless_output_the_last_is_kept(folder: Path) -> None:
    much = f"[os.write(2, b'x' * {READ_MOST}) for _ in range(400)]"
    process = guarded(folder, f"{much}; os.write(1, b'the last'); exit(7)")
    assert process.wait(60) == 7
    output = (folder.parent / "output").read_bytes()
    assert len(output) <= PRINTED_MOST
    assert output.endswith(b"the last")
    assert process.stdin is not None
    process.stdin.close()


def test_an_endless_output_stops_nobody(folder: Path) -> None:
    process = guarded(folder, "while True: os.write(2, b'x' * 100000)")
    time.sleep(1)
    started = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - started < 10
    assert running(folder) == []
    assert (folder.parent / "output").stat().st_size <= PRINTED_MOST
