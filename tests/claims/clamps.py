"""What the VampPrior's code clamps, and where: far from the ordinary weights on which claims are executed."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import numpy as np

from elbostone.backends import Binding
from elbostone.claims.probes import probes
from elbostone.notations.notation import Notation
from elbostone.workers.records import Cell
from elbostone.workers.subject import prepare

NOTATION = "tomczak_welling_2018"
#: So large that log-variances leave [-6, 2], pseudo-inputs [0, 1], and logits ±11.5, where σ is 1e-5 from 0 or 1.
FAR = 40.0


def wrong_clamps(binding: Binding, notation: Notation, module: ModuleType) -> Iterator[str]:
    """What is not as the code clamps it, or is clamped where it is not as published: `utils/distributions.py`,
    `models/VAE.py`.
    """
    near = next(probe.problem for probe in probes(notation, 11) if probe.word == "vamp")
    weights = {name: FAR * (array - 0.1) for name, array in near.weights.items()}
    problem = replace(near, name="far", weights=weights)
    cell = Cell(problem.name, notation.id, binding.framework, binding.backend, "cpu", "float64", "eager")
    model = prepare(binding, cell, notation, module, problem).model
    to, array = (lambda a: binding.tensor(a, "float64")), binding.array
    x, ε = to(problem.x), to(problem.noise)

    def parted(what: str, found: np.ndarray, expected: np.ndarray) -> Iterator[str]:
        if not np.allclose(found, expected, rtol=1e-9, atol=1e-9):
            yield what

    for published, quantities in ((False, model.quantities), (True, model.quantities_as_published)):
        clip = np.clip if published else lambda a, low, high: a
        form = "as published" if published else "plain"
        found = quantities(x, ε)
        logvar = array(model.φ(x)[1])
        yield from parted(f"log-variance, {form}", array(found["z_q_logvar"]), clip(logvar, -6, 2))
        means, logvars = model.φ(to(clip(weights["prior.pseudo_inputs"], 0, 1)))
        σ2 = np.exp(clip(array(logvars), -6, 2))
        z = array(found["z"])[:, :, None]
        logs = -0.5 * (np.log(σ2) + (z - array(means)) ** 2 / σ2).sum(-1) - np.log(len(σ2))
        yield from parted(f"prior, {form}", array(found["log_p_z"]), np.logaddexp.reduce(logs, -1).mean(0))
        logits = array(found["x_logit"])
        assert np.abs(logits).max() > 12 and logvar.min() < -6 and logvar.max() > 2  # else nothing is clamped
        p = clip(1 / (1 + np.exp(-logits)), 1e-5, 1 - 1e-5)
        log_p, log_1_minus_p = (np.log(p), np.log(1 - p)) if published else (-softplus(-logits), -softplus(logits))
        RE = (problem.x * log_p + (1 - problem.x) * log_1_minus_p).sum(-1)
        yield from parted(f"likelihood, {form}", array(found["RE"]), RE.mean(0))
        loss = model.calculate_loss_as_published if published else model.calculate_loss
        yield from parted(f"loss, {form}", array(loss(x, ε)), (-array(found["RE"]) + array(found["KL"])).mean())
        if not published:
            densities = model.densities(x, found["z"])
            yield from parted("densities", array(densities["RE"]), RE)
            yield from parted("densities", array(densities["log_p_z"]).mean(0), array(found["log_p_z"]))
    RE, _ = model(x)  # ordinary use is the published form: no pixel costs more than ln 1e-5
    if array(RE).min() < problem.spec.data_dim * np.log(1e-5):
        yield "ordinary use"


def softplus(a: np.ndarray) -> np.ndarray:
    return np.logaddexp(a, 0)
