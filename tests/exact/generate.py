"""Make the exact cases beside this file: `python tests/exact/generate.py` writes them again, byte for byte.

Everything is computed in 80-digit arithmetic, straight from the definitions, with plain loops over scalars; nothing of
the suite is imported. Gradients come from a scalar reverse pass in the same arithmetic, and each weight tensor's is
checked against central differences along a random direction before anything is written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from cases import CASES, Case, draw, drawn_weights, shapes
from mpmath import mp, mpf
from safetensors.numpy import save_file
from scalar import Number, backward, lift
from scalar_vae import objective, terms

PRINTED_DIGITS = 30
PRINTED = ("log_likelihood", "kl", "elbo", "elbo_monte_carlo", "iwae", "posterior_mean", "posterior_log_variance")


def numbers(tensor: np.ndarray) -> np.ndarray:
    """Float64 values as exact scalars."""
    return np.vectorize(lambda value: lift(float(value)), otypes=[object])(tensor)


def solve(
    spec: dict[str, Any], tensors: Mapping[str, np.ndarray], weights: dict[str, np.ndarray], bounds: tuple[str, ...]
) -> tuple[list[dict[str, Any]], dict[str, Number]]:
    """The terms of each example of the batch, and the objective of each bound."""
    weight_noise = {name: numbers(tensors[f"noise.{name}"]) for name in drawn_weights(spec)}
    examples = []
    for b in range(len(tensors["x"])):
        x, noise = numbers(tensors["x"][b]), numbers(tensors["noise"][:, b])
        samples = [list(sample) for sample in noise]
        examples.append(terms(spec, list(x), samples, weights, datum=b, weight_noise=weight_noise))
    return examples, {bound: objective(spec, examples, weights, weight_noise, bound) for bound in bounds}


def decimal(value: Number | list[Number]) -> str | list[str]:
    if isinstance(value, list):
        return [mp.nstr(each.value, PRINTED_DIGITS) for each in value]
    return mp.nstr(value.value, PRINTED_DIGITS)


def gradients_of(objectives: Mapping[str, Number], weights: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """By bound and canonical weight, as exact scalars."""
    adjoint = np.vectorize(lambda number: number.adjoint, otypes=[object])
    found = {}
    for bound, output in objectives.items():
        for weight in weights.values():  # one that an objective is not made of keeps no other objective's adjoint
            for number in weight.flat:
                number.adjoint = mpf(0)
        backward(output)
        found[bound] = {name: adjoint(weight) for name, weight in weights.items()}
    return found


def gradient_error(
    name: str, case: Case, tensors: Mapping[str, np.ndarray], gradients: Mapping[str, Mapping[str, np.ndarray]]
) -> mpf:
    """The worst disagreement with central differences, relative to the sum of the magnitudes along the direction."""
    random, step, worst = Random(f"direction {name}"), mpf(10) ** -25, mpf(0)
    weights = {weight: numbers(tensors[weight]) for weight in shapes(case.spec)}
    for weight, values in weights.items():
        direction = np.array([mpf(2 * random.random() - 1) for _ in range(values.size)]).reshape(values.shape)
        sides = []
        for side in (step, -step):
            moved = np.vectorize(lambda w, d, s=side: Number(w.value + s * d), otypes=[object])
            changed = {**weights, weight: moved(values, direction)}
            sides.append(solve(case.spec, tensors, changed, case.bounds)[1])
        for bound, by_weight in gradients.items():
            along = (by_weight[weight] * direction).ravel()
            difference = abs((sides[0][bound].value - sides[1][bound].value) / (2 * step) - mp.fsum(along))
            size = mp.fsum(abs(part) for part in along)
            worst = max(worst, difference / size if size else difference)
    return worst


def write(name: str, case: Case, folder: Path) -> None:
    """NAME.json, NAME.safetensors, and NAME.gradients.safetensors (of the ELBO) or NAME.<bound>.gradients.safetensors.

    Raises:
        ArithmeticError: a gradient disagrees with its differences.
    """
    tensors = draw(name, case)
    weights = {weight: numbers(tensors[weight]) for weight in shapes(case.spec)}
    examples, objectives = solve(case.spec, tensors, weights, case.bounds)
    gradients = gradients_of(objectives, weights)
    error = gradient_error(name, case, tensors, gradients)
    if error > mpf(10) ** -30:
        raise ArithmeticError(f"{name}: gradient and central differences disagree by {mp.nstr(error, 3)}")
    expected = {term: [decimal(example[term]) for example in examples] for term in PRINTED}
    document = {"spec": case.spec, "expected": expected}
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    save_file({key: np.ascontiguousarray(tensor) for key, tensor in tensors.items()}, folder / f"{name}.safetensors")
    for bound, by_weight in gradients.items():
        part = "" if bound == "elbo" else f".{bound}"
        rounded = {key: gradient.astype(np.float64) for key, gradient in by_weight.items()}
        save_file(rounded, folder / f"{name}{part}.gradients.safetensors")
    print(f"{name}: gradients agree with differences to {mp.nstr(error, 2)}", file=sys.stderr)


if __name__ == "__main__":
    for each, details in CASES.items():
        write(each, details, Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
