"""Fit Blei et al.'s model in a child process, which has one backend: `python ascent_worker.py BACKEND FOLDER`.

Reads `digits.safetensors` from FOLDER, and leaves the mean ELBO of a datum before and after as `ascent-BACKEND.json`.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from elbostone.backends import Binding, open_binding
from elbostone.backends.table import BACKENDS
from elbostone.reference.problem import read_tensors

SIZES = {"latent_dim": 4, "hidden": (16,)}
STEPS, LEARNING_RATE, DRAWS = 500, 0.05, 50


def seed(binding: Binding) -> None:
    if binding.framework == "torch":
        import torch

        torch.manual_seed(0)
    else:
        import keras

        keras.utils.set_random_seed(0)


def main(backend: str, folder: Path) -> None:
    binding = open_binding(backend, "cpu")
    module = import_module(f"elbostone.implementations.blei_2017.{BACKENDS[backend].framework}_vae")
    array = read_tensors(folder / "digits.safetensors")["x"]
    x = binding.tensor(array, "float32")

    def mean_elbo(model: Any) -> float:
        elbo = binding.forward(model, lambda: model.ELBO(x, *model.noise(DRAWS)), "eager")
        return float(np.asarray(binding.array(elbo()), dtype=np.float64)) / len(array)

    outcome = {}
    for decoder_weights in ("point", "posterior"):
        seed(binding)
        sizes = {"n": len(array), "data_dim": array.shape[1], **SIZES, "decoder_weights": decoder_weights}
        model = binding.construct(module.VAE, sizes, "float32")
        before = mean_elbo(model)
        module.gradient_ascent(model, x, STEPS, LEARNING_RATE)
        outcome[decoder_weights] = (before, mean_elbo(model))
    (folder / f"ascent-{backend}.json").write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
