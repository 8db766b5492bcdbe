"""The verb: text and JSON, exit codes, and what it does with a file that crashes, exits, hangs or prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from explain.compared import CASES

PLAIN = f"{CASES / 'on_numpy.py'}:plain"


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "elbostone", "explain", *arguments]  # as the script `elbostone` starts
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


def test_text_is_80_columns_and_begins_with_the_sentence() -> None:
    done = run(PLAIN)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("This is the negative ELBO with a Bernoulli decoder (probabilities)")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("coefficients") and "1 on R, 1 on K" in line for line in lines)


def test_published_notations_and_the_nearest() -> None:
    equal = json.loads(run(PLAIN, "--json").stdout)["nearest_notation"]
    assert equal["equal"] == ["altosaar_2016", "pytorch_examples", "rezende_2014"]
    near = json.loads(run(f"{CASES / 'on_numpy.py'}:floor_per_example", "--json").stdout)["nearest_notation"]
    assert near == {"equal": [], "nearest": "higgins_2017", "differs_in": ["sense", "thresholds", "coefficients"]}


def test_json_has_the_fields_of_the_contract() -> None:
    done = run(PLAIN, "--json", "--at", "D=784,J=20")
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1
    assert answer["entry"] == PLAIN
    for name in (
        "sentence",
        "formula",
        "roles",
        "affine",
        "sense",
        "data_reduction",
        "pixel_reduction",
        "bug",
        "latent_reduction",
        "likelihood",
        "scale_kind",
        "kl",
        "coefficients",
        "regions",
        "beta_effective",
        "implied_variance",
        "constant_nats_per_datum",
        "constants_dropped",
        "nearest_notation",
        "findings",
        "change",
        "parameters",
        "state",
        "thresholds",
        "terms",
        "working_dtype",
        "residual",
        "undetermined",
        "experiments",
        "seconds",
    ):
        assert name in answer, name


def test_a_fault_is_exit_code_1() -> None:
    done = run(f"{CASES / 'on_numpy.py'}:half_on_the_constant_only")
    assert done.returncode == 1
    assert "lacks its factor 1/2" in done.stdout


def test_numbers_at_sizes_and_values(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import numpy as np\n\ndef loss(a, b, m, s, w=0.1):\n"
        "    kl = 0.5 * np.mean(m ** 2 + np.exp(s) - 1 - s)\n    return np.mean((a - b) ** 2) + w * kl\n"
    )
    roles = "a=recon,b=x,m=mu,s=posterior scale"
    answer = json.loads(
        run("own.py:loss", "--json", "--arguments", roles, "--at", "D=100,J=5", "--set", "w=0.4", cwd=tmp_path).stdout
    )
    assert answer["beta_effective"]["value"] == pytest.approx(0.4 * 100 / (2 * 5), rel=1e-12)
    assert answer["beta_effective"]["at"] == {"D": 100.0, "J": 5.0, "w": 0.4}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("nowhere.py:loss", "there is none"),
        ("loss", "expected FILE.py:NAME"),
        ("no.such.module:loss", "found neither"),
        (f"{PLAIN} --arguments nobody=x", "argument 'nobody'"),
        (f"{PLAIN} --arguments x=nothing", "expected one of recon"),
        (f"{PLAIN} --at D=many", "expected a number"),
        (f"{PLAIN} --set beta", "expected NAME=VALUE"),
    ],
)
def test_bad_input_is_one_line(entry: str, said: str) -> None:
    done = run(*entry.split(" "))
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("elbostone:")]) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import os\nos._exit(5)", "exit code 5"),
        ("raise SystemExit(0)", "SystemExit"),
        ("1 / 0", "ZeroDivisionError"),
        ("import time\ntime.sleep(60)", "no outcome within 8 s"),
    ],
)
def test_a_file_that_does_not_come_through_is_an_outcome(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "evil.py").write_text(f"{body}\n\ndef loss(recon, x, mu, logvar):\n    return 0.0\n")
    done = run("evil.py:loss", "--timeout", "8", cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stdout


def test_what_a_file_prints_is_not_ours_and_its_folder_comes_last(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('imported in place of the standard library')\n")
    (tmp_path / "helper.py").write_text("HALF = 0.5\n")
    (tmp_path / "loud.py").write_text(
        "import numpy as np\nfrom helper import HALF\nprint('loud')\n\n"
        "def loss(recon, x, mu, logvar):\n    print('louder')\n"
        "    return HALF * np.sum((x - recon) ** 2) + HALF * np.sum(mu ** 2 + np.exp(logvar) - 1 - logvar)\n"
    )
    done = run("loud.py:loss", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["coefficients"] == {"recon": "1", "kl": "1", "constant": "0"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["helper.py", "json.py", "loud.py"]
