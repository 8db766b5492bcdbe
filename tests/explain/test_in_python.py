"""`elbostone.explain`, the assertions, Markdown and HTML, and the plug-in in a pytest run of its own."""

import importlib.util
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explain.compared import CASES

import elbostone
from elbostone.explain.asserted import WORDS
from elbostone.explain.dictionary.divergences import divergences
from elbostone.explain.dictionary.edits import SAID, edits
from elbostone.explain.dictionary.likelihoods import likelihoods
from elbostone.explain.documents import page
from elbostone.explain.questions import target, wanted
from elbostone.notations.registry import notations
from elbostone.reference.errors import BadInput

EXAMPLE = Path(__file__).parents[2] / "examples" / "ci" / "test_objective.py"


def plain(recon, x, mu, logvar):
    rec = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return rec + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def averaged(recon, x, mu, logvar):
    rec = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return rec + np.mean(0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1))


def test_a_function_and_a_file_give_one_answer() -> None:
    here = elbostone.explain(plain)
    file = elbostone.explain(f"{CASES / 'on_numpy.py'}:plain")
    assert here.sentence == file.sentence
    assert here.coefficients == file.coefficients
    assert here.nearest_notation == file.nearest_notation
    assert repr(here).startswith("This is the negative ELBO")
    assert here.sentence in here._repr_html_()
    with pytest.raises(elbostone.api.BadInput, match="has no 'nobody'"):
        elbostone.explain(f"{CASES / 'on_numpy.py'}:nobody")


def test_a_weight_that_changes_nothing_is_noted() -> None:
    def weighted(recon, x, mu, logvar, beta=4.0):
        return 0.5 * ((recon - x) ** 2).sum() + beta * 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum()

    def idle(recon, x, mu, logvar, beta=4.0):
        return weighted(recon, x, mu, logvar, 1.0)

    noted = [
        [one.sentence for one in elbostone.explain(loss).findings if "`beta`" in one.sentence]
        for loss in (weighted, idle)
    ]
    assert noted == [[], ["`beta` changes nothing: the loss does not depend on it."]]


def test_no_elbo_without_its_weight() -> None:
    """A sentence begins with what is not determined, and exchanged prediction and target are recognised."""
    unknown = elbostone.explain(f"{CASES / 'on_numpy.py'}:weight_of_no_known_form")
    assert unknown.sentence.startswith("The KL's weight is not determined: how the KL's coefficient depends on the siz")
    root = elbostone.explain(f"{CASES / 'on_numpy.py'}:root_of_the_squares")
    assert root.sentence.startswith("Not determined: the data term is a root of each example's squared error")
    swapped = elbostone.explain(f"{CASES / 'on_numpy.py'}:prediction_for_target")
    assert "it has recon and x in each other's place" in swapped.sentence
    assert swapped.change is not None
    assert swapped.change.after.strip() == "bce = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))"


def test_an_objective_is_asserted() -> None:
    answer = elbostone.assert_objective(plain, likelihood="bernoulli-probabilities", data_reduction="sum", beta=1)
    assert answer.bug is None
    with pytest.raises(AssertionError, match="kl: expected sampled; found analytic"):
        elbostone.assert_objective(plain, kl="sampled")
    with pytest.raises(AssertionError, match=r"beta: expected 2; found 1 = 1\.0"):
        elbostone.assert_objective(plain, beta=2)
    with pytest.raises(AssertionError) as failure:
        elbostone.assert_objective(averaged)
    first, *rest = str(failure.value).splitlines()
    assert first.startswith("The two terms are reduced differently over the batch")
    assert rest[-1].startswith("+    return rec + np.sum(0.5")


@pytest.mark.parametrize("term", ["likelihood", "kl"])
def test_what_is_absent_or_not_determined_is_no_objective(term: str) -> None:
    def alone(recon, x, mu, logvar):
        data = np.sum((recon - x) ** 2)
        return data if term == "kl" else 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)

    def unknown(recon, x, mu, logvar):
        kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
        return np.sum(np.cosh(recon - x)) + kl if term == "likelihood" else np.sum((recon - x) ** 2) + np.cosh(kl)

    with pytest.raises(AssertionError, match=f"{term}: expected one; found absent"):
        elbostone.assert_objective(alone)
    assert getattr(elbostone.assert_objective(alone, **{term: "absent"}), term) == "absent"
    with pytest.raises(AssertionError):
        elbostone.assert_objective(unknown)


def test_a_word_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadInput, match=r"expected one of bernoulli-probabilities, .*; did you mean 'bernoulli-logits'"):
        elbostone.assert_objective(plain, likelihood="bernouli-logits")
    guide = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    for name, words in WORDS.items():
        for where in (str(elbostone.assert_objective.__doc__), guide):
            flat = " ".join(where.split())
            assert name in flat
            assert all(word in flat for word in words), (name, words)


def test_a_guide_goes_with_a_text() -> None:
    with pytest.raises(BadInput, match="guide: expected a model that is given as text"):
        elbostone.explain(plain, guide="guide")


def test_every_edit_has_words() -> None:
    formulas = [*likelihoods("recon", "x", "recon_scale"), *likelihoods("recon", "x"), *divergences("mu", "scale", "z")]
    formulas += divergences("mu", "scale", "prior_mu", "prior_scale")
    assert {edited.edit for formula in formulas for edited in edits(formula)} <= set(SAID)


