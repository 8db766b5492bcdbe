"""Which backends a test session has: what it must have, what it says it has, and which tests that leaves out."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from whole import WHOLE

import elbostone
from elbostone import cli
from elbostone.backends.table import BACKENDS
from elbostone.page import extra
from elbostone.workers import environment, supervisor
from elbostone.workers.environment import THREAD_LIMITS, kept_by_jax
from elbostone.workers.supervisor import least_used

ROOT = Path(__file__).parent.parent
# Set by tox.ini: the backends that must be installed, and no others. Not set where a developer calls pytest.
EXPECTED = os.environ.get("ELBOSTONE_EXPECTED_BACKENDS")
# Those whose tests run here: all that are expected, or where a developer has many, some of them.
TESTED = os.environ.get("ELBOSTONE_TESTED_BACKENDS", EXPECTED)
# Where all processes of a session share what JAX compiled; the session's first process sets it for the others.
COMPILED = "ELBOSTONE_TESTS_COMPILED"
# What drives a browser is installed where the page is tested, and nowhere else.
collect_ignore = [] if os.environ.get("ELBOSTONE_TESTED_PAGE") else ["page"]
INSTALLED = tuple(name for name, backend in BACKENDS.items() if not backend.lacking())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="all that is tested, and not a part of it: each backend has all 500 random problems, and not 125 of its "
        "own; every notation is compiled, and not one of each family; Algorithm 1 trains for 2,000 minibatches, and "
        "not 400; the backends that run the same files as another (keras-jax and keras-torch) have every problem in "
        "every dtype and shape, of exact cases every notation that can write them, and of claims every notation; every "
        "word that no file claims is planted in every file; and what follows from other tests runs too (pairs of cells "
        "that are each equal to the definition, what knows no framework on every backend)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test anything but the installed wheel with the backends that this environment is for."""
    # A test's own tensors are small: threads of one operation would wait for each other, and for the other tests'.
    os.environ |= dict.fromkeys(THREAD_LIMITS, "1")
    share_what_jax_compiles(config)
    if EXPECTED is None:
        return
    expected = {name for name in EXPECTED.split(",") if name}
    if unknown := expected - BACKENDS.keys():
        raise pytest.UsageError(f"ELBOSTONE_EXPECTED_BACKENDS: {sorted(unknown)} are none of {list(BACKENDS)}")
    if expected != set(INSTALLED):
        raise pytest.UsageError(
            f"this environment is for the backends {sorted(expected)}, but those installed are {sorted(INSTALLED)}"
        )
    try:
        distribution("elbostone")
    except PackageNotFoundError:
        raise pytest.UsageError("the tests are of the installed wheel, and no elbostone is installed") from None
    if Path(elbostone.__path__[0]).resolve() == ROOT / "suite":
        raise pytest.UsageError("the tests are of the installed wheel, and elbostone is imported from the source tree")


def share_what_jax_compiles(config: pytest.Config) -> None:
    """One folder for all processes of the session: workers, and tests that call a binding in their own process."""
    if COMPILED not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="elbostone-compiled-")
        config.add_cleanup(folder.cleanup)
        os.environ[COMPILED] = folder.name
    os.environ |= kept_by_jax(Path(os.environ[COMPILED]))


def pytest_report_header() -> list[str]:
    """What is tested, and where it came from."""
    missing = [name for name in BACKENDS if name not in INSTALLED]
    return [
        f"elbostone: {', '.join(elbostone.__path__)}",
        f"backends: {', '.join(INSTALLED) or 'none'}; not installed: {', '.join(missing) or 'none'}",
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with the argument `backend` runs once per backend, marked with it, unless it says on which.

    What it tests may know no framework: then the backends of its marker `enough_on` stand for the others.
    """
    given = (mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    own = {name for names in given for name in ([names] if isinstance(names, str) else names)}
    if "backend" in metafunc.fixturenames and "backend" not in own:
        (enough,) = [mark.args for mark in metafunc.definition.iter_markers("enough_on")] or [tuple(BACKENDS)]
        metafunc.parametrize("backend", [backend_param(name, implied=name not in enough) for name in BACKENDS])


def backend_param(name: str, *values: object, implied: bool) -> object:
    """A backend, and further values, as the parameters of a test that needs it."""
    marks = [pytest.mark.backend(name), *([pytest.mark.implied] if implied else [])]
    return pytest.param(name, *values, marks=marks)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what follows from other tests, and what is tested in another environment of tox.ini; elsewhere, skip
    what is not installed.

    A marker names one backend, since each runs in an environment of its own: a test of two would run in neither.
    """
    left_out = []
    for item in items:
        if item.get_closest_marker("implied") and not config.getoption("--exhaustive"):
            left_out.append(item)
            continue
        elsewhere = {name for name in ("peers", "libraries") if item.get_closest_marker(name)}
        if any(not os.environ.get(f"ELBOSTONE_TESTED_{name.upper()}") for name in elsewhere):
            left_out.append(item)
            continue
        names = {mark.args for mark in item.iter_markers("backend")}
        if not names:
            continue
        if len(names) > 1 or len(name := names.pop()) != 1 or name[0] not in BACKENDS:
            raise pytest.UsageError(f"{item.nodeid}: expected backend(name), one of {', '.join(BACKENDS)}")
        if TESTED is not None and name[0] not in TESTED.split(","):
            left_out.append(item)
        elif name[0] not in INSTALLED:
            item.add_marker(pytest.mark.skip(reason=f"{name[0]} is not installed in this environment"))
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session", autouse=True)
def workers_of_test_processes_side_by_side() -> Iterator[None]:
    """A worker of one thread takes the first CPU: in the second process of tests it is the second one, and so on."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    others = [[cpu] for cpu in sorted(os.sched_getaffinity(0))]
    before = others[: number % len(others)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "least_used", lambda threads, taken=(): least_used(threads, [*taken, *before]))
        yield


@pytest.fixture(scope="session", autouse=True)
def workers_find_what_others_compiled() -> Iterator[None]:
    """A test's workers share with those of all other tests what JAX compiled, as the workers of one run do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "compile_cache", lambda: Path(os.environ[COMPILED]))
        yield


@pytest.fixture(autouse=True)
def runs_leave_no_page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what tests the page waits for it, whatever is installed."""
    if not request.node.get_closest_marker("page"):
        monkeypatch.setattr(extra, "find_spec", lambda name: None)


@pytest.fixture(scope="session")
def installed_backends() -> tuple[str, ...]:
    """Names of the backends that can run here, in the table's order."""
    return INSTALLED


@pytest.fixture(scope="session")
def everything(request: pytest.FixtureRequest) -> bool:
    """Whether all is tested that can be (`--exhaustive`)."""
    return bool(request.config.getoption("--exhaustive"))


@pytest.fixture(scope="session")
def exhaustive(everything: bool) -> Callable[[str], bool]:
    """Whether a backend has every problem in every dtype, shape and notation; by default those of `WHOLE` have."""
    return lambda backend: everything or backend in WHOLE


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run `elbostone` with arguments in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["elbostone", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, captured.out, captured.err

    return run
