"""The loss is the one of the paper: a test that fails in the pull request that changes it.

Run by `ci.yml`, which is GitHub's; other services run the same two commands.
"""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it

import elbostone


def loss(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)
    return (rec + kl).mean()


def summed(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return rec - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def test_it_is_the_elbo():
    elbostone.assert_objective(loss, likelihood="bernoulli-logits", data_reduction="mean", beta=1)


def test_it_is_what_it_was_before_the_refactoring():
    elbostone.assert_same_objective(loss, summed)


def test_it_is_finite(elbostone_probe):
    values = {name: torch.tensor(value) for name, value in elbostone_probe().items()}
    assert torch.isfinite(loss(values["logits"], values["x"], values["mu"], values["logvar"]))
