"""The inputs at which a loss overflows or loses digits, planted where the dtype's own numbers give them."""

import numpy as np
import pytest

import elbostone
from elbostone.explain.notebook import Explanation


def exact(recon, x, mu, logvar):
    rec = -np.sum(x * np.log(recon) + (1 - x) * np.log(1 - recon))
    return rec + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def clamped(recon, x, mu, logvar):
    return exact(recon, x, mu, np.clip(logvar, -30, 10))


def places(answer: Explanation, dtype: str) -> dict[tuple[str, str], tuple[float, str]]:
    return {(one.argument, one.side): (one.at, one.what) for one in answer.limits if one.dtype == dtype}


def test_an_exponential_without_a_clamp_overflows_at_the_logarithm_of_the_largest_number() -> None:
    answer = elbostone.explain(exact)
    for dtype in ("float32", "float16"):
        at, what = places(answer, dtype)["logvar", "above"]
        assert what == "infinite"
        assert at == pytest.approx(np.log(np.finfo(dtype).max), rel=2e-3)
    assert {one.dtype for one in answer.limits} == {"float32", "float16"}  # NumPy has no other
    assert answer.sentence.endswith("no fault was found.")  # every such loss has it
    at, _ = places(answer, "float32")["logvar", "above"]
    assert f"in float32        infinite at logvar >= {at:.4g}" in repr(answer)


def test_with_a_clamp_it_does_not() -> None:
    answer = elbostone.explain(clamped)
    assert not any(argument == "logvar" for dtype in ("float32", "float16") for argument, _ in places(answer, dtype))
    at, what = places(answer, "float16")["mu", "above"]  # mu**2 overflows
    assert (at, what) == (pytest.approx(np.sqrt(np.finfo("float16").max), rel=2e-3), "infinite")


@pytest.mark.backend("torch")
def test_the_logarithm_of_a_sigmoid() -> None:
    import torch

    def divergence(mu, logvar):
        return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())

    def naive(logits, x, mu, logvar):
        p = torch.sigmoid(logits)
        return divergence(mu, logvar) - torch.sum(x * torch.log(p) + (1 - x) * torch.log(1 - p))

    def stable(logits, x, mu, logvar):
        log_p, log_not = torch.nn.functional.logsigmoid(logits), torch.nn.functional.logsigmoid(-logits)
        return divergence(mu, logvar) - torch.sum(x * log_p + (1 - x) * log_not)

    wrong, right = elbostone.explain(naive), elbostone.explain(stable)
    assert wrong.coefficients == right.coefficients
    for dtype in ("float32", "float16", "bfloat16"):
        assert not any(argument == "logits" for argument, _ in places(right, dtype))
        at, what = places(wrong, dtype)["logits", "above"]
        ends = -np.log(torch.finfo(getattr(torch, dtype)).eps / 2)  # where 1 - sigmoid is 0
        assert what in ("digits", "infinite")
        assert ends / 2 < at < ends + 1
    assert [finding.name for finding in wrong.findings] == ["overflow"]
    assert right.findings == []


@pytest.mark.backend("torch")
@pytest.mark.parametrize("ceiling", [None, 10.0])
def test_a_model_overflows_where_its_own_loss_does(ceiling: float | None) -> None:
    """A model is run in each dtype, with values of its log variance that replace its encoder's."""
    import keras  # noqa: F401  # what else is imported makes no difference
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = torch.nn.Linear(6, 4), torch.nn.Linear(2, 6)

        def loss(self, x):
            mu, logvar = self.encoder(x).chunk(2, dim=-1)
            kept = logvar if ceiling is None else logvar.clamp(max=ceiling)
            logits = self.decoder(mu + torch.exp(0.5 * kept) * torch.randn_like(mu))
            rec = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            return rec - 0.5 * torch.sum(1 + kept - mu.pow(2) - kept.exp())

    model = Model()
    answer = elbostone.explain(model.loss)
    assert answer.beta_effective is not None
    assert answer.beta_effective.expression == "1"
    assert model.encoder.weight.dtype == torch.float32  # as it was
    for dtype in ("float32", "float16"):
        found = {side: place for (argument, side), place in places(answer, dtype).items() if "var" in argument}
        if ceiling is not None:
            assert "above" not in found
            continue
        at, what = found["above"]
        assert what == "infinite"
        assert at == pytest.approx(np.log(torch.finfo(getattr(torch, dtype)).max), rel=2e-3)


def with_epsilons(recon, x, mu, sigma):
    rec = -np.sum(x * np.log(recon + 1e-8) + (1 - x) * np.log(1 - recon + 1e-8))
    return rec + 0.5 * np.sum(mu**2 + sigma**2 - 1 - np.log(sigma**2))


def test_a_clamp_is_found_where_it_is_and_an_epsilon_is_none() -> None:
    answer = elbostone.explain(clamped)
    assert [(one.argument, one.kind, one.at) for one in answer.thresholds] == [
        ("logvar", "clamp", "10"),
        ("logvar", "clamp", "-30"),
    ]
    assert "`logvar` is clamped at 10 and -30" in repr(answer).replace("\n                  ", " ")
    assert answer.affine
    assert answer.nearest_notation is not None
    assert "pytorch_examples" in answer.nearest_notation.equal
    for loss in (exact, with_epsilons):
        assert elbostone.explain(loss).thresholds == []
