"""The backend of a Keras file: the one that it sets, else the environment's, else an imported or an installed one."""

from pathlib import Path

import pytest

from elbostone.backends import table
from elbostone.explain.plan import environment, framework_of
from elbostone.reference.errors import BadInput, EnvironmentLacks

ALL = ("keras", "torch", "tensorflow", "jax")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The installed packages; a test may remove some."""
    names = list(ALL)
    monkeypatch.setattr(table, "find_spec", lambda name: name if name in names else None)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return names


def backend(folder: Path, text: str) -> str:
    (folder / "model.py").write_text(text, encoding="utf-8")
    framework, keras = framework_of(str(folder / "model.py"))
    assert keras
    assert environment(framework, keras)["KERAS_BACKEND"] == framework
    return framework


SETS = 'import os\nos.environ["KERAS_BACKEND"] = "jax"\nimport keras\n'
DEFAULT = 'import os\nos.environ.setdefault("KERAS_BACKEND", "torch")\nimport keras\n'


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (SETS, None, "jax"),
        (SETS, "torch", "jax"),
        ('import os, keras\nos.environ["KERAS_BACKEND"] = "jax"\n', "torch", "torch"),  # too late
        (DEFAULT, None, "torch"),
        (DEFAULT, "jax", "jax"),
        ('import os\nos.environ.update({"KERAS_BACKEND": "torch"})\nimport keras\n', "jax", "torch"),
        ('import os\nif "KERAS_BACKEND" not in os.environ:\n    os.environ["KERAS_BACKEND"] = "jax"\nimport keras\n',
         "torch", "torch"),
        ('import os\ndef later():\n    os.environ["KERAS_BACKEND"] = "jax"\nimport keras\n', "torch", "torch"),
        ("import keras\n", "jax", "jax"),
        ("import jax\nimport keras\n", None, "jax"),
        ("import torch\nimport keras\n", None, "torch"),
        ("import keras\n", None, "tensorflow"),
        ("import tensorflow as tf\nclass VAE(tf.keras.Model): ...\n", None, "tensorflow"),
        ("from tensorflow import keras\n", None, "tensorflow"),
    ],
)  # fmt: skip
def test_the_file_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: list[str], text: str, given: str | None, expected: str
) -> None:
    if given is not None:
        monkeypatch.setenv("KERAS_BACKEND", given)
    assert backend(tmp_path, text) == expected


def test_a_file_beside_it_sets_it(tmp_path: Path, installed: list[str]) -> None:
    (tmp_path / "base_of_a_test.py").write_text(SETS, encoding="utf-8")
    assert backend(tmp_path, "from base_of_a_test import *\n") == "jax"


def test_an_installed_one_is_taken_and_a_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: list[str]
) -> None:
    installed.remove("tensorflow")
    assert backend(tmp_path, "import keras\n") == "jax"
    installed.remove("jax")
    assert backend(tmp_path, "import keras\n") == "torch"
    with pytest.raises(
        EnvironmentLacks, match=r"keras-jax needs jax: pip install 'elbostone\[keras-jax\]'; installed: torch"
    ):
        backend(tmp_path, SETS)
    installed.remove("torch")
    with pytest.raises(
        EnvironmentLacks, match="Keras needs a backend, one of keras-tensorflow, keras-jax, keras-torch"
    ):
        backend(tmp_path, "import keras\n")
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    with pytest.raises(BadInput, match="KERAS_BACKEND: expected tensorflow, jax, torch; found 'openvino'"):
        backend(tmp_path, "import keras\n")
