"""Train a notation's implementation on the digits in one backend, and score it on digits that it has not seen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ...backends import Binding
from ...reference.problem import Array, read_tensors
from ...workers.subject import Subject
from ..plan import (
    BY_NAME,
    DIGITS_AT_ONCE,
    FIRST,
    SAMPLES_AT_ONCE,
    SECOND,
    STEPS,
    Adagrad,
    Regime,
    Training,
    batches,
    collect,
    expand,
    importance_noise,
    is_generative,
    one_copy,
    readouts,
    start,
)
from ..records import TrainingRecord
from .vae import DTYPE, build, gradients, mode_of, put, quantity

Weights = Mapping[str, Array]


def train(binding: Binding, regime: Regime, data: Array, seed: int, steps: int, rounding: int | None = None) -> Weights:
    """The free weights after training.

    Args:
        binding: the backend.
        regime: the regime, which says what is tied or frozen.
        data: [data count, data].
        seed: the seed of initial weights, minibatches and noise.
        steps: minibatches.
        rounding: a seed for perturbing every new weight by float64's rounding; None to leave it as computed.
    """
    free = start(regime, seed)
    weights = expand(regime, free)
    if regime.copies:
        vaes = {copy: _build(binding, regime, one_copy(weights, copy)) for copy in (FIRST, SECOND)}
        kl = quantity(vaes[FIRST], "kl")
        objectives = {FIRST: lambda x, noise: -kl(x, noise), SECOND: quantity(vaes[SECOND], "log_likelihood")}
    else:
        vaes = {"": _build(binding, regime, weights)}
        objectives = {"": quantity(vaes[""], "elbo")}
    slopes = {copy: gradients(vae, objectives[copy], mode_of(binding)) for copy, vae in vaes.items()}
    rule = Adagrad(None if rounding is None else np.random.default_rng((seed, 2, rounding)))
    for x, noise in batches(data, seed, regime.spec.latent_dim, steps):
        drawn = next(iter(vaes.values())).data(x), binding.tensor(noise, DTYPE)
        every = {f"{c}/{n}".lstrip("/"): g for c, of in slopes.items() for n, g in of(*drawn).items()}
        free = rule.update(free, collect(regime, every))
        weights = expand(regime, free)
        for copy, vae in vaes.items():
            put(vae, one_copy(weights, copy) if copy else weights)
    return free


def _build(binding: Binding, regime: Regime, weights: Weights) -> Subject:
    return build(binding, regime.notation, regime.spec, weights)


def log_likelihoods(vae: Subject, x: Array) -> Array:
    """log p̂(x) = log 1/S Σ_s p(x, z_s)/q(z_s|x), z_s ~ q(z|x), S = `SAMPLES`.

    Args:
        vae: a model with its weights.
        x: [data count, data].

    Returns:
        [data count], in nats; its expectation is a lower bound of log p(x) that is tight for large S.
    """
    binding, latents = vae.binding, vae.spec.latent_dim
    log_weight = binding.forward(vae.model, quantity(vae, "elbo_monte_carlo"), mode_of(binding))  # at one draw per row
    chunks = []
    for first in range(0, len(x), DIGITS_AT_ONCE):
        chunk = x[first : first + DIGITS_AT_ONCE]
        repeated = np.repeat(chunk, SAMPLES_AT_ONCE, axis=0)
        draws = [
            noise.swapaxes(0, 1).reshape(1, len(repeated), latents)
            for noise in importance_noise(first, len(chunk), latents)
        ]
        rows = [binding.array(log_weight(vae.data(repeated), binding.tensor(noise, DTYPE))) for noise in draws]
        log_weights = np.concatenate([row.reshape(len(chunk), -1) for row in rows], axis=1)
        largest = log_weights.max(axis=1, keepdims=True)
        chunks.append(np.log(np.exp(log_weights - largest).mean(axis=1)) + largest[:, 0])
    return np.concatenate(chunks)


def run_trainings(
    binding: Binding, asked: Sequence[Training], inputs: Path
) -> tuple[dict[str, Array], list[TrainingRecord]]:
    """`<training>/<weight>`, what each training left free, and one record per training and readout.

    Args:
        binding: the backend.
        asked: what to train.
        inputs: has `digits.safetensors` with `train` and `held_out`, [data count, data] each.
    """
    digits = read_tensors(inputs / "digits.safetensors")
    tensors: dict[str, Array] = {}
    records = []
    for training in asked:
        regime, started = BY_NAME[training.regime], time.perf_counter()
        free = train(binding, regime, digits["train"], training.seed, STEPS, training.rounding)
        trained_s = time.perf_counter() - started
        tensors |= {f"{training.name}/{name}": weight for name, weight in free.items()}
        for readout, weights in readouts(regime, free):
            nats = log_likelihoods(_build(binding, regime, weights), digits["held_out"])
            records.append(
                TrainingRecord(
                    **asdict(training),
                    backend=binding.active_backend(),
                    readout=readout,
                    held_out_log_likelihood_nats=float(nats.mean()),
                    standard_error_nats=float(nats.std(ddof=1) / np.sqrt(len(nats))),
                    theta_change=change(regime, free, training.seed),
                    training_s=round(trained_s, 2),
                )
            )
    return tensors, records


def change(regime: Regime, free: Weights, seed: int) -> float:
    """Norm of the change of θ (of both copies, where there are two) since the start."""
    before = start(regime, seed)
    names = [name for name in free if is_generative(name.rpartition("/")[2])]
    return float(np.sqrt(sum(float(((free[name] - before[name]) ** 2).sum()) for name in names)))