@pytest.mark.backend("torch")
def test_models_of_this_process(tmp_path: Path) -> None:
    """A model's method is explained, also as text without the data; for a class the message has the text to write."""
    module = _imported("models_torch")
    model = module.Plain()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    answer = elbostone.assert_objective(model.loss, likelihood="bernoulli-probabilities")
    assert all((value == model.state_dict()[name]).all() for name, value in before.items())
    text = elbostone.explain(f"{CASES / 'models_torch.py'}:Plain().loss")
    assert answer.coefficients == text.coefficients
    assert answer.roles == text.roles
    for wrong in (module.Plain, module.Plain.loss, module.Plain()):
        with pytest.raises(BadInput, match=r"write 'models_torch\.py:Plain\(\)\.loss\(x\)'"):
            elbostone.explain(wrong)


@pytest.mark.backend("torch")
def test_a_training_step_of_this_process() -> None:
    module = _imported("models_steps")
    for step in (module.Labelled(), module.Labelled().training_step):
        elbostone.assert_objective(step, likelihood="bernoulli-probabilities", beta="kl_weight")
    with pytest.raises(AssertionError, match="wrong sign"):
        elbostone.assert_objective(module.Rewarded(), likelihood="bernoulli-probabilities")


def _imported(stem: str) -> Any:
    """A file of `cases/` as a module."""
    spec = importlib.util.spec_from_file_location(stem, CASES / f"{stem}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_tuple_of_arguments() -> None:
    def packed(outputs, x):
        recon, mu, logvar = outputs
        return plain(recon, x, mu, logvar)

    assert elbostone.explain(packed).coefficients == elbostone.explain(plain).coefficients


def test_of_a_faulty_loss_the_change_is_the_cure() -> None:
    given = elbostone.explain(averaged)
    assert given.change is not None
    found = wanted(given, target("beta=1", notations()))
    assert found.holds is False
    assert "the change below mends it, and gives the KL a weight of 1, as wanted" in found.sentence
    assert "for 4, multiply the KL by 4 as well" in wanted(given, target("beta=4", notations())).sentence


def test_two_losses_are_asserted() -> None:
    elbostone.assert_same_objective(plain, f"{CASES / 'on_numpy.py'}:plain_on_logits")
    with pytest.raises(
        AssertionError, match=r"are not the same objective: the KL weight is 1 in the first\nand 1/N"
    ) as failed:
        elbostone.assert_same_objective(plain, averaged)
    assert str(failed.value).splitlines()[-1].startswith("+    return rec + np.sum(0.5")


def test_a_weight_is_an_expression_too() -> None:
    entry = f"{CASES / 'on_numpy.py'}:averaged_over_pixels"
    elbostone.assert_objective(entry, beta="beta*D/2")
    elbostone.assert_objective(entry, beta=0.1 * 784 / 2, at={"D": 784})
    with pytest.raises(AssertionError, match=r"beta: expected beta\*D; found beta\*D/2"):
        elbostone.assert_objective(entry, beta="beta*D")


def test_markdown_and_html(tmp_path: Path) -> None:
    answer = elbostone.explain(averaged, at={"N": 128})
    text = answer._repr_markdown_()
    assert text.startswith("**The two terms are reduced differently")
    assert "```diff\n--- test_in_python.py, line " in text
    document = page(answer)
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: object) -> None:
            tags.append(tag)

    Reader().feed(document)
    assert tags.count("tr") > 6
    assert "script" not in tags
    assert "http" not in document.replace(answer.entry, "")


def test_the_plugin_gives_its_fixture_and_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "test_probe.py").write_text(
        "import sys\n\n\ndef test_probe(elbostone_probe):\n    values = elbostone_probe(N=2, D=3, J=5)\n"
        "    assert {name: value.shape for name, value in values.items()} == {\n"
        "        'x': (2, 3), 'recon': (2, 3), 'logits': (2, 3), 'mu': (2, 5), 'logvar': (2, 5), 'z': (2, 5)}\n\n\n"
        "def test_nothing_was_loaded():\n    assert 'elbostone.explain.plugin' in sys.modules\n"
        "    assert not {'pandas', 'torch', 'elbostone.explain.notebook'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:randomly", "test_probe.py"],
        capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.backend("torch")
def test_the_example_passes_and_fails_with_a_fault(tmp_path: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "pytest", "-q", "test_objective.py"]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120)

    source = EXAMPLE.read_text()
    (tmp_path / "test_objective.py").write_text(source)
    right = run()
    assert "3 passed" in right.stdout, right.stdout
    (tmp_path / "test_objective.py").write_text(source.replace("(rec + kl).mean()", "rec.sum() + kl.mean()"))
    wrong = run()
    assert "2 failed, 1 passed" in wrong.stdout, wrong.stdout
    assert "reduced differently over the batch" in wrong.stdout
    assert "+    return rec.mean() + kl.mean()" in wrong.stdout


@pytest.mark.backend("keras-jax")
def test_a_jax_function_of_weights_is_a_model_here_too() -> None:
    file = CASES / "functions_jax.py"
    spec = importlib.util.spec_from_file_location("functions_jax", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert elbostone.explain(module.plain).sentence.endswith("with a KL weight of 1; no fault was found.")
    bug = elbostone.explain(module.another_scale).bug
    assert bug is not None
    assert bug.name == "drawn-with-another-scale"
