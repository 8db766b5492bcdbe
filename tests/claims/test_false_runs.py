"""False claims that change what runs (words, weights, methods, arguments) are named after a run of the false file."""

from collections import Counter
from pathlib import Path

import pytest
from claims.false_claim import Lie, setting
from claims.longhand import Document, longhand
from claims.planted_claims import supports
from claims.written import run_for_real
from whole import WHOLE

from elbostone.backends.table import BACKENDS
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations

#: In how many files each word is planted.
FILES = 3
Planted = list[tuple[Notation, Lie]]


def document_of(name: str) -> Document:
    return longhand(notations()[name])


def missed(planted: Planted, backend: str, folder: Path) -> list[str]:
    """The planted errors that no message names with source, entry and value."""
    left = []
    for (notation, lie), found in zip(planted, run_for_real(planted, backend, folder), strict=True):
        if isinstance(found, str):  # the file was refused, and the message names it
            texts, named = [found], lie.value in found
        else:
            texts = [violation.describe() for violation in found]
            named = any(notation.id in text and lie.where in text and lie.value in text for text in texts)
        if not named:
            left.append("\n    ".join([f"{notation.id}: {lie.name}", *texts]))
    return left


def in_turn(planted: Planted) -> Planted:
    """Every word in three files, those that have had the fewest."""
    had: Counter[str] = Counter()
    files: dict[tuple[str, str], Planted] = {}
    for notation, lie in planted:
        files.setdefault((lie.field, lie.value), []).append((notation, lie))
    chosen = []
    for word in files.values():
        own = sorted(word, key=lambda planted: had[planted[0].id])[:FILES]
        had.update(notation.id for notation, _ in own)
        chosen += own
    assert had.keys() == notations().keys()
    return chosen


@pytest.mark.backend("torch")
def test_a_word_that_the_code_does_not_carry_is_named(tmp_path: Path, everything: bool) -> None:
    """With `--exhaustive` each word in every file that does not claim it."""
    planted = [(n, lie) for n in notations().values() for lie in supports(n, document_of(n.id))]
    assert len(planted) > 5 * len(notations())
    left = missed(planted if everything else in_turn(planted), "torch", tmp_path)
    assert not left, "\n".join(left)


@pytest.mark.enough_on(*WHOLE)
def test_a_claim_that_a_run_goes_by_is_named_after_that_run(backend: str, tmp_path: Path) -> None:
    """A run takes its weights, methods and arguments by the very claims that are false."""
    planted = [*_rows(BACKENDS[backend].framework), *_exchanged(BACKENDS[backend].framework), *_model()]
    left = missed(planted, backend, tmp_path)
    assert not left, "\n".join(left)


def _rows(framework: str) -> Planted:
    turned = {"torch": "in out", "keras": "out in"}[framework]
    edits: list[tuple[str, str, tuple[str, ...], object, str]] = [
        ("kingma_welling_2019", "encoder.log_variance.weight", ("scale",), 1, "scale 1"),
        ("kingma_welling_2019", "encoder.log_variance.bias", ("scale",), -0.5, "scale -0.5"),
        ("pytorch_examples", "encoder.mean.weight", (framework, "path"), "fc9.weight", "fc9.weight"),
        ("pytorch_examples", "encoder.hidden.0.weight", (framework, "axes"), turned, f"axes '{turned}'"),
    ]
    planted = []
    for name, canonical, path, value, shown in edits:
        document = document_of(name)
        false = setting(document, ("weights", canonical, 0, *path), value)
        planted.append((notations()[name], Lie("weights", path[-1], f"weights '{canonical}'", shown, false)))
    return planted


def _exchanged(framework: str) -> Planted:
    """The rows of two weights of the same shape, each with the other's path."""
    document = document_of("pytorch_examples")
    one, two = (f"encoder.{head}.weight" for head in ("mean", "log_variance"))
    paths = [document["weights"][name][0][framework]["path"] for name in (one, two)]
    false = setting(document, ("weights", one, 0, framework, "path"), paths[1])
    false = setting(false, ("weights", two, 0, framework, "path"), paths[0])
    return [(notations()["pytorch_examples"], Lie("weights", "path", "weights 'encoder.mean.weight'", paths[1], false))]


def _model() -> Planted:
    document, notation = document_of("kingma_welling_2019"), notations()["kingma_welling_2019"]
    edits: list[tuple[tuple[str, ...], str, str, str]] = [
        (("model", "class"), "Model", "model", "Model"),
        (("model", "arguments", "latent_dim"), "data_dim", "model", "'latent_dim': 'data_dim'"),
        (("model", "arguments", "likelihood"), "prior", "model", "'likelihood': 'prior'"),
        (("methods", "encoder"), "decoder", "methods", "'decoder'"),
        (("methods", "quantities"), "values", "methods", "'values'"),
        (("methods", "densities"), "quantities", "methods", "'quantities'"),
        (("methods", "objective"), "loss", "methods", "'loss'"),
        (("objective", "data"), "mean", "objective", "data mean"),
    ]
    return [
        (notation, Lie(path[0], path[-1], where, shown, setting(document, path, value)))
        for path, value, where, shown in edits
    ]
