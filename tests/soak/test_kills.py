"""Checks that are killed at random instants, and go on to the end: each cell has its record, and nothing is left."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from soak.amount import amount
from soak.processes import CHOSEN, PROBLEM, left_of, processes, started

from elbostone.workers.records import identity, read_records
from elbostone.workers.run_folder import PLAN, RunFolder, read_plan

pytestmark = pytest.mark.backend("torch")
KILLS = {"check": 140, "bench": 30, "run": 30}
"""Those of `bench` and `run` take ten times as long."""
SIZES = 50
GRACE_S = 10.0
"""Within which a worker notes that its parent has gone."""


@pytest.mark.parametrize("verb", KILLS)
def test_what_is_killed_goes_on_to_the_end(verb: str, tmp_path: Path) -> None:
    chance, wanted = random.Random(verb), amount(KILLS[verb])
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    first = (verb, *([str(PROBLEM)] if verb == "check" else []), *CHOSEN, "--out", str(out))
    begin = time.monotonic()
    assert started(*first, temporary=temporary).wait(600) == 0
    whole_s, kills, runs = time.monotonic() - begin, 0, 1
    (undisturbed,) = out.iterdir()
    assert {each["status"] for each in read_records(RunFolder(undisturbed).records) if "problem" in each} >= {"ok"}
    while kills < wanted:
        known = set(out.iterdir())
        process, stop = started(*first, temporary=temporary), True
        while stop:
            time.sleep(chance.uniform(0, 1.1 * whole_s))
            stop = process.poll() is None and kills < wanted
            if not stop:
                break
            kills += 1
            process.send_signal(chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)))
            process.wait(60)
            new = [each for each in out.iterdir() if each not in known and (each / PLAN).exists()]
            process = started(*((verb, "--resume", str(new[0])) if new else first), temporary=temporary)
        code = process.wait(600)
        runs += 1
        (folder,) = (each for each in out.iterdir() if each not in known and (each / PLAN).exists())
        run = RunFolder(folder)
        assert code == 0, (tmp_path / "said").read_text()[-2000:]
        planned = [each for phase in read_plan(folder).phases.values() for each in phase or ()]
        recorded = [identity(each) for each in read_records(run.records) if "problem" in each]
        assert sorted(recorded) == sorted(planned), "each cell once"
        assert left_of(run) == left_of(RunFolder(undisturbed)), "no file is missing, none is left"
        json.loads((folder / "run.json").read_text())
    deadline = time.monotonic() + GRACE_S
    while (left := processes(temporary)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    assert "Traceback" not in (tmp_path / "said").read_text()
    assert not list(temporary.iterdir()), "the last run removes what was left, and its own"
    print(f"{verb}: {kills} kills, {runs} runs of {whole_s:.1f} s")


def test_a_full_disk_ends_in_one_line_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk, temporary, said = tmp_path / "disk", tmp_path / "temporary", tmp_path / "said"
    disk.mkdir()
    temporary.mkdir()
    sizes = [4 * round(1 + n * 40 / amount(SIZES)) for n in range(amount(SIZES))]
    for kib in sizes:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(disk)]
        try:
            mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            mounted = False
        if not mounted:
            pytest.skip("a small disk needs the right to mount one")
        try:
            said.write_text("")
            code = started("check", str(PROBLEM), *CHOSEN, "--out", str(disk / "out"), temporary=temporary).wait(600)
            text = said.read_text()
            assert "Traceback" not in text, f"{kib} KiB: {text}"
            assert code in (0, 1, 2), f"{kib} KiB: {text}"
            lines = [line for line in text.splitlines() if line.startswith("elbostone: ")]
            assert len(lines) == (code == 2), f"{kib} KiB: {text}"
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            plans = list((disk / "out").glob(f"*/{PLAN}"))
            assert code != 2 or ("to go on: " in text) == bool(plans), f"{kib} KiB: {text}"
            for plan in plans:
                again = started("check", "--resume", str(plan.parent), temporary=temporary).wait(600)
                assert again == 0, f"{kib} KiB: {said.read_text()}"
        finally:
            subprocess.run(["umount", str(disk)], check=True)
