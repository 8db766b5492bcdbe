"""The definitions in 80-digit arithmetic, each as its source prints it: distributions, terms, and the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp, mpf
from scalar import Matrix, Number, diagonal, exp, invert, lift, log, log_sigmoid, product, sqrt, total, transpose
from scalar_networks import Weights, affine, decode, features, layers, split

LOG_2PI = mp.log(2 * mp.pi)


@dataclass(frozen=True)
class Posterior:
    """N(mean, C), drawn as z = mean + root · noise.

    Attributes:
        mean: of each latent.
        covariance, precision: C and its inverse.
        log_determinant: log det C.
        root: a matrix whose product with its own transpose is C.
    """

    mean: list[Number]
    covariance: Matrix
    precision: Matrix
    log_determinant: Number
    root: Matrix

    def draw(self, noise: Sequence[Number]) -> list[Number]:
        """z = mean + root · noise."""
        moved = product(self.root, [[e] for e in noise])
        return [m + d for m, (d,) in zip(self.mean, moved, strict=True)]

    def log_density(self, z: Sequence[Number]) -> Number:
        """−½ (J log 2π + log det C + (z − mean)ᵀ C⁻¹ (z − mean))."""
        away = [[v - m] for v, m in zip(z, self.mean, strict=True)]
        ((quadratic,),) = product(transpose(away), product(self.precision, away))
        return (lift(len(z) * LOG_2PI) + self.log_determinant + quadratic) * mpf("-0.5")


def independent(mean: list[Number], log_variance: list[Number]) -> Posterior:
    """N(mean, diag σ²)."""
    return Posterior(
        mean,
        covariance=diagonal([exp(s) for s in log_variance]),
        precision=diagonal([exp(s * mpf(-1)) for s in log_variance]),
        log_determinant=total(log_variance),
        root=diagonal([exp(s * mpf("0.5")) for s in log_variance]),
    )


def of_cholesky(mean: list[Number], log_variance: list[Number], entries: list[Number]) -> Posterior:
    """Σ = LLᵀ, L = L_mask ⊙ L' + diag(σ), the mask 1 below the diagonal (Kingma and Welling, 2019, section 2.5.1)."""
    size = len(mean)
    root = diagonal([exp(s * mpf("0.5")) for s in log_variance])
    for i in range(size):
        for j in range(i):
            root[i][j] = entries[size * i + j]
    covariance = product(root, transpose(root))
    precision, log_determinant = invert(covariance)
    return Posterior(mean, covariance, precision, log_determinant, root)


def of_precision(mean: list[Number], log_variance: list[Number], u: list[Number]) -> Posterior:
    """C⁻¹ = D + uuᵀ, and R = D^−½ − ((1 − √η)/(uᵀD⁻¹u)) D⁻¹uuᵀD^−½ with η = 1/(1 + uᵀD⁻¹u).

    Rezende, Mohamed and Wierstra, 2014, section 4.3; D⁻¹ is the exponential of `log_variance`.
    """
    size = len(mean)
    inverse = [exp(s) for s in log_variance]
    precision = [[u[i] * u[j] for j in range(size)] for i in range(size)]
    for i in range(size):
        precision[i][i] = lift(1) / inverse[i] + precision[i][i]
    covariance, log_determinant = invert(precision)
    along = total([u[i] * inverse[i] * u[i] for i in range(size)])
    share = (lift(1) - sqrt(lift(1) / (lift(1) + along))) / along
    root = diagonal([sqrt(d) for d in inverse])
    for i in range(size):
        for j in range(size):
            root[i][j] = root[i][j] - share * inverse[i] * u[i] * u[j] * sqrt(inverse[j])
    return Posterior(mean, covariance, precision, log_determinant * mpf(-1), root)


def beside_each_other(parts: list[Posterior]) -> Posterior:
    """Independent Gaussians as one, its matrices blocks along a diagonal."""

    def blocks(matrices: list[Matrix]) -> Matrix:
        size, rows, before = sum(map(len, matrices)), [], 0
        for matrix in matrices:
            after = size - before - len(matrix)
            rows += [[lift(0)] * before + row + [lift(0)] * after for row in matrix]
            before += len(matrix)
        return rows

    return Posterior(
        [m for part in parts for m in part.mean],
        covariance=blocks([part.covariance for part in parts]),
        precision=blocks([part.precision for part in parts]),
        log_determinant=total([part.log_determinant for part in parts]),
        root=blocks([part.root for part in parts]),
    )


