"""Errors in the code of an implementation that only its gradients, its other forms or ordinary use show are named."""

import ast
import os

import pytest
from claims.mutants import complaints, mutants

from elbostone.backends.table import BACKENDS
from elbostone.claims.phase import sources_of
from elbostone.notations.registry import notations

#: Name → notation, framework, what stands in its file, and what is planted there.
PLANTED = {
    "second form without its second term": ("doersch_2016", "torch", ' + 2 * self.σ2 * q["D"]', ""),
    "second form detached": ("doersch_2016", "torch", '2 * self.σ2 * q["D"]', '2 * self.σ2 * q["D"].detach()'),
    "sampled bound detached": ("goodfellow_2016", "torch", '"L_q_MC": log_ratio', '"L_q_MC": log_ratio.detach()'),
    "density detached": ("wikipedia", "torch", "- ln_det - self.N", "- ln_det.detach() - self.N"),
    "sampled KL of the weights detached": ("blei_2017", "torch", "(β, ζ).mean(0)", "(β, ζ).mean(0).detach()"),
    "published objective detached": (
        "pytorch_examples",
        "torch",
        "loss_function(self.decode(self.reparameterize(mu, logvar, eps)), x",
        "loss_function(self.decode(self.reparameterize(mu, logvar, eps)).detach(), x",
    ),
    "forward returns another quantity": (
        "doersch_2016",
        "torch",
        'return self.quantities(X, ε)["log_P_X_minus_D"]',
        'return self.quantities(X, ε)["log_P_X_minus_D"] + 0.1',
    ),
    "fit minimises the bound": ("doersch_2016", "keras", "return -self.E_X(y_pred)", "return self.E_X(y_pred)"),
    "fit minimises a detached bound": (
        "doersch_2016",
        "keras",
        "return -self.E_X(y_pred)",
        "return -self.E_X(ops.stop_gradient(y_pred))",
    ),
    "call draws nothing": ("doersch_2016", "keras", 'X, ε)["log_P_X_minus_D"]', 'X, 0 * ε)["log_P_X_minus_D"]'),
}
BACKEND_OF = {"torch": "torch", "keras": "keras-torch"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.backend(BACKEND_OF[of])) for name, (_, of, *_) in PLANTED.items()]
)
def test_a_planted_error_is_named(name: str) -> None:
    assert os.environ["KERAS_BACKEND"] == "torch"
    notation_id, framework, old, new = PLANTED[name]
    notation = notations()[notation_id]
    source = sources_of(notation)[framework]
    assert old in source, f"{notation_id} has no {old!r} any more"
    planted = "".join(source.rsplit(old, 1)[:1]) + new + source.rsplit(old, 1)[1]
    found = list(complaints(BACKEND_OF[framework], notation, ast.parse(planted)))
    assert found
    assert all(not line.startswith(("SyntaxError", "NameError")) for line in found), found


@pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.backend(name)) for name in BACKEND_OF.values()]
)
def test_a_file_as_it_is_has_no_complaint(backend: str) -> None:
    notation = notations()["doersch_2016"]
    assert not list(complaints(backend, notation, ast.parse(sources_of(notation)[BACKENDS[backend].framework])))


def test_mutants_change_one_thing_each_and_no_prose() -> None:
    source = 'def f(x):\n    """1 + 1."""\n    return x + 2 * x\n'
    found = {ast.unparse(tree) for _, tree in mutants(source, "torch", set())}
    assert len(found) > 5
    assert ast.unparse(ast.parse(source)) not in found
    assert all('"""1 + 1."""' in text for text in found)
