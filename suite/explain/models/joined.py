"""How does a loss combine several draws of z? As a mean over draws, or as the log of a mean of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..investigation import Investigation
from .flow import Flow
from .run import Runner, Setting
from .sampling import draws_in

LINEAR, LOG_MEAN, OTHER = "linear", "log-mean", "other"


@dataclass(frozen=True)
class Joined:
    """How a loss combines several draws of z.

    Attributes:
        draws: the number of draws, or `k`.
        how: `LINEAR` (mean), `LOG_MEAN` or `OTHER`.
    """

    draws: int | str
    how: str

    def bound(self, kl: str | None) -> str | None:
        """The name of the bound, for a KL that is `analytic` or `sampled`; None if it is no known bound."""
        if self.how == LINEAR:
            return f"ELBO over {self.draws} draws of z"
        return f"importance-weighted bound of {self.draws} draws of z" if self.weighted(kl) else None

    def weighted(self, kl: str | None) -> bool:
        """Whether the mean is of importance weights, which contain q(z) and p(z) too."""
        return self.how == LOG_MEAN and kl == "sampled"

    def formula(self, weight: str) -> str:
        """The importance-weighted bound as text; `weight` is the coefficient of one example."""
        return f"{weight} * sum over examples of -log(mean over {self.draws} draws of exp(-R - K))"

    @property
    def undetermined(self) -> str:
        """What was not determined, in words."""
        if self.how == LOG_MEAN:
            return f"what the loss bounds: the log of a mean over {self.draws} draws does not include its KL"
        return f"how the loss combines its {self.draws} draws of z: neither as a mean nor as the log of a mean"


def joined(runner: Runner, flow: Flow, found: Investigation) -> Joined | None:
    """Change the z of one example in all draws, then in one draw alone; None for one draw, or an unknown data term.

    Args:
        runner: runs the model.
        flow: the model's tensors.
        found: the results of the experiments on its loss.
    """
    if flow.draws < 2 or found.at_base is None or not found.at_base.recon:
        return None
    run, k, scale = flow.run, flow.draws, found.at_base.recon
    stacked = draws_in(run, flow.z, flow.mu) > 1
    if stacked and len(flow.copies.get("z", ())):
        return Joined(k, OTHER)
    cuts = {place: run.value(place) for place in (flow.mu, flow.scale)}
    places = (flow.z, *flow.copies.get("z", ()))
    shape = run.value(flow.mu).shape
    first, second = np.random.default_rng(8).normal(size=(2, *shape))
    moved = first.copy()
    np.moveaxis(moved, flow.batch[1], 0)[0] = np.moveaxis(second, flow.batch[1], 0)[0]

    def value(draws: list[np.ndarray]) -> float:
        given = {flow.z: np.stack(draws)} if stacked else dict(zip(places, draws, strict=True))
        given = {place: z.reshape(run.value(place).shape) for place, z in given.items()}
        terms = runner.run(run.x, Setting(replaced={**cuts, **given}, terms_only=True)).terms
        return float(sum(float(np.sum(terms[name])) for name in found.lab.total))

    before, after = value([first] * k), value([moved] * k)
    one = value([moved] + [first] * (k - 1))
    gained, reach = (after - before) / scale, 1e-7 * abs(after - before)
    linear = before + (after - before) / k
    logged = before - scale * float(np.log((k - 1 + np.exp(-gained)) / k))
    how = LINEAR if abs(one - linear) < reach else LOG_MEAN if abs(one - logged) < reach else OTHER
    found.note("draws of z", f"one of {k} draws moved alone: {how}", 3, None)
    return Joined(k, how)
