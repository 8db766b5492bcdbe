"""Several processes that go on with one run at once: one writes to it, the others say so and leave it alone."""

import random
import signal
import time
from pathlib import Path

import pytest
from soak.amount import amount
from soak.processes import CHOSEN, PROBLEM, left_of, started

from elbostone.workers.records import identity, read_records
from elbostone.workers.run_folder import PLAN, RunFolder, read_plan

pytestmark = pytest.mark.backend("torch")
TIMES = 50
WRITERS = 3


def test_of_several_writers_one_goes_on(tmp_path: Path) -> None:
    chance, refused = random.Random("writers"), 0
    out, temporary, said = tmp_path / "out", tmp_path / "temporary", tmp_path / "said"
    temporary.mkdir()
    first = ("check", str(PROBLEM), *CHOSEN, "--out", str(out))
    begin = time.monotonic()
    assert started(*first, temporary=temporary).wait(600) == 0
    whole_s = time.monotonic() - begin
    (undisturbed,) = out.iterdir()
    for _ in range(amount(TIMES)):
        known = set(out.iterdir())
        process = started(*first, temporary=temporary)
        while not (plans := [each / PLAN for each in out.iterdir() if each not in known and (each / PLAN).exists()]):
            assert process.poll() is None, said.read_text()
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5 * whole_s))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        said.write_text("")
        run = RunFolder(plans[0].parent)
        resumed = [started("check", "--resume", str(run.path), temporary=temporary) for _ in range(WRITERS)]
        codes = [each.wait(600) for each in resumed]
        text = said.read_text()
        assert codes.count(0) + codes.count(2) == WRITERS, text
        assert 0 in codes, text
        assert text.count("expected no process at work in this run") == codes.count(2), text
        assert "Traceback" not in text, text
        planned = [each for phase in read_plan(run.path).phases.values() for each in phase or ()]
        recorded = [identity(each) for each in read_records(run.records) if "problem" in each]
        assert sorted(recorded) == sorted(planned), "each cell once"
        assert left_of(run) == left_of(RunFolder(undisturbed)), "no file is missing, none is left"
        refused += codes.count(2)
    assert refused, "they were not at work at once"
    print(f"{amount(TIMES)} runs with {WRITERS} writers each, of which {refused} were refused")
