"""Variants of a problem that show an objective's reductions: more data, more pixels, an idle latent dimension."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..reference.problem import Array, Problem
from ..reference.spec import Spec
from ..reference.weights import decoder_slots, weight_shapes


def variants_of(base: Problem) -> dict[str, Problem]:
    """The problem with its data twice (`batch`), an idle latent dimension (`latents`), its pixels twice (`pixels`)."""
    found = {"batch": twice_the_batch(base), "latents": idle_latent(base)}
    if base.spec.network == "mlp":  # pixels of an image have neighbours: doubled, they are another image
        found["pixels"] = twice_the_pixels(base)
    return found


def twice_the_batch(base: Problem) -> Problem:
    """Every datum twice, with the same noise."""
    spec, weights = base.spec, dict(base.weights)
    if spec.posterior == "free":
        spec = replace(spec, data_count=2 * len(base.x))
        weights |= {name: np.tile(weights[name], (2, 1)) for name in weights if name.startswith("posterior.")}
    return replace(
        base,
        name=f"{base.name}-batch",
        spec=spec,
        x=np.tile(base.x, (2, 1)),
        noise=np.tile(base.noise, (1, 2, 1)),
        weights=weights,
    )


def idle_latent(base: Problem) -> Problem:
    """One more latent dimension, with μ = 0 and σ = 1, that the decoder does not look at.

    It is the last one, of a chain the last of the layer next to the data. Where one σ is that of all dimensions, it is
    1 for all.
    """
    spec = base.spec
    chain = spec.chain and (spec.chain[0] + 1, *spec.chain[1:])
    latents = spec.latents and (*spec.latents[:-1], spec.latents[-1] + 1)
    spec = replace(spec, latent_dim=spec.latent_dim + 1, latents=latents, chain=chain)
    place = spec.chain[0] - 1 if spec.chain else spec.latent_dim - 1
    extra = np.random.default_rng(0).standard_normal(base.noise.shape[:2])
    grown = _grown(base, spec, "latents", base.x, np.insert(base.noise, place, extra, axis=-1))
    if spec.posterior != "isotropic":
        return grown
    ones = {name: np.zeros_like(w) for name, w in grown.weights.items() if name.startswith("encoder.log_variance")}
    return replace(grown, weights={**grown.weights, **ones})


def twice_the_pixels(base: Problem) -> Problem:
    """Every pixel twice; the encoder looks at the first of each alone."""
    spec = replace(base.spec, data_dim=2 * base.spec.data_dim)
    grown = _grown(base, spec, "pixels", np.tile(base.x, (1, 2)), base.noise)
    heads = tuple(f"decoder.{head}." for head in spec.families.likelihood.heads)
    twice = {name: np.concatenate([w] * 2) for name, w in base.weights.items() if name.startswith(heads)}
    noise = {name: np.concatenate([d] * 2, axis=1) for name, d in base.weight_noise.items() if name.startswith(heads)}
    return replace(grown, weights={**grown.weights, **twice}, weight_noise={**grown.weight_noise, **noise})


def _grown(base: Problem, spec: Spec, what: str, x: Array, noise: Array) -> Problem:
    """The weights of a larger specification: those of the base in its first entries, zeros in all others."""
    weights = {name: _padded(base.weights[name], shape, name, spec) for name, shape in weight_shapes(spec).items()}
    weight_noise = {
        slot.name: np.stack([_padded(draw, slot.shape, slot.name, spec) for draw in base.weight_noise[slot.name]])
        for slot in (decoder_slots(spec) if base.weight_noise else ())
    }
    return Problem(f"{base.name}-{what}", spec, x, noise, weights, weight_noise)


def _padded(weight: Array, shape: tuple[int, ...], name: str, spec: Spec) -> Array:
    if not name.startswith("encoder.cholesky"):
        return _corner(weight, shape)
    # its rows are a square matrix, both of whose axes grow
    old, new = round(len(weight) ** 0.5), spec.latent_dim
    square = _corner(weight.reshape(old, old, *weight.shape[1:]), (new, new, *shape[1:]))
    return square.reshape(shape)


def _corner(array: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape, but for the array in the first entries."""
    return np.pad(array, [(0, size - own) for size, own in zip(shape, array.shape, strict=True)])
