"""The command line: what it prints where, and its exit codes. No framework runs here."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from elbostone import cli
from elbostone.backends import table as backends
from elbostone.backends.table import BACKENDS
from elbostone.equality import plan
from elbostone.notations.registry import notations
from elbostone.notations.writing import written_by
from elbostone.reference.problem import load_problem

EXACT = Path(__file__).parent.parent / "exact"
CASE = str(EXACT / "binary-tanh.json")
CELL = "training_step-784-400-20-128-pytorch_examples-torch-cpu-float32-eager"
DEFINING = [n for n in notations().values() if written_by(n, load_problem(Path(CASE)).spec)]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(command_line: Run) -> Run:
    return command_line


@pytest.fixture
def no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where none is installed."""
    monkeypatch.setattr(backends, "find_spec", lambda name: None)


@pytest.mark.parametrize("verb", ["list", "check", "evaluate", "bench", "report", "run", "theta", "train"])
def test_every_verb_has_help_and_json(run: Run, verb: str) -> None:
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert "--json" in out


def test_version(run: Run) -> None:
    assert run("--version")[:2] == (0, f"elbostone {cli.__version__}\n")


def test_list_prints_notations_and_backends(run: Run) -> None:
    code, out, _ = run("list", "--json")
    document = json.loads(out)
    assert code == 0
    assert {"keras_io", "kingma_welling_2013", "kingma_welling_2019", "pytorch_examples"} <= {
        entry["notation"] for entry in document["notations"]
    }
    assert [entry["backend"] for entry in document["backends"]] == list(backends.BACKENDS)
    assert "Kingma & Welling" in run("list")[1]


WRONG = {
    "no such verb": (("dance",), "No such command 'dance'"),
    "no such option": (("list", "--loud"), "No such option"),
    "no problem": (("evaluate",), "Missing argument"),
    "no such file": (("evaluate", "nowhere.json"), "nowhere.json: cannot be read"),
    "notation": (("evaluate", CASE, "--notation", "nobody_2020"), "notation 'nobody_2020': expected one of"),
    "a part of a notation": (("evaluate", CASE, "--notation", "prince"), "wikipedia; did you mean prince_2023?"),
    "a slip": (("check", CASE, "--dtype", "flaot32"), "did you mean float32"),
    "backend": (("evaluate", CASE, "--backend", "caffe"), "backend 'caffe': expected one of torch, keras-tensorflow"),
    "device": (("evaluate", CASE, "--device", "tpu"), "device 'tpu': expected one of cpu, cuda; found 'tpu'"),
    "dtype": (("check", CASE, "--dtype", "float8"), "dtype 'float8': expected one of float64, float32"),
    "mode": (("check", CASE, "--mode", "lazy"), "mode 'lazy': expected one of eager, compiled"),
    "no run": (("report", "nowhere"), "nowhere/run.json: expected a run folder"),
    "not a run": (("run", "--resume", "."), "run.json: expected a run folder"),
    "no cell to check": (("check", "--mode", "compiled-xla", "--backend", "torch"), "no cell matches"),
    "a letter that nobody prints": (("symbols", "--symbol", "щ"), "--symbol: expected a letter that a source prints"),
    "no letter": (("symbols", "--symbol", ""), "--symbol: expected a letter that a source prints"),
    "too many threads": (("check", CASE, "--threads", "100000"), "--threads: expected at most"),
    "no such backend of theta": (("theta", "--backend", "caffe"), "backend 'caffe': expected one of torch"),
    "profile of no cell": (("bench", "--profile", f"{CELL}r"), f"expected a timing, the closest known are {CELL}, "),
    "profile beside what chooses": (
        ("bench", "--profile", CELL, "--full", "--backend", "torch"),
        "--profile: the key chooses the timing: expected no --full, --peers, --aa, --notation, --backend, --resume",
    ),
    "profile on another device": (("bench", "--profile", CELL, "--device", "cuda"), "expected --device cpu, as in"),
    "tests of timings beside peers": (("bench", "--aa", "--peers"), "--aa: expected alone or with --full; found"),
    "no cell": (("evaluate", CASE, "--mode", "compiled-xla", "--backend", "torch"), "no cell matches"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_usage_is_one_line_and_exit_code_2(
    run: Run, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: object())
    arguments, message = WRONG[wrong]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("elbostone: ")
    assert err.count("\n") == 1
    assert message.partition(";")[0] in err
    assert not list(tmp_path.iterdir()), "something was left behind"


@pytest.mark.usefixtures("no_framework")
def test_a_backend_asked_for_by_name_and_not_installed_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    code, out, err = run("evaluate", CASE, "--backend", "keras-jax")
    assert (code, out) == (3, "")
    assert err == "elbostone: keras-jax needs keras, jax: pip install 'elbostone[keras-jax]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_framework")
def test_a_cell_whose_backend_is_not_installed_is_not_profiled(run: Run, tmp_path: Path) -> None:
    code, out, err = run("bench", "--profile", CELL)
    assert (code, out, err) == (3, "", "elbostone: torch needs torch: pip install 'elbostone[torch]'\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_framework")
def test_list_prints_the_whole_command_that_installs_a_backend(run: Run) -> None:
    assert "'elbostone[keras-jax]'" in "".join(run("list")[1].split())


@pytest.mark.usefixtures("no_framework")
def test_a_gpu_without_a_framework_that_sees_one_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    code, _, err = run("run", "--device", "cuda")
    assert code == 3
    assert "device 'cuda': no GPU" in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_no_compiler_for_the_compiled_mode_is_exit_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: object())
    monkeypatch.setenv("CXX", "no-such-compiler")
    code, _, err = run("check", CASE, "--backend", "torch", "--mode", "compiled")
    assert code == 3
    assert "needs a C++ compiler; 'no-such-compiler' is not on the PATH" in err


