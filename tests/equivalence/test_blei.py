"""Without an encoder, and with q(β|λ) over the decoder's weights, gradient ascent fits the digits on every backend."""

import json
import subprocess
import sys
from pathlib import Path

from equivalence import ascent_worker

from elbostone.reference.data import digits
from elbostone.reference.problem import save_tensors
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job

COUNT = 64
REACHED = {"point": -16.0, "posterior": -36.0}
"""Nats per datum: what 500 steps exceed, by 4 nats or more. The best that a collapsed q(z) has is −24.1, independent
pixels; where q(β|λ) stays the prior, no datum has more than −44.4, fair coins. The KL over the 1,168 weights in β,
shared by 64 data, is what a global posterior pays."""


def test_gradient_ascent_on_the_digits_reaches_its_bound(backend: str, tmp_path: Path) -> None:
    save_tensors({"x": digits(binarised=True)[:COUNT]}, tmp_path / "digits.safetensors")
    command = [sys.executable, ascent_worker.__file__, backend, str(tmp_path)]
    environment = worker_environment(Job(backend), tmp_path / "scratch")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{backend}:\n{done.stderr[-4000:]}"
    outcome = json.loads((tmp_path / f"ascent-{backend}.json").read_text(encoding="utf-8"))
    assert outcome.keys() == REACHED.keys()
    for decoder_weights, (before, after) in outcome.items():
        print(f"\n{backend}, β a {decoder_weights}: {before:.2f} to {after:.2f} nats")  # by pytest -s
        bound = REACHED[decoder_weights]
        assert before < bound < after, f"{backend}, {decoder_weights}: from {before} to {after}, expected over {bound}"
