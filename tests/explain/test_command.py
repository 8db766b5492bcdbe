"""The command: text and JSON, exit codes, and files that crash, exit, hang or print."""

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


def test_a_mean_over_latents_is_not_the_elbo_and_no_fault() -> None:
    done = run(f"{CASES / 'on_numpy.py'}:averaged_over_latents", "--at", "D=784,J=20")
    assert done.returncode == 0, done.stderr
    first = " ".join(done.stdout.splitlines()[:2])
    assert first.startswith("This is not the ELBO: the KL is averaged over the latent dimensions (weight 1/J = 0.05).")


def test_a_mean_over_pixels_is_the_elbo_of_one_variance() -> None:
    entry = f"{CASES / 'on_numpy.py'}:averaged_over_pixels"
    done = run(entry, "--at", "D=784")
    assert done.returncode == 0, done.stderr
    assert "decoder whose variance is beta*D/2 = 39.2" in done.stdout
    assert "for a weight of 1 pass beta = 2/D" in " ".join(done.stdout.split())
    right = json.loads(run(entry, "--at", "D=784", "--set", f"beta={2 / 784}", "--json").stdout)
    assert right["beta_effective"]["value"] == pytest.approx(1.0, rel=1e-12)
    assert right["sentence"].startswith("This is the negative ELBO with a squared error")


def test_questions_and_their_exit_codes() -> None:
    file = CASES / "on_numpy.py"
    same = run(f"{file}:plain", "--against", f"{file}:plain_on_logits")
    assert same.returncode == 0, same.stderr
    assert "are the same objective: the second is 1/N times the first" in " ".join(same.stdout.split())
    other = json.loads(run(f"{file}:plain", "--against", f"{file}:averaged_over_latents", "--json").stdout)
    assert other["comparison"]["same"] is False
    assert other["one"]["bug"] is None
    weight = run(f"{file}:averaged_over_pixels", "--want", "beta=1", "--data", "digits", "--json")
    assert weight.returncode == 1
    assert json.loads(weight.stdout)["wanted"]["arguments"] == {"beta": "2/D"}
    assert json.loads(weight.stdout)["beta_effective"]["at"] == {"D": 64.0, "beta": 0.1}
    course = run(f"{file}:annealed", "--sweep", "epoch=0:500")
    assert course.returncode == 0
    assert "arrives by epoch 200 and stays" in " ".join(course.stdout.split())


def test_what_is_asked_beside_is_in_every_form(tmp_path: Path) -> None:
    entry = f"{CASES / 'on_numpy.py'}:averaged_over_pixels"
    done = run(entry, "--want", "beta=1", "--markdown", "--html", str(tmp_path / "answer.html"))
    assert done.returncode == 1
    assert done.stdout.startswith("The KL's weight is beta\\*D/2; for 1, pass beta = 2/D.")
    assert "<p>The KL&#x27;s weight is beta*D/2; for 1, pass beta = 2/D.</p>" in (tmp_path / "answer.html").read_text()
    assert "+    " not in done.stdout  # the answer to --want is the one change to show


def test_experiments_are_listed_where_they_are_asked_for() -> None:
    short, long = run(PLAIN).stdout.splitlines(), run(PLAIN, "--verbose").stdout.splitlines()
    [row] = [line for line in short if line.startswith("shown by")]
    assert "6 experiments, with residuals up to" in row
    assert sum("calls" in line for line in long) == 6


def test_a_size_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import numpy as np\n\ndef loss(recon, x, mu, logvar):\n"
        "    kl = 0.5 * np.sum(mu ** 2 + np.exp(logvar) - 1 - logvar, axis=1)\n"
        "    return np.sum((recon - x) ** 2) + kl.mean()\n"
    )
    done = run("own.py:loss", "--at", "D=784,J=20", cwd=tmp_path)
    assert "1/(2*N); its value needs N: --at N=…" in done.stdout


def test_an_error_in_the_loss_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def loss(recon, x, mu, logvar):\n    y = recon + 1\n    return y.nothing\n")
    done = run("own.py:loss", cwd=tmp_path)
    assert done.returncode == 2
    assert "AttributeError: 'numpy.ndarray' object has no attribute 'nothing' (own.py, line 3)" in done.stderr


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("nowhere.py:loss", "there is none"),
        ("loss", "expected FILE.py:NAME"),
        (f"{CASES / 'on_numpy.py'}:nobody", "the file has no 'nobody'; it defines plain, floor_per_example"),
        (f"{CASES / 'on_numpy.py'}:plain.nobody", "no attribute 'nobody'"),
        (f"{CASES / 'on_numpy.py'}:plain(", "expected a name or an expression"),
        ("no.such.module:loss", "found neither"),
        (f"{PLAIN} --arguments nobody=x", "argument 'nobody'"),
        (f"{PLAIN} --arguments x=nothing", "expected one of recon"),
        (f"{PLAIN} --at D=many", "expected a number"),
        (f"{PLAIN} --at D=-3,J=2", "--at D: expected a whole number from 1 on; found '-3'"),
        (f"{PLAIN} --html nowhere/answer.html", "--html: expected a file in a folder that exists"),
        (f"{PLAIN} --against {PLAIN} --markdown", "--against: expected text or --json"),
        (f"{PLAIN} --want beta=", "--want beta: expected a number"),
        (f"{PLAIN} --at Q=3", "--at Q: expected N, D, J, k, T; the loss has no 'Q'"),
        (f"{PLAIN} --guide guide", "the file has no 'guide'"),
        (f"{PLAIN} --guide plain", "--guide: expected a file that imports pyro or numpyro"),
        (f"{PLAIN} --sweep epoch=0:9", "does not depend on it"),
        (f"{PLAIN} --data nothing.npy", "there is none"),
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
    assert done.stdout.count("evil.py:loss") == 1


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