@pytest.mark.usefixtures("no_framework")
def test_what_is_merely_not_installed_is_missing_and_exit_code_0(run: Run) -> None:
    code, out, _ = run("evaluate", CASE, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["problem"] == "binary-tanh"
    missing = [record for record in document["records"] if record["status"] == "missing"]
    assert all("pip install 'elbostone[" in record["reason"] for record in missing)
    assert len(missing) == len(BACKENDS) * len(DEFINING)
    assert len(document["records"]) == len(BACKENDS) * len(notations())
    assert {record["status"] for record in document["records"]} <= {"missing", "unsupported"}


@pytest.mark.usefixtures("no_framework")
def test_a_check_without_frameworks_says_missing_and_writes_its_tables(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("check", CASE, "--out", "here")
    assert code == 0
    missing, cells = (2 * len(BACKENDS) * len(some) for some in (DEFINING, notations()))  # two dtypes
    *why, counts = out.splitlines()
    assert counts == f"cells: {missing} missing, {cells - missing} unsupported"
    assert sum(int(line.split()[1]) for line in why) == cells
    assert any(line.startswith("missing: ") and "pip install 'elbostone[torch]'" in line for line in why)
    assert any(line.startswith("unsupported: ") and "prince_2023 defines no likelihood" in line for line in why)
    (folder,) = (tmp_path / "here").iterdir()
    table = (folder / "equivalence.csv").read_text()
    assert table.splitlines()[0].startswith("problem,notation,framework,backend,device,dtype,mode,adapted,term,verdict")
    assert table.count(",missing,") == missing
    assert "equal" not in table


def test_an_unwritable_place_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    code, _, err = run("check", CASE, "--out", "taken")
    assert code == 2
    assert "taken: cannot be written to: Not a directory" in err


def test_a_compiled_cell_without_a_compiler_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    assert "no-such-compiler" in (plan.lacking_compiler() or "")


@pytest.mark.usefixtures("no_framework")
def test_a_file_that_was_edited_and_not_installed_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = notations()["pytorch_examples"].path.parent
    here = tmp_path / "implementations" / own.name
    here.mkdir(parents=True)
    for name in ("notation.toml", "torch_vae.py", "keras_vae.py"):
        (here / name).write_bytes((own / name).read_bytes())
    assert "warning" not in run("evaluate", CASE)[2]
    (here / "torch_vae.py").write_text("# another\n")
    assert "edited here: implementations/pytorch_examples/torch_vae.py: pip install" in run("evaluate", CASE)[2]
    assert "warning" not in run("evaluate", CASE, "--notation", "wikipedia")[2]