def posterior(spec: dict[str, Any], x: list[Number], w: Weights, datum: int = 0) -> Posterior:
    """q(z|x); where no encoder has seen x, that of the datum's own parameters. Of a chain, q(h¹|x)."""
    kind = spec.get("posterior", "diagonal")
    if kind == "free":
        return independent(list(w["posterior.mean"][datum]), list(w["posterior.log_variance"][datum]))
    hidden = features(spec, x, w)
    mean, log_variance = (affine(hidden, w, f"encoder.{head}") for head in ("mean", "log_variance"))
    if kind == "isotropic":
        log_variance = log_variance * len(mean)  # σ²I
    if kind == "full":
        return of_cholesky(mean, log_variance, affine(hidden, w, "encoder.cholesky"))
    if kind == "rank-one":  # each layer of a deep latent Gaussian model has its own: q(ξ|v) = Π_l N(ξ_l; μ_l, C_l)
        heads = (mean, log_variance, affine(hidden, w, "encoder.rank_one"))
        parts = (split(head, spec["latents"]) if "latents" in spec else [head] for head in heads)
        return beside_each_other([of_precision(*part) for part in zip(*parts, strict=True)])
    return independent(mean, log_variance)


def neighbour(spec: dict[str, Any], layer: list[Number], w: Weights, name: str) -> Posterior:
    """The Gaussian of a layer of a chain, given the layer beside it."""
    hidden = layers(spec, layer, w, name)
    return independent(*(affine(hidden, w, f"{name}.{head}") for head in ("mean", "log_variance")))


def draw(spec: dict[str, Any], q: Posterior, noise: list[Number], w: Weights) -> tuple[list[Number], Number]:
    """z, or all layers of a chain one after the other, and log q of it."""
    parts = split(noise, spec["chain"]) if "chain" in spec else [noise]
    layer = q.draw(parts[0])
    drawn, densities = [*layer], [q.log_density(layer)]
    for i, part in enumerate(parts[1:]):
        given = neighbour(spec, layer, w, f"encoder.chain.{i}")
        layer = given.draw(part)
        drawn += layer
        densities.append(given.log_density(layer))
    return drawn, total(densities)


def prior_parameters(w: Weights, size: int) -> tuple[list[Number], list[Number]]:
    """Mean and log-variance of a Gaussian prior."""
    zero = [lift(0)] * size
    return list(w.get("prior.mean", zero)), list(w.get("prior.log_variance", zero))


def log_prior(spec: dict[str, Any], z: list[Number], w: Weights) -> Number:
    """log p(z): of N(0, I) or a learned Gaussian, of the VampPrior, or of a chain from its far end."""
    if spec["prior"] == "vamp":  # 1/K Σ_k q(z|u_k): Tomczak and Welling, 2018, equation 9
        pseudo = w["prior.pseudo_inputs"]
        return log(total([exp(posterior(spec, list(u), w).log_density(z)) for u in pseudo]) / len(pseudo))
    if "chain" in spec:  # p(h^L) Π p(h^l|h^(l+1)): Burda, Grosse and Salakhutdinov, 2016, equation 1
        parts = split(z, spec["chain"])
        far = independent(*prior_parameters(w, len(parts[-1])))
        given = [neighbour(spec, parts[i + 1], w, f"decoder.chain.{i}") for i in range(len(parts) - 1)]
        return total([p.log_density(part) for p, part in zip([*given, far], parts, strict=True)])
    return independent(*prior_parameters(w, len(z))).log_density(z)


def divergence(q: Posterior, prior_mean: list[Number], prior_log_variance: list[Number]) -> Number:
    """KL(q ‖ N(prior_mean, diag e^prior_log_variance)) = ½ (tr + squared distance − J + log ratio of determinants)."""
    moments = [
        (q.covariance[j][j] + (q.mean[j] - prior_mean[j]) * (q.mean[j] - prior_mean[j])) / exp(prior_log_variance[j])
        for j in range(len(q.mean))
    ]
    return (total([*moments, *prior_log_variance]) - len(moments) - q.log_determinant) * mpf("0.5")


