"""The printed change: it edits the user's own line, and the edited loss is what the answer says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAD = "import numpy as np\n\n\ndef loss(recon, x, mu, logvar):\n"
KL = "0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1)"
RIGHT = "0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)"


def answer_of(folder: Path, source: str, *options: str) -> dict[str, Any]:
    (folder / "own.py").write_text(source)
    command = [sys.executable, "-P", "-m", "elbostone", "explain", "own.py:loss", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=120)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("body", "line", "after"),
    [
        (f"    kl = {KL}\n    return 0.5 * np.sum((x - recon)**2) + kl.mean()\n", 6, "kl.sum()"),
        ("    kl = mu**2 + np.exp(logvar) - 1 - 0.5 * logvar\n    return 0.5 * np.sum((x - recon)**2) + kl.sum()\n", 5,
         "0.5 * (mu**2 + np.exp(logvar) - 1) - 0.5 * logvar"),
        (f"    kl = {RIGHT.replace('np.exp(logvar)', 'logvar')}\n    return 0.5 * np.sum((x - recon)**2) + kl\n", 5,
         "0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)"),
        (f"    rec = np.sum((x - recon)**2)\n    return 0.5 * rec - {RIGHT}\n", 6, "0.5 * rec + 0.5 * np.sum"),
        ("    rec = np.mean(0.5 * np.sum((x - recon)**2, axis=1))\n    kl = mu**2 + np.exp(logvar) - 1 - logvar\n"
         "    return rec + 0.5 * np.mean(kl)\n", 7, "/ len(x)"),
    ],
)  # fmt: skip
def test_one_edit_of_their_line(tmp_path: Path, body: str, line: int, after: str) -> None:
    source = HEAD + body
    change = answer_of(tmp_path, source)["change"]
    assert change["file"] == "own.py"
    assert change["line"] == line
    assert source.splitlines()[line - 1] == change["before"]
    assert after in change["after"]
    rows = source.splitlines()
    rows[line - 1] = change["after"]
    edited = answer_of(tmp_path, "\n".join(rows) + "\n")
    assert edited["bug"] is None
    assert edited["change"] is None
    assert edited["sentence"] == change["then"]


def test_one_sigmoid_of_two_is_taken_away(tmp_path: Path) -> None:
    rest = f"    bce = np.sum(np.logaddexp(0, s) - x * s)\n    return bce + {RIGHT}\n"
    head = HEAD.replace("def loss", "def sigmoid(a):\n    return 1 / (1 + np.exp(-a))\n\n\ndef loss")
    change = answer_of(tmp_path, f"{head}    s = sigmoid(recon)\n{rest}")["change"]
    assert change["after"] == "    s = recon"
    assert change["beta"] == "1"
    assert answer_of(tmp_path, f"{head}    s = recon\n{rest}")["change"] is None


def test_nothing_is_offered_for_a_right_loss_or_where_no_one_edit_helps(tmp_path: Path) -> None:
    assert answer_of(tmp_path, f"{HEAD}    return 0.5 * np.sum((x - recon)**2) + {RIGHT}\n")["change"] is None
    twice = (
        f"{HEAD}    kl = mu**2 + np.exp(logvar)**2 - 1 - 3 * logvar\n    return np.mean((x - recon)**2) + kl.mean()\n"
    )
    assert answer_of(tmp_path, twice)["change"] is None


MODEL = """import torch
from torch import nn
from torch.distributions import Normal


def divergence(mu, log_sigma):
    return torch.sum(0.5 * (mu**2 + torch.exp(2 * log_sigma) - 1) - log_sigma)


class Model(nn.Module):
    def __init__(self, n_pixels=12, n_latent=3):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(n_pixels, 2 * n_latent), nn.Linear(n_latent, n_pixels)

    def forward(self, x):
        mu, log_sigma = self.encoder(x).chunk(2, dim=-1)
        z = Normal(mu, log_sigma.exp()).rsample()
        logits = self.decoder(z)
        rec = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return rec + self.kl(mu, log_sigma)

    def kl(self, mu, log_sigma):
        return divergence(mu, log_sigma)


loss = Model()
"""


@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("rsample()", "sample()"),
        ("torch.sum(0.5 * (mu**2 + torch.exp(2 * log_sigma) - 1) - log_sigma)",
         "torch.sum(0.5 * (mu**2 + torch.exp(2 * log_sigma) - 1) - log_sigma, dim=1).mean()"),
    ],
)  # fmt: skip
def test_one_edit_of_what_a_model_calls(tmp_path: Path, right: str, wrong: str) -> None:
    """A change is in a model's method, or in a function that it calls; a right model gets none."""
    assert answer_of(tmp_path, MODEL)["change"] is None
    source = MODEL.replace(right, wrong)
    answer = answer_of(tmp_path, source)
    change, line = answer["change"], source.splitlines().index(next(r for r in source.splitlines() if wrong in r))
    assert answer["bug"] is not None
    assert change["line"] == line + 1
    assert source.splitlines()[line] == change["before"]
    assert change["beta"] == "1"
    edited = answer_of(tmp_path, source.replace(change["before"], change["after"]))
    assert edited["bug"] is None
    assert edited["sentence"] == change["then"]


