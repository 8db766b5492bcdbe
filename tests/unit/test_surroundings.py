"""What surrounds the program: streams that are closed, full or ASCII, folders that are gone, signals. One line each."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

START = (sys.executable, "-P", "-m", "elbostone")
# Whether a stream is full or closed shows with any output; this one is quick.
SAYS = (*START, "copy", "wikipedia", "--framework", "torch")


def run(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell, where "$@" is the program with its arguments."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **more}
    return subprocess.run(
        ["bash", "-c", command, "bash", *SAYS],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


STREAMS = {
    "ASCII": ('PYTHONIOENCODING=ascii "$@"', 0, ""),
    "LANG=C": ('LANG=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 "$@"', 0, ""),
    "closed": ('"$@" >&-', 2, "elbostone: stdout: expected an open file for the results; found it closed\n"),
    "full": ('"$@" >/dev/full', 2, "elbostone: a file or stream: No space left on device\n"),
    "its reader has gone": ('"$@" | true; exit ${PIPESTATUS[0]}', 141, ""),
    "no stderr": ('"$@" 2>&-', 0, ""),
    "full stderr": ('"$@" nothing 2>/dev/full', 2, ""),
    "no stdin": ('"$@" <&-', 0, ""),
}


@pytest.mark.parametrize(("command", "code", "said"), STREAMS.values(), ids=STREAMS)
def test_a_stream_ends_no_run_with_more_than_a_line(command: str, code: int, said: str, tmp_path: Path) -> None:
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_letter_that_stdout_lacks_is_its_escape(tmp_path: Path) -> None:
    assert "\\u03b8" in run('PYTHONIOENCODING=ascii "$@"', tmp_path).stdout
    assert "θ" in run('"$@"', tmp_path).stdout


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = run('cd gone; rmdir ../gone; "$@" --out vae.py', tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "vae.py: No such file or directory" in done.stderr
    (tmp_path / "gone").mkdir()
    problem = run('cd gone; rmdir ../gone; exec "$1" -P -m elbostone evaluate p.json', tmp_path)
    assert (problem.returncode, problem.stderr.count("\n")) == (2, 1), problem.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
@pytest.mark.parametrize("after_s", [0.4, 2.0])
def test_a_signal_ends_it_with_a_line_and_its_code(number: signal.Signals, after_s: float, tmp_path: Path) -> None:
    """While it imports, and later."""
    with subprocess.Popen([*START, "list"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        time.sleep(after_s)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    ended = process.returncode, said.decode()
    assert ended in ((128 + number, f"elbostone: stopped by {number.name}\n"), (0, "")), "or it was done already"


SWALLOWS = """
import sys, time
from elbostone import __main__ as program, cli

def swallow(*_):
    print("ready", flush=True)
    try:
        time.sleep(60)
    except BaseException:
        pass
    time.sleep(60)

class Finder:
    def find_spec(self, name, path, target=None):
        swallow()

if sys.argv[1] == "import":
    del sys.modules["elbostone.cli"]
    sys.meta_path.insert(0, Finder())
cli.outcome = swallow
program.main()
"""


@pytest.mark.parametrize("where", ["import", "run"])
def test_a_signal_that_something_swallows_ends_it_all_the_same(where: str, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", SWALLOWS, where]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said.decode()) == (143, "elbostone: stopped by SIGTERM\n")


def test_a_signal_that_nohup_ignores_is_ignored(tmp_path: Path) -> None:
    code = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", code, *SAYS]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_square_brackets_are_no_markup(tmp_path: Path) -> None:
    (tmp_path / "[red]").mkdir()
    done = run('"$@" --out "[red]/[b].py"', tmp_path)
    assert done.stderr == "wrote [red]/[b].py; python [red]/[b].py trains it on the digits\n"
