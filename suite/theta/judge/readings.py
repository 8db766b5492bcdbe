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


def reading_statements(found: Tensors, expected: Truth, learned: Problem) -> list[Statement]:
    """What one backend's numbers say of R1, R3 and R4 (R2 is said by the joint and by two copies trained apart).

    Args:
        found: what `readings.read_digits` returned.
        expected: the source of the tolerances.
        learned: the trained model.
    """
    return [
        _counts(found, learned),
        _bent(found, expected),
        _covariance(found, expected),
        _marginal(found, expected, learned),
        _disjoint(found, learned),
        _permuted(found, expected, learned),
        _gradient(found),
        _frozen(found),
    ]


def _counts(found: Tensors, learned: Problem) -> Statement:
    data, latent = learned.spec.data_dim, learned.spec.latent_dim
    decoder, gaussian, encoder = (int(found[f"numbers/{net}"]) for net in ("decoder", "gaussian decoder", "encoder"))
    theta = sum(weight.size for name, weight in learned.weights.items() if is_generative(name))
    shift = float(np.abs(np.diff(found["decoded/learned/prior"][:2], axis=0)).max())
    sentence = (
        f"Three lists of numbers, of three lengths: p(z) has 2J = {2 * latent}, fixed; p(x|z) has {decoder} for every "
        f"z (D = {data}; {gaussian} = 2D when it is Gaussian); q(z|x) has {encoder} = 2J for every x. θ is none of "
        f"them: {theta:,} numbers, however many z there are. From one z to the next a logit moves by up to "
        f"{number(shift)} while θ stays."
    )
    holds = (decoder, gaussian, encoder) == (data, 2 * data, 2 * latent) and theta != decoder and shift > 0
    return Statement("R1", "counts", sentence, holds)


def _bent(found: Tensors, expected: Truth) -> Statement:
    kept = float(np.abs(found["decoded/bent/point"] - found["decoded/learned/point"]).max())
    allowed = expected.tolerances["decoded/bent/point"] + expected.tolerances["decoded/learned/point"]
    moved = float((found["bent/elbo"] - found["learned/elbo"]).mean())
    limit = expected.tolerances["bent/elbo"] + expected.tolerances["learned/elbo"]
    sentence = (
        f"θ can be changed so that the logits at one z stay (they move by {number(kept)}, rounding explains "
        f"{number(allowed)}) while the ELBO of {BATCH} digits moves by {number(moved)} nats on average: knowing the "
        f"parameters of p(x|z) at a z is not knowing θ, and it is θ that p(x) depends on."
    )
    return Statement("R1", "same η, other θ", sentence, kept <= allowed and abs(moved) > limit)


def _covariance(found: Tensors, expected: Truth) -> Statement:
    """Given z the pixels are independent, so that Cov(x_i, x_j) = Cov(y_i(z), y_j(z)), y = σ(logits), i ≠ j."""
    y = sigmoid(found["decoded/learned/prior"])
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
        f"p(x) is in neither family: a product of Bernoullis has covariance 0 between pixels, and under p(x) "
        f"{apart:,} of {len(off):,} pairs are more than {SIGMAS:g} standard errors away from it (up to "
        f"{number(float(off[worst]))} ± {number(float(errors[worst]))}, {count:,} draws of z)."
    )
    return Statement("R1", "pixel covariance", sentence, apart > 0)


def _marginal(found: Tensors, expected: Truth, learned: Problem) -> Statement:
    kl, tolerance = float(found["fitted/kl"]), expected.tolerances["fitted/kl"]
    data = learned.spec.data_dim
    sentence = (
        f"Where z has as many dimensions as x (J = D = {data}; linear-Gaussian, fitted to the grey digits, noise "
        f"variance {FITTED_VARIANCE:g}) the two can be compared, and KL(p(x) ‖ p(z)) = {number(kl)} nats: one "
        f"subscript, two distributions. A list of distribution parameters in it would make them the same."
    )
    return Statement("R1", "p(x) against p(z)", sentence, kl > tolerance)


def _disjoint(found: Tensors, learned: Problem) -> Statement:
    norms = {
        (net, name): float(np.linalg.norm(found[f"reads/{net}/{name}"]))
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
        f"Two networks and no third: the decoder reads the {sizes[0]:,} numbers of θ and its gradient by the "
        f"{sizes[1]:,} of φ is exactly 0, the encoder the other way round; p(x) and p(z|x) have no network of their "
        f"own. Nor could the two be equal: their first layers are {one[0]}×{one[1]} and {other[0]}×{other[1]}."
    )
    return Statement("R3", "θ and φ are disjoint", sentence, zero and read and one != other)


def _permuted(found: Tensors, expected: Truth, learned: Problem) -> Statement:
    names = ("log_likelihood", "elbo", "elbo_monte_carlo")
    moved = max(float(np.abs(found[f"permuted/{n}"] - found[f"learned/{n}"]).max()) for n in names)
    within = all(
        np.abs(found[f"permuted/{n}"] - found[f"learned/{n}"]).max()
        <= expected.tolerances[f"permuted/{n}"] + expected.tolerances[f"learned/{n}"]
        for n in names
    )
    weight = learned.weights["decoder.hidden.0.weight"]
    change = float(np.linalg.norm(weight - weight[::-1]))
    sentence = (
        f"θ indexes a joint, it is not read off from one: the decoder's hidden units in another order are another θ "
        f"(its first layer moves by {number(change)}) and the same joint (log p(x, z) − log q(z|x) and its parts move "
        f"by {number(moved)} nats)."
    )
    return Statement("R3", "another order", sentence, within and change > 0)


def _gradient(found: Tensors) -> Statement:
    def norm(model: str) -> float:
        prefix = f"{model}/gradient/"
        squares = (
            float((value**2).sum())
            for name, value in found.items()
            if name.startswith(prefix) and is_generative(name.removeprefix(prefix))
        )
        return float(np.sqrt(sum(squares))) / BATCH

    before, after = norm("start"), norm("learned")
    sentence = (
        f"θ is what training fits: the gradient of the mean ELBO by θ has norm {number(before)} at the start "
        f"and {number(after)} after training (nats per unit of θ; {BATCH} held-out digits). J = "
        f"{found['learned/posterior_mean'].shape[1]}, {MINIBATCH} digits a minibatch and the step size {STEP_SIZE:g} "
        f"have no gradient: they are the hyper-parameters, and no subscript names them."
    )
    return Statement("R4", "θ has a gradient", sentence, before > after > 0)


def _frozen(found: Tensors) -> Statement:
    learned, frozen = found["learned/log_likelihoods"], found["frozen/log_likelihoods"]
    gaps = learned - frozen
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    sentence = (
        f"Freezing θ where it started and learning φ alone costs {number(float(gaps.mean()))} ± {number(error)} nats "
        f"of log p(x) a held-out digit ({number(float(frozen.mean()))} against {number(float(learned.mean()))}; "
        f"{len(gaps)} digits, {SAMPLES:,} importance samples each; ± is a standard error)."
    )
    return Statement("R4", "frozen against learned", sentence, float(gaps.mean()) > SIGMAS * error)


def agreed(by_backend: Mapping[str, list[Statement]]) -> list[Statement]:
    """One statement of each kind: it holds where it holds in every backend; else the first backend that denies it."""
    merged = []
    for group in zip(*by_backend.values(), strict=True):
        broken = [(backend, s) for backend, s in zip(by_backend, group, strict=True) if not s.holds]
        if broken:
            backend, statement = broken[0]
            merged.append(Statement(statement.topic, statement.subject, f"{backend}: {statement.sentence}", False))
        else:
            merged.append(group[0])
    return merged
