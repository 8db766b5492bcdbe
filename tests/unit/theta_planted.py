"""Wrong models, each of which the analysis of θ has to notice."""

from dataclasses import dataclass, replace

from elbostone.reference.node import Node, Nodes
from elbostone.theta.cases import Case, cases
from elbostone.theta.models import Linear, Tanh

CASES = {case.name: case for case in cases()}


@dataclass(frozen=True)
class LeakyPrior(Tanh):
    """A prior that reads a weight of the decoder, a trillionth of it."""

    def log_prior(self, w: Nodes, z: Node) -> Node:
        return super().log_prior(w, z) + 1e-12 * w["decoder.logits.bias"].sum(0)


class PosteriorOfAnotherPrior(Linear):
    """A posterior that takes the prior for standard."""

    def log_posterior(self, w: Nodes, x: Node, z: Node) -> Node:
        return super().log_posterior({n: weight for n, weight in w.items() if not n.startswith("prior.")}, x, z)


@dataclass(frozen=True)
class PosteriorOfTheEncoder(Tanh):
    """q(z|x) in the place of p(z|x): φ where θ belongs."""

    def log_posterior(self, w: Nodes, x: Node, z: Node) -> Node:
        return self.log_recognition(w, x, z)


@dataclass(frozen=True)
class UnsharedLikelihood(Tanh):
    """p(x) of another likelihood than p(x|z)."""

    def log_marginal(self, w: Nodes, x: Node) -> Node:
        return super().log_marginal({**w, "decoder.logits.bias": 0.9 * w["decoder.logits.bias"]}, x)

    def log_posterior(self, w: Nodes, x: Node, z: Node) -> Node:
        return Tanh(self.grid, self.spec).log_posterior(w, x, z)


def _tanh(planted: type[Tanh]) -> Case:
    case = CASES["learned"]
    assert isinstance(case.model, Tanh)
    return replace(case, model=planted(case.model.grid, case.model.spec))


def planted() -> dict[str, Case]:
    """The wrong cases, by what is wrong."""
    return {
        "leak": _tanh(LeakyPrior),
        "posterior of another prior": replace(CASES["linear"], model=PosteriorOfAnotherPrior()),
        "posterior of the encoder": _tanh(PosteriorOfTheEncoder),
        "unshared likelihood": _tanh(UnsharedLikelihood),
    }
