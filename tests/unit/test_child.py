"""What a child process does first."""

import platform
import subprocess
import sys

import pytest

# Three blocks of 12 MiB, freed together, are more than glibc keeps of what it has seen; faults are pages of 4 KiB.
FAULTS = """
import resource
from elbostone.workers.child import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [b"x" * (12 << 20) for _ in range(3)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = [faults() for _ in range(4)]
keep_freed_memory()
print(first[-1], [faults() for _ in range(4)][-1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc keeps memory its own way")
def test_memory_that_was_freed_is_kept() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 1000, "the process got new pages at every round"
    assert after < 100, "it kept them"
