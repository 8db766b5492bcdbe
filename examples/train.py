"""Train any notation in any backend on scikit-learn's digits, and hold its bound against the reference's.

    python examples/train.py prince_2023 --backend torch
    python examples/train.py kingma_welling_2013 --backend keras-jax --epochs 30 --png samples.png

After training, the model and the NumPy reference compute the bound from the same weights, digits and noise. Their
difference is printed in units of the tolerance, which is measured: below 1 it is rounding. Needs elbostone with the
backend's framework.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
from rich.progress import Progress

from elbostone.backends import open_binding
from elbostone.backends.base import variable_at
from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages
from elbostone.notations.training_loop import BATCH, EPOCHS, SIDE, STEP_SIZE, STEPS_OF_ALL, digits_spec
from elbostone.reference.data import digits
from elbostone.reference.problem import Array, Problem
from elbostone.reference.truth import against_truth, truth_of
from elbostone.runs.presets import problem_of
from elbostone.workers.evaluation import evaluate, inputs
from elbostone.workers.records import Cell
from elbostone.workers.subject import Subject, prepare

DTYPE = "float32"
SAMPLES = 8
SHADES = " ░▒▓█"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notation", choices=list(notations()), metavar="NOTATION", help=", ".join(notations()))
    parser.add_argument("--backend", choices=list(BACKENDS), default="torch")
    parser.add_argument("--epochs", type=int, help="passes over the digits")
    parser.add_argument("--png", type=Path, help="also write the samples as an image (needs Pillow)")
    asked = parser.parse_args()

    notation = notations()[asked.notation]
    spec = digits_spec(notation)
    problem = problem_of("digits", spec, digits(binarised=spec.likelihood == "bernoulli"))

    os.environ["KERAS_BACKEND"] = asked.backend.removeprefix("keras-")  # Keras reads it when it is imported
    binding = open_binding(asked.backend, "cpu")
    module = import_module(f"{packages()[notation.id]}.{binding.framework}_vae")
    cell = Cell("digits", notation.id, binding.framework, asked.backend, "cpu", DTYPE, "eager")
    subject = prepare(binding, cell, notation, module, problem)

    # Where every datum has a posterior of its own, an epoch is one step.
    epochs = asked.epochs or (STEPS_OF_ALL if spec.posterior == "free" else EPOCHS)
    with Progress() as bar:
        task = bar.add_task(f"{notation.id} on {asked.backend}", total=epochs)
        train = train_torch if binding.framework == "torch" else train_keras
        train(subject, problem, epochs, lambda: bar.advance(task))

    trained = replace(problem, weights=weights_of(subject))
    latents = report(subject, trained)
    show(sampled(subject, latents), asked.png)


def train_torch(subject: Subject, problem: Problem, epochs: int, advance: Callable[[], None]) -> None:
    """Adam on the published objective, in the sense that the source says."""
    import torch

    generator, count = np.random.default_rng(0), len(problem.x)
    minimised = subject.objective_sign() > 0
    optimizer = torch.optim.Adam(subject.model.parameters(), lr=STEP_SIZE, maximize=not minimised)
    objective = subject.objective()
    for _ in range(epochs):
        order = np.arange(count) if problem.spec.posterior == "free" else generator.permutation(count)
        for rows in np.split(order, [] if problem.spec.posterior == "free" else range(BATCH, count, BATCH)):
            drawn = {name: generator.standard_normal(noise.shape) for name, noise in problem.weight_noise.items()}
            noise = generator.standard_normal((1, len(rows), problem.spec.latent_dim))
            for tensors in inputs(subject, replace(problem, x=problem.x[rows], noise=noise, weight_noise=drawn)):
                optimizer.zero_grad()
                objective(*tensors).backward()
                optimizer.step()
        advance()


def train_keras(subject: Subject, problem: Problem, epochs: int, advance: Callable[[], None]) -> None:
    """`fit`, which draws its noise itself and minimises what the source says."""
    import keras

    whole = problem.spec.posterior == "free"
    subject.model.compile(optimizer=keras.optimizers.Adam(STEP_SIZE))
    subject.model.fit(
        subject.laid_out(problem.x).astype(DTYPE),
        batch_size=len(problem.x) if whole else BATCH,
        shuffle=not whole,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: advance())],
    )


def weights_of(subject: Subject) -> dict[str, Array]:
    """The model's weights by canonical name, as the reference takes them."""
    found = {name: subject.binding.array(variable_at(subject.model, m.path)) for name, m in subject.maps.items()}
    return {name: subject.maps[name].to_canonical(np.asarray(array, np.float64)) for name, array in found.items()}


def report(subject: Subject, problem: Problem) -> Array:
    """Print the bound beside the reference's; returns the latents [digit, latent] of the digits."""
    bound = subject.notation.objective.bound
    tensors = evaluate(subject, problem, gradients=False).tensors
    truth = truth_of(problem, DTYPE, gradients=False, bound=bound)
    error = next(found for found in against_truth(problem, tensors, truth) if found.tensor == bound)
    print(f"{bound}: {tensors[bound].mean():.4f} nats per image; reference: {truth.tensors[bound].mean():.4f}")
    print(
        f"largest difference of an image: {error.error:.2g} nats, {error.error / error.tolerance:.2g} of the tolerance"
    )
    return tensors["latent"].reshape(-1, problem.spec.latent_dim)


def sampled(subject: Subject, latents: Array) -> Array:
    """Means of p(x|z) [sample, data] at draws of p(z).

    A VampPrior is a mixture of the posteriors of its pseudo-inputs: there z is drawn from those of the digits instead.
    """
    generator = np.random.default_rng(1)
    z = generator.standard_normal((SAMPLES, latents.shape[1]))
    if subject.spec.prior != "standard":
        z = generator.choice(latents, SAMPLES)
    methods, binding = subject.notation.methods, subject.binding
    code = methods.decoder_returns[subject.spec.likelihood][0]
    symbol = next(s for s in subject.notation.computed(subject.spec) if s.code == code)
    draws_at_once = "sample" in symbol.axes
    z = z[None] if draws_at_once else z
    outputs = binding.forward(subject.model, getattr(subject.model, methods.decoder), "eager")(binding.tensor(z, DTYPE))
    head = binding.array(outputs[0] if isinstance(outputs, tuple | list) else outputs)
    means = subject.canonical(symbol, head if draws_at_once else head[None]).reshape(SAMPLES, -1)
    return 1 / (1 + np.exp(-means)) if subject.spec.likelihood == "bernoulli" else means


def show(images: Array, png: Path | None) -> None:
    """Images [sample, data] side by side, as text and, where a path is given, as a file."""
    strip = np.concatenate(images.reshape(-1, SIDE, SIDE), axis=1)
    for row in strip.clip(0, 1):
        print("".join(2 * SHADES[round(pixel * (len(SHADES) - 1))] for pixel in row))
    if png is not None:
        from PIL import Image  # needed for this option alone

        Image.fromarray(np.uint8(np.rint(255 * strip.clip(0, 1)))).save(png)


if __name__ == "__main__":
    main()
