"""The four readings of the subscript, each tested on a trained VAE: which of them do its numbers support?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...reference.arithmetic import sigmoid
from ...reference.problem import Problem
from ...reference.truth import Truth
from ...reference.weights import weight_shapes
from ..digits import BATCH, FITTED_VARIANCE
from ..expected import Tensors
from ..plan import BATCH as MINIBATCH
from ..plan import SAMPLES, STEP_SIZE, is_generative
from .statement import Statement, number

READINGS = {
    "R1": "the parameters of the distribution itself, such as its μ and σ",
    "R2": "one value of one vector, shared by all that carry it",
    "R3": "the weights of the networks",
    "R4": "hyper-parameters",
}
VERDICTS = {
    "R1": "wrong for the VAE: those are outputs, another list for each z and each x",
    "R2": "right: one θ indexes one family of joints; but blocks that no factor shares are not tied by it",
    "R3": "right as content, where the prior is fixed: θ is the decoder's weights; wrong that all networks are equal",
    "R4": "wrong: θ has a gradient, is fitted, and freezing it costs held-out nats; hyper-parameters are given",
}
SIGMAS = 6.0
"""Standard errors by which a covariance has to leave zero: 2,016 pairs of pixels are looked at."""


def reading_statements(tensors: Tensors, expected: Truth, learned: Problem) -> list[Statement]:
    """The statements on R1, R3 and R4 by one backend's numbers; those on R2 are the joint's and the trainings'.

    Args:
        tensors: those of `readings.read_digits`.
        expected: the reference, for its tolerances.
        learned: the trained model.
    """
    return [
        _counts(tensors, learned),
        _bent(tensors, expected),
        _covariance(tensors, expected),
        _marginal(tensors, expected, learned),
        _disjoint(tensors, learned),
        _permuted(tensors, expected, learned),
        _gradient(tensors),
        _frozen(tensors),
    ]


def _counts(tensors: Tensors, learned: Problem) -> Statement:
    data, latent = learned.spec.data_dim, learned.spec.latent_dim
    decoder, gaussian, encoder = (int(tensors[f"numbers/{net}"]) for net in ("decoder", "gaussian decoder", "encoder"))
    theta = sum(weight.size for name, weight in learned.weights.items() if is_generative(name))
    shift = float(np.abs(np.diff(tensors["decoded/learned/prior"][:2], axis=0)).max())
    sentence = (
        f"The distributions have lists of parameters of three lengths: p(z) has 2J = {2 * latent} constants; p(x|z) "
        f"has {decoder} numbers at every z (D = {data}; 2D = {gaussian} if it is Gaussian); q(z|x) has 2J = {encoder} "
        f"at every x. θ has {theta:,} numbers, the same at every z. From one z to the next a logit changes by up to "
        f"{number(shift)}, and θ does not change."
    )
    holds = (decoder, gaussian, encoder) == (data, 2 * data, 2 * latent) and theta != decoder and shift > 0
    return Statement("R1", "counts", sentence, holds)


def _bent(tensors: Tensors, expected: Truth) -> Statement:
    kept = float(np.abs(tensors["decoded/bent/point"] - tensors["decoded/learned/point"]).max())
    allowed = expected.tolerances["decoded/bent/point"] + expected.tolerances["decoded/learned/point"]
    moved = float((tensors["bent/elbo"] - tensors["learned/elbo"]).mean())
    limit = expected.tolerances["bent/elbo"] + expected.tolerances["learned/elbo"]
    sentence = (
        f"θ can change so that the logits at one z stay the same (they change by {number(kept)}; rounding explains "
        f"{number(allowed)}) while the ELBO of {BATCH} digits changes by {number(moved)} nats on average. The "
        f"parameters of p(x|z) at one z do not determine θ, and p(x) depends on θ."
    )
    return Statement("R1", "same η, other θ", sentence, kept <= allowed and abs(moved) > limit)


def _covariance(tensors: Tensors, expected: Truth) -> Statement:
    """Given z the pixels are independent, so that Cov(x_i, x_j) = Cov(y_i(z), y_j(z)), y = σ(logits), i ≠ j."""
    y = sigmoid(tensors["decoded/learned/prior"])
    centred = y - y.mean(axis=0)
    count = len(y)
    covariance = centred.T @ centred / (count - 1)
    second = (centred**2).T @ centred**2 / count
    error = np.sqrt(np.maximum(second - covariance**2, 0) / count)
    pairs = np.triu_indices(y.shape[1], 1)
    off, errors = covariance[pairs], error[pairs]
    # σ is ¼-Lipschitz and below 1: rounding moves a product of two by at most half of what it moves a logit by.
    rounding = expected.tolerances["decoded/learned/prior"] / 2
    apart = int((np.abs(off) > SIGMAS * errors + rounding).sum())
    worst = int(np.argmax(np.abs(off)))
    sentence = (
        f"p(x) is in neither family. Between the pixels of a product of Bernoullis the covariance is 0; under p(x), "
        f"{apart:,} of {len(off):,} pairs have a covariance more than {SIGMAS:g} standard errors away from 0 (up to "
        f"{number(float(off[worst]))} ± {number(float(errors[worst]))}, {count:,} draws of z)."
    )
    return Statement("R1", "pixel covariance", sentence, apart > 0)


def _marginal(tensors: Tensors, expected: Truth, learned: Problem) -> Statement:
    kl, tolerance = float(tensors["fitted/kl"]), expected.tolerances["fitted/kl"]
    data = learned.spec.data_dim
    sentence = (
        f"Where z has as many dimensions as x (J = D = {data}; linear-Gaussian, fitted to the grey digits, noise "
        f"variance {FITTED_VARIANCE:g}), p(x) and p(z) can be compared: KL(p(x) ‖ p(z)) = {number(kl)} nats. If the "
        f"subscript were a list of the distribution's parameters, the two distributions would be the same."
    )
    return Statement("R1", "p(x) against p(z)", sentence, kl > tolerance)


def _disjoint(tensors: Tensors, learned: Problem) -> Statement:
    norms = {
        (net, name): float(np.linalg.norm(tensors[f"reads/{net}/{name}"]))
        for net in ("decoder", "encoder")
        for name in learned.weights
    }
    theta = [name for name in learned.weights if is_generative(name)]
    phi = [name for name in learned.weights if not is_generative(name)]
    zero = all(norms["decoder", name] == 0 for name in phi) and all(norms["encoder", name] == 0 for name in theta)
    read = all(norms["decoder", name] > 0 for name in theta) and all(norms["encoder", name] > 0 for name in phi)
    sizes = [sum(learned.weights[name].size for name in names) for names in (theta, phi)]
    shapes = weight_shapes(learned.spec)
    one, other = shapes["decoder.hidden.0.weight"], shapes["encoder.hidden.0.weight"]
    sentence = (
        f"There are two networks. The decoder reads the {sizes[0]:,} numbers of θ, and its gradient with respect to "
        f"the {sizes[1]:,} of φ is exactly 0; the encoder reads φ, and its gradient with respect to θ is exactly 0. "
        f"p(x) and p(z|x) have no network of their own. The two networks cannot be equal: their first layers are "
        f"{one[0]}×{one[1]} and {other[0]}×{other[1]}."
    )
    return Statement("R3", "θ and φ are disjoint", sentence, zero and read and one != other)


def _permuted(tensors: Tensors, expected: Truth, learned: Problem) -> Statement:
    names = ("log_likelihood", "elbo", "elbo_monte_carlo")
    moved = max(float(np.abs(tensors[f"permuted/{n}"] - tensors[f"learned/{n}"]).max()) for n in names)
    within = all(
        np.abs(tensors[f"permuted/{n}"] - tensors[f"learned/{n}"]).max()
        <= expected.tolerances[f"permuted/{n}"] + expected.tolerances[f"learned/{n}"]
        for n in names
    )
    weight = learned.weights["decoder.hidden.0.weight"]
    change = float(np.linalg.norm(weight - weight[::-1]))
    sentence = (
        f"θ determines a joint, and a joint does not determine θ. With the decoder's hidden units in another order, θ "
        f"is another (its first layer changes by {number(change)}) and the joint is the same (log p(x, z) − log q(z|x) "
        f"and its parts change by {number(moved)} nats)."
    )
    return Statement("R3", "another order", sentence, within and change > 0)


def _gradient(tensors: Tensors) -> Statement:
    def norm(model: str) -> float:
        prefix = f"{model}/gradient/"
        squares = (
            float((value**2).sum())
            for name, value in tensors.items()
            if name.startswith(prefix) and is_generative(name.removeprefix(prefix))
        )
        return float(np.sqrt(sum(squares))) / BATCH

    before, after = norm("start"), norm("learned")
    sentence = (
        f"Training fits θ: the gradient of the mean ELBO with respect to θ has norm {number(before)} at the start "
        f"and {number(after)} after training (nats per unit of θ; {BATCH} held-out digits). The hyper-parameters J = "
        f"{tensors['learned/posterior_mean'].shape[1]}, {MINIBATCH} digits a minibatch and the step size {STEP_SIZE:g} "
        f"have no gradient, and no subscript names them."
    )
    return Statement("R4", "θ has a gradient", sentence, before > after > 0)


def _frozen(tensors: Tensors) -> Statement:
    learned, frozen = tensors["learned/log_likelihoods"], tensors["frozen/log_likelihoods"]
    gaps = learned - frozen
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    sentence = (
        f"With θ frozen at its start and φ alone learned, log p(x) of a held-out digit is "
        f"{number(float(gaps.mean()))} ± {number(error)} nats lower ({number(float(frozen.mean()))} against "
        f"{number(float(learned.mean()))}; {len(gaps)} digits, {SAMPLES:,} importance samples each; ± is a standard "
        f"error)."
    )
    return Statement("R4", "frozen against learned", sentence, float(gaps.mean()) > SIGMAS * error)


def agreed(by_backend: Mapping[str, list[Statement]]) -> list[Statement]:
    """One statement of each subject: the first backend's, or that of the first backend in which it fails."""
    merged = []
    for group in zip(*by_backend.values(), strict=True):
        broken = [(backend, s) for backend, s in zip(by_backend, group, strict=True) if not s.holds]
        if broken:
            backend, statement = broken[0]
            merged.append(Statement(statement.topic, statement.subject, f"{backend}: {statement.sentence}", False))
        else:
            merged.append(group[0])
    return merged
