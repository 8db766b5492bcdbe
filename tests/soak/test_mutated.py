"""Mutated files of every kind: each is read, or refused in one line, in a process whose memory is limited."""

import json
import subprocess
import sys
from pathlib import Path

from soak.amount import amount

SCRIPT = Path(__file__).with_name("mutated.py")
FILES = 100_000


def test_a_mutated_file_is_read_or_refused(tmp_path: Path) -> None:
    count = amount(FILES)
    command = [sys.executable, str(SCRIPT), "1", str(count), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert not found["fell"], "\n".join(found["fell"][:10])
    refused = sum(n for name, n in found["counts"].items() if name.endswith("refused"))
    assert refused > count / 4, "a mutation that is never refused tests nothing"
    print(found["counts"], found["peak_mib"])
