"""A file that forks, exits, floods or changes settings is an outcome with cause and line; the command goes on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PLAIN = "0.5 * np.sum((x - recon) ** 2) + 0.5 * np.sum(mu ** 2 + np.exp(logvar) - 1 - logvar)"


def run(folder: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    source = (
        f"import os\nimport sys\n\nimport numpy as np\n\n\ndef loss(recon, x, mu, logvar):\n{body}    return {PLAIN}\n"
    )
    (folder / "own.py").write_text(source)
    command = [sys.executable, "-P", "-m", "elbostone", "explain", "own.py:loss", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=120)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    while True: pass\n", "no outcome within 12 s at own.py, line 8"),
        ("    sys.exit(3)\n", "it ends the process: SystemExit: 3 (own.py, line 8)"),
        ("    os._exit(4)\n", "ended with exit code 4"),
        ("    os.abort()\n", "ended with signal SIGABRT at own.py, line 8"),
        ("    os.fork()\n", "it forks (own.py, line 8)"),
    ],
    ids=["hang", "exit", "at once", "abort", "fork"],
)
def test_it_does_not_come_through(tmp_path: Path, body: str, said: str) -> None:
    done = run(tmp_path, body, "--timeout", "12")
    assert done.returncode == 1, done.stderr
    assert said in " ".join(done.stdout.split())
    assert done.stdout.startswith("Not explained. own.py:loss: ")
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


def test_a_flood_ends(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run(tmp_path, "    while True:\n        print('flood' * 10000)\n", "--timeout", "100")
    assert done.returncode == 1
    assert "it exceeds the limit of output (own.py, line 9)" in done.stdout
    assert "floodflood" not in done.stdout + done.stderr
    assert time.monotonic() - began < 90


def test_memory_is_limited(tmp_path: Path) -> None:
    done = run(tmp_path, "    recon = recon + np.ones(2 * 10**12).sum()\n")
    assert done.returncode == 1
    assert "it exceeds the limit of memory (own.py, line 8)" in done.stdout


def test_what_is_changed_in_place_and_for_the_process_is_noted(tmp_path: Path) -> None:
    body = "    saved = x.copy()\n    x[...] = 0\n    x = saved\n    os.chdir('/')\n    np.seterr(all='ignore')\n"
    here = Path.cwd()
    done = run(tmp_path, body, "--json")
    answer = json.loads(done.stdout)
    notes = {note["name"]: note["sentence"] for note in answer["findings"]}
    assert "`x`" in notes["in-place"]
    assert "the working folder, NumPy's handling of errors" in notes["global-state"]
    assert answer["bug"] is None
    assert Path.cwd() == here


def test_a_quiet_loss_has_no_such_note(tmp_path: Path) -> None:
    answer = json.loads(run(tmp_path, "", "--json").stdout)
    assert answer["findings"] == []
    assert answer["sentence"].startswith("This is the negative ELBO")


def test_it_is_imported_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    (tmp_path / "own.py").write_text(
        f"import numpy as np\n\nwith open({os.fspath(count)!r}, 'a') as file:\n    file.write('x')\n\n\n"
        "def loss(recon, x, mu, logvar):\n    kl = 0.5 * (mu ** 2 + np.exp(logvar) - 1 - 0.5 * logvar)\n"
        "    return 0.5 * np.sum((x - recon) ** 2) + np.sum(kl)\n"
    )
    command = [sys.executable, "-P", "-m", "elbostone", "explain", "own.py:loss"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120)
    assert "+    kl = 0.5 * (mu ** 2 + np.exp(logvar) - 1 - logvar)" in done.stdout
    assert count.read_text() == "x"
