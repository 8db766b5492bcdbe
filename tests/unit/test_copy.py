"""`elbostone copy`: one file that stands alone, keeps what the original says, and passes ruff's default rules."""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from elbostone import cli
from elbostone.notations import standalone as copying
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.schema import FRAMEWORKS
from elbostone.notations.standalone import standalone
from elbostone.notations.training_loop import digits_spec
from elbostone.reference.errors import BadInput

FILES = [(notation, framework) for notation in notations() for framework in FRAMEWORKS]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(command_line: Run) -> Run:
    """`elbostone copy` with arguments; see `command_line`."""
    return partial(command_line, "copy")


def comments(text: str) -> Iterator[str]:
    """The comments of a file."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return (token.string for token in tokens if token.type == tokenize.COMMENT)


def definitions(text: str) -> dict[str, str]:
    """Functions and classes of a file's top level, as their syntax trees, which hold all docstrings."""
    nodes = ast.parse(text).body
    return {node.name: ast.dump(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize(("name", "framework"), FILES)
def test_it_stands_alone_and_keeps_what_the_original_says(name: str, framework: str) -> None:
    notation = notations()[name]
    text = standalone(notation, framework)
    imported = {
        alias.name if isinstance(node, ast.Import) else "." * node.level + str(node.module)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    tops = {module.partition(".")[0] for module in imported}
    assert tops - sys.stdlib_module_names == {framework, "sklearn"}

    original = notation.path.with_name(f"{framework}_vae.py").read_text(encoding="utf-8")
    assert definitions(original).items() <= definitions(text).items()
    assert ast.get_docstring(ast.parse(text)) == ast.get_docstring(ast.parse(original))
    copied = list(comments(text))
    for comment in comments(original):
        copied.remove(comment)  # raises where it is lost


def test_the_header_says_where_it_came_from() -> None:
    head = standalone(notations()["prince_2023"], "torch").partition('"""')[0]
    assert "`elbostone copy prince_2023 --framework torch`" in head
    assert f"prince_2023/torch_vae.py of elbostone {cli.__version__}, " in " ".join(head.replace("\n#", "").split())
    assert "Understanding Deep Learning (2023)" in head
    assert "Copyright (c) 2026 Elbostone contributors\n# SPDX-License-Identifier: MIT\n" in head


def test_all_pass_the_rules_and_the_format_of_ruff(tmp_path: Path) -> None:
    for name, framework in FILES:
        text = standalone(notations()[name], framework)
        (tmp_path / f"{name}_{framework}.py").write_text(text, encoding="utf-8")
    for command in (["check"], ["check", "--select", "I"], ["format", "--check", "--line-length", "120"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", notations())
def test_its_training_is_of_a_model_that_the_notation_defines(name: str) -> None:
    assert notations()[name].unsupported(digits_spec(notations()[name])) is None


def test_what_a_sibling_needs_in_turn_comes_along_and_nothing_else(planted: Callable[..., Notation]) -> None:
    sibling = (
        "import math\nimport time\n\n\ndef unread():\n    return time.time()\n\n\n# of a circle\nTAU = 2 * math.pi\n"
        "\n\ndef around(x):\n    return TAU * x\n"
    )
    area = "def area(x):\n    return around(x) * x / 2\n"
    text = standalone(planted(f"from .sibling import around\n\n\n{area}", sibling), "torch")
    expected = (
        '"""Planted."""\n\nimport math\n\n# of a circle\nTAU = 2 * math.pi\n\n\n'
        f"def around(x):\n    return TAU * x\n\n\n{area}\n\nif __name__"
    )
    assert expected in text


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Notation]:
    """A notation whose torch file, and the module `sibling` beside it, have this text."""

    def plant(text: str, sibling: str = "def f():\n    return 1\n") -> Notation:
        folder = tmp_path / "planted"
        folder.mkdir()
        (folder / "torch_vae.py").write_text(f'"""Planted."""\n\n{text}', encoding="utf-8")
        (folder / "sibling.py").write_text(sibling, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(copying, "packages", lambda: {"pytorch_examples": "planted"})
        return replace(notations()["pytorch_examples"], path=folder / "notation.toml")

    return plant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from . import sibling\n\nsibling.f()\n", "line 3: expected 'from module import name', which can be copied"),
        ("from .sibling import *\n\nf()\n", "found 'from .sibling import *'"),
        ("from .sibling import f as g\n\ng()\n", "imported by its names; found 'from planted.sibling import f as g'"),
        ("import planted.sibling\n\nplanted.sibling.f()\n", "found 'import planted.sibling'"),
        ("from .sibling import g\n\ng()\n", "sibling.py: expected a definition of 'g', which is imported; found none"),
        ("from .brother import f\n\nf()\n", "expected a module 'planted.brother', which it imports; found none"),
        ("from .sibling import f\n\nx = f()\n\n\ndef f():\n    return 2\n", "'f' would be two things in one file"),
    ],
)
def test_what_cannot_be_copied_is_refused(planted: Callable[..., Notation], text: str, message: str) -> None:
    notation = planted(text)
    with pytest.raises(BadInput) as refused:
        standalone(notation, "torch")
    assert message in str(refused.value)


def test_it_prints_the_file_or_writes_it_and_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    asked = ("pytorch_examples", "--framework", "keras")
    code, out, _ = run(*asked)
    assert (code, out) == (0, standalone(notations()["pytorch_examples"], "keras"))

    code, _, said = run(*asked, "--out", "vae.py")
    assert code == 0
    assert "wrote vae.py" in said
    assert (tmp_path / "vae.py").read_text(encoding="utf-8") == out

    (tmp_path / "vae.py").write_text("mine", encoding="utf-8")
    code, _, said = run(*asked, "--out", "vae.py")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "--out vae.py: expected no file there, or --force, which replaces it; found one" in said
    assert (tmp_path / "vae.py").read_text(encoding="utf-8") == "mine"
    assert run(*asked, "--out", "vae.py", "--force")[0] == 0
    assert (tmp_path / "vae.py").read_text(encoding="utf-8") == out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody_2020", "--framework", "torch"), "notation 'nobody_2020': expected one of"),
        (("prince_2023", "--framework", "caffe"), "framework 'caffe': expected one of torch, keras"),
        (("prince_2023",), "Missing option '--framework'"),
        (
            ("prince_2023", "--framework", "torch", "--out", "."),
            "expected a file in a folder that exists; found a folder",
        ),
        (("prince_2023", "--framework", "torch", "--out", "no/vae.py"), "in a folder that exists; found no folder"),
    ],
)
def test_bad_input_is_one_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, out, said = run(*arguments)
    assert (code, out, len(said.splitlines())) == (2, "", 1)
    assert message in said
