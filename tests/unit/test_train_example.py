"""examples/train.py: it trains, and the bound that it prints is the reference's but for rounding."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = Path(__file__).parents[2] / "examples" / "train.py"
#: On TensorFlow and JAX a plain one; on torch weights with a posterior, another bound, a posterior per datum; images.
ASKED = {
    "torch": ("kingma_welling_2013_full_vb", "tomczak_welling_2018", "blei_2017"),
    "keras-torch": ("keras_io",),
    "keras-tensorflow": ("prince_2023",),
    "keras-jax": ("pytorch_examples",),
}


def run(*arguments: str, folder: Path) -> tuple[int, str, str]:
    """Run the example in a folder: (exit code, stdout, stderr)."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, str(TRAIN), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("runs_on", "name"),
    [pytest.param(b, name, marks=pytest.mark.backend(b)) for b, names in ASKED.items() for name in names],
)
def test_trains_and_is_held_against_the_reference(runs_on: str, name: str, tmp_path: Path) -> None:
    code, out, err = run(name, "--backend", runs_on, "--epochs", "2", "--png", "samples.png", folder=tmp_path)
    assert code == 0, err
    bound, reference = map(float, re.findall(r": (-[\d.]+)(?: nats per image|$)", out, flags=re.MULTILINE))
    assert bound == pytest.approx(reference, abs=1e-3)
    assert bound > -70, "two passes bring any of these above the 64 bits of fair coins, but for a Gaussian's constant"
    assert float(re.findall(r"nats, ([\d.e-]+) of the tolerance", out)[0]) < 1
    rows = [line for line in out.splitlines() if line and set(line) <= set(" ░▒▓█")]
    assert len(rows) == 8, out
    assert all(len(row) == 8 * 8 * 2 for row in rows), out
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_notation_is_refused(tmp_path: Path) -> None:
    code, _, err = run("nobody_2020", folder=tmp_path)
    assert code == 2
    assert "invalid choice: 'nobody_2020'" in err
