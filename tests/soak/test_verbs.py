"""Every verb, under every kind of surroundings: it ends with the code that it has elsewhere, in one line at most."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from soak.amount import amount

pytestmark = pytest.mark.backend("torch")
QUICK = Path(__file__).parents[2] / "reports/committed/quick"
PROBLEM = Path(__file__).parent.parent / "exact" / "binary-tanh.json"
TORCH = "--backend torch --notation pytorch_examples"
#: Verb → its arguments, after `elbostone`, in a folder with a problem p.json and a run `run`; and its exit code.
VERBS = {
    "list": ("list", 0),
    "list --json": ("list --json", 0),
    "check": (f"check p.json {TORCH}", 0),
    "evaluate": (f"evaluate p.json {TORCH} --json", 0),
    "symbols": ("symbols --symbol θ --run run", 0),
    "copy": ("copy wikipedia --framework torch", 0),
    "report": ("report run", 0),
    "compare": ("compare run run", 0),
    "explain": ("explain nothing.py:loss", 2),
    "bench": ("bench --profile nothing", 2),
    "run": ("run --resume nothing", 2),
    "theta": ("theta --backend nothing", 2),
}
#: Surroundings → a line of a shell around "$@", and the exit code of a verb that would print, where it is another.
SURROUNDINGS = {
    "plain": ('"$@"', None),
    "ASCII": ('PYTHONIOENCODING=ascii "$@"', None),
    "LANG=C": ('LANG=C LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 "$@"', None),
    "TERM=dumb": ('TERM=dumb "$@"', None),
    "NO_COLOR": ('NO_COLOR=1 "$@"', None),
    "40 columns": ('COLUMNS=40 "$@"', None),
    "no HOME": ('env -u HOME "$@"', None),
    "closed stdout": ('"$@" >&-', 2),
    "full stdout": ('"$@" >/dev/full', 2),
    "broken stdout": ('"$@" | true; exit ${PIPESTATUS[0]}', 141),
    "closed stderr": ('"$@" 2>&-', None),
    "full stderr": ('"$@" 2>/dev/full', None),
    "closed stdin": ('"$@" <&-', None),
    "deleted folder": ('mkdir gone && cd gone && rmdir ../gone && "$@"', None),
    "read-only folder": (
        'unshare -m bash -c \'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"\' bash "$@"',
        None,
    ),
}
MAY_REFUSE = ("deleted folder", "read-only folder")
FOLDERS = ("plain", "a b", "[red]", "[/b]", "θ", "a\nb", "=1+1")
CASES = [(verb, line, "plain") for verb in VERBS for line in SURROUNDINGS]
CASES += [(verb, "plain", folder) for verb in VERBS for folder in FOLDERS[1:]]


def test_a_verb_ends_as_it_should(tmp_path: Path) -> None:
    step = max(1, len(CASES) // max(10, amount(len(CASES))))
    fell, untried = [], 0
    for verb, surroundings, name in CASES[::step]:
        (arguments, code), (line, other) = VERBS[verb], SURROUNDINGS[surroundings]
        folder = tmp_path / name
        if not folder.exists():
            shutil.copytree(QUICK, folder / "run")
            for suffix in (".json", ".safetensors"):
                shutil.copy(PROBLEM.with_suffix(suffix), folder / f"p{suffix}")
        program = [sys.executable, "-P", "-m", "elbostone", *arguments.split()]
        done = subprocess.run(
            ["bash", "-c", line, "bash", *program], cwd=folder, capture_output=True, check=False, env=dict(os.environ)
        )
        said = done.stderr.decode(errors="replace")
        # What is closed is found before anything else; a verb that prints nothing meets no full or broken one.
        allowed = {code} if other is None else {other} if code == 0 else {code, 2}
        if surroundings in MAY_REFUSE:
            allowed.add(2)
        if said.startswith(("unshare: ", "mount: ")):
            untried += 1  # it needs the right to mount
            continue
        lines = [each for each in said.splitlines() if each.startswith("elbostone: ")]
        if done.returncode not in allowed or "Traceback" in said or len(lines) > 1:
            fell.append(f"{verb} in {name!r}, {surroundings}: {done.returncode}, not {allowed}: {said[-300:]}")
    assert not fell, "\n".join(fell)
    print(f"{len(CASES[::step])} of {len(CASES)} cases, {untried} not tried: they need the right to mount")