@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    ("call", "after"),
    [
        ("F.binary_cross_entropy(recon, x)", 'F.binary_cross_entropy(recon, x, reduction="sum")'),
        ("criterion(recon, x)", "x.numel() * criterion(recon, x)"),
    ],
)
def test_the_mean_that_a_library_takes_by_itself_becomes_a_sum(tmp_path: Path, call: str, after: str) -> None:
    source = (
        "import torch\nimport torch.nn.functional as F\n\ncriterion = torch.nn.BCELoss()\n\n\n"
        f"def loss(recon, x, mu, logvar):\n    data = {call}\n"
        "    return data - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\n"
    )
    wrong = answer_of(tmp_path, source)
    assert wrong["bug"]["name"] == "terms-reduced-differently"
    assert (wrong["change"]["line"], wrong["change"]["after"]) == (8, f"    data = {after}")
    assert wrong["change"]["beta"] == "1"
    right = answer_of(tmp_path, source.replace(call, after))
    assert (right["bug"], right["change"], right["sentence"]) == (None, None, wrong["change"]["then"])


DISTRIBUTIONS = """import torch
from torch.distributions import Normal, kl_divergence


def loss(recon, x, mu, sigma):
    posterior, prior = Normal(mu, sigma), Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return torch.sum(0.5 * (recon - x) ** 2) + kl_divergence(posterior, prior).sum()
"""


@pytest.mark.backend("torch")
def test_arguments_of_a_divergence_are_exchanged(tmp_path: Path) -> None:
    assert answer_of(tmp_path, DISTRIBUTIONS)["change"] is None
    wrong = DISTRIBUTIONS.replace("(posterior, prior).sum", "(prior, posterior).sum")
    answer = answer_of(tmp_path, wrong)
    assert answer["bug"]["edit"] == "reversed-divergence"
    assert wrong.replace(answer["change"]["before"], answer["change"]["after"]) == DISTRIBUTIONS
    assert answer["change"]["beta"] == "1"


@pytest.mark.backend("torch")
def test_a_model_of_two_sigmoids_reads_probabilities(tmp_path: Path) -> None:
    right = MODEL.replace("cross_entropy_with_logits", "cross_entropy").replace(
        "self.decoder = nn.Linear(n_pixels, 2 * n_latent), nn.Linear(n_latent, n_pixels)",
        "self.decoder = nn.Linear(n_pixels, 2 * n_latent), nn.Sequential(nn.Linear(n_latent, n_pixels), nn.Sigmoid())",
    )
    assert answer_of(tmp_path, right)["bug"] is None
    wrong = right.replace("cross_entropy(", "cross_entropy_with_logits(")
    answer = answer_of(tmp_path, wrong)
    assert answer["bug"]["name"] == "support"
    assert wrong.replace(answer["change"]["before"], answer["change"]["after"]) == right


def test_arguments_that_the_body_names(tmp_path: Path) -> None:
    source = (
        "import numpy as np\n\n\nclass Model:\n    def loss(self, *args, **kwargs):\n"
        "        recons = args[0]\n        input = args[1]\n        mu = args[2]\n        log_var = args[3]\n"
        "        weight = kwargs['M_N'] * kwargs.get('gain', 2.0)\n"
        "        kl = np.mean(0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=1))\n"
        "        return np.mean((input - recons)**2) + weight * kl\n\n\nloss = Model().loss\n"
    )
    answer = answer_of(tmp_path, source)
    assert answer["roles"] == {
        "recons": "recon", "input": "x", "mu": "mu", "log_var": "posterior scale",
        "M_N": "parameter", "gain": "parameter",
    }  # fmt: skip
    assert answer["coefficients"] == {"recon": "2/(N*D)", "kl": "M_N*gain/N", "constant": "0"}


def test_what_a_flag_changes(tmp_path: Path) -> None:
    source = (
        "import numpy as np\n\n\ndef loss(recon, x, mu, logvar, reduction='sum', squared=True):\n"
        "    rec = 0.5 * (x - recon)**2 if squared else np.abs(x - recon)\n"
        "    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)\n"
        "    if reduction == 'sum':\n        return rec.sum() + kl.sum()\n"
        "    elif reduction == 'mean':\n        return rec.mean() + kl.mean()\n"
        "    raise ValueError(reduction)\n"
    )
    parameters = answer_of(tmp_path, source)["parameters"]
    assert "averaged over the pixels" in parameters["reduction"]["otherwise"]["'mean'"]
    assert "a Laplace decoder" in parameters["squared"]["otherwise"]["False"]
