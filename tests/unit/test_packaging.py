"""The installed distribution holds the source tree: no file is missing, and none is left from an older one."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {"elbostone": ROOT / "suite", "elbostone/implementations": ROOT / "implementations"}
SHIPPED = {".py", ".toml", ".csv", ".cpp", ".typed", ".json", ".safetensors", ".html", ".css", ".js", ".woff2", ".txt"}


@pytest.fixture
def installed() -> Distribution:
    try:
        found = distribution("elbostone")
    except PackageNotFoundError:
        pytest.skip("elbostone is imported from the source tree; under tox, tests/conftest.py refuses that")
    return found


def tree() -> dict[str, bytes]:
    """Path in the wheel → content, of all source files that should ship."""
    return {
        f"{package}/{file.relative_to(folder).as_posix()}": file.read_bytes()
        for package, folder in SOURCES.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def shipped(installed: Distribution) -> dict[str, bytes]:
    """Path in the wheel → content, of all installed files."""
    return {
        file.as_posix(): Path(str(installed.locate_file(file))).read_bytes()
        for file in installed.files or []
        if file.parts[0] == "elbostone" and "__pycache__" not in file.parts
    }


def test_tree_has_only_what_ships() -> None:
    strange = [name for name in tree() if Path(name).suffix not in SHIPPED]
    assert not strange, f"absent from the wheel, as pyproject.toml ships {sorted(SHIPPED)} only: {strange}"


def test_wheel_is_the_tree(installed: Distribution) -> None:
    source, wheel = tree(), shipped(installed)
    assert not source.keys() - wheel.keys(), "in the source tree, but not in the wheel"
    assert not wheel.keys() - source.keys(), "in the wheel, but not in the source tree (a stale build folder?)"
    changed = [name for name, content in source.items() if wheel[name] != content]
    assert not changed, "the wheel was built from another version of these files"


def test_nothing_else_is_installed(installed: Distribution) -> None:
    """`suite` and `implementations` are too generic to be names in site-packages."""
    tops = {file.parts[0] for file in installed.files or [] if file.parts[0] != ".."}
    assert tops == {"elbostone", f"elbostone-{installed.version}.dist-info"}


def test_every_notation_has_its_three_files() -> None:
    for folder in SOURCES["elbostone/implementations"].iterdir():
        if not folder.is_dir() or folder.name.startswith("_"):
            continue
        files = {file.name for file in folder.iterdir() if file.is_file()}
        assert files == {"notation.toml", "torch_vae.py", "keras_vae.py"}, folder.name


def test_version_is_that_of_the_changelog(installed: Distribution) -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "]
    assert f"## [{installed.version}]" in {heading.split(" - ")[0] for heading in headings}