def log_likelihood(spec: dict[str, Any], x: list[Number], outputs: list[list[Number]]) -> Number:
    if spec["likelihood"] == "bernoulli":
        return total(
            [
                part
                for v, a in zip(x, outputs[0], strict=True)
                for part in (v * log_sigmoid(a), (lift(1) - v) * log_sigmoid(a * mpf(-1)))
            ]
        )
    if spec["likelihood"] == "gaussian-fixed":
        outputs = [outputs[0], [lift(mp.log(mpf(spec["variance"])))] * len(x)]
    return total([independent([m], [s]).log_density([v]) for v, m, s in zip(x, *outputs, strict=True)])


Noises = Mapping[str, np.ndarray]  # decoder weight → ζ, [sample, ...] of Numbers


def drawn_weights(w: Weights, weight_noise: Noises, sample: int) -> Weights:
    """θ = mean + sd · ζ for each decoder weight that has a posterior (Kingma and Welling, 2013, Appendix F)."""
    drawn = dict(w)
    for name, noise in weight_noise.items():
        sd = np.vectorize(lambda s: exp(s * mpf("0.5")), otypes=[object])(w[f"{name}.log_variance"])
        drawn[name] = w[f"{name}.mean"] + sd * noise[sample]
    return drawn


def terms(
    spec: dict[str, Any],
    x: list[Number],
    noise: list[list[Number]],
    w: Weights,
    *,
    datum: int = 0,
    weight_noise: Noises | None = None,
) -> dict[str, Any]:
    """All terms of one example; noise is [sample][latent]. Posterior parameters come as lists."""
    q = posterior(spec, x, w, datum)
    likelihoods, log_ratios, divergences = [], [], []
    for number, sample in enumerate(noise):
        z, log_q = draw(spec, q, sample, w)
        outputs = decode(spec, z, drawn_weights(w, weight_noise or {}, number))
        likelihoods.append(log_likelihood(spec, x, outputs))
        divergences.append(log_q - log_prior(spec, z, w))
        log_ratios.append(likelihoods[-1] - divergences[-1])
    average, sampled = total(likelihoods) / len(noise), total(divergences) / len(noise)
    closed = "chain" not in spec and spec["prior"] != "vamp"
    kl = divergence(q, *prior_parameters(w, len(q.mean))) if closed else sampled
    return {
        "log_likelihood": average,
        "kl": kl,
        "elbo": average - kl,
        "elbo_monte_carlo": total(log_ratios) / len(noise),
        "iwae": log(total([exp(ratio) for ratio in log_ratios]) / len(noise)),
        "posterior_mean": q.mean,
        "posterior_log_variance": [log(q.covariance[j][j]) for j in range(len(q.mean))],
        "kl_monte_carlo": sampled,
    }


def weight_divergences(w: Weights, weight_noise: Noises) -> tuple[Number, Number]:
    """KL(q(θ) ‖ N(0, I)) of all decoder weights together, in closed form and as the mean over the draws."""
    closed, sampled = [], []
    zero = [lift(0)]
    for name, noise in weight_noise.items():
        parameters = zip(w[f"{name}.mean"].ravel(), w[f"{name}.log_variance"].ravel(), strict=True)
        for (mean, log_variance), *draws in zip(parameters, *(zeta.ravel() for zeta in noise), strict=True):
            q = independent([mean], [log_variance])
            closed.append(divergence(q, zero, zero))
            for zeta in draws:
                θ = q.draw([zeta])
                sampled.append((q.log_density(θ) - independent(zero, zero).log_density(θ)) / len(noise))
    return total(closed), total(sampled)


def objective(
    spec: dict[str, Any], examples: Sequence[dict[str, Any]], w: Weights, weight_noise: Noises, bound: str
) -> Number:
    """The sum of a bound over the batch, its KL weighed by β, less M/N of the KL of the decoder's weights."""
    if bound == "iwae":
        return total([example["iwae"] for example in examples])
    kl = {"elbo": "kl", "elbo_monte_carlo": "kl_monte_carlo"}[bound]
    β = mpf(spec.get("beta", 1))
    parts = [example["log_likelihood"] - example[kl] * β for example in examples]
    if weight_noise:
        of_weights = weight_divergences(w, weight_noise)[bound == "elbo_monte_carlo"]
        parts.append(of_weights * (mpf(-len(examples)) / spec["data_count"]))
    return total(parts)
