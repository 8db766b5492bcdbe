"""The commands that the soak starts and stops, the processes that are there, and the files of a run."""

import os
import subprocess
import sys
from pathlib import Path

from elbostone.workers.run_folder import RunFolder

PROGRAM = (sys.executable, "-P", str(Path(__file__).with_name("brief.py")))
CHOSEN = ("--backend", "torch", "--notation", "pytorch_examples", "--notation", "kingma_welling_2019")
PROBLEM = Path(__file__).parent.parent / "exact" / "binary-tanh.json"


def started(*arguments: str, temporary: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with (temporary.parent / "said").open("ab") as said:
        return subprocess.Popen([*PROGRAM, *arguments], env=environment, stdout=said, stderr=said)


def processes(temporary: Path) -> list[int]:
    """Those whose temporary files are there."""
    wanted, found = f"TMPDIR={temporary}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def left_of(run: RunFolder) -> set[Path]:
    """The files of a run."""
    return {each.relative_to(run.path) for each in run.path.rglob("*") if each.is_file()}
