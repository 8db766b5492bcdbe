"""Run in a worker's environment: canonical weights into models and out again, bit for bit.

Usage: python round_trip.py BACKEND JOB.json, a list of [PROBLEM.json, NOTATION, DTYPE, OUT.safetensors].
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

from elbostone.backends import Binding, open_binding
from elbostone.notations.registry import notations, packages
from elbostone.notations.weight_maps import published_weights, weight_maps
from elbostone.reference.problem import load_problem, save_tensors


def main(backend: str, job_file: str) -> None:
    binding = open_binding(backend, "cpu")
    for entry in json.loads(Path(job_file).read_text(encoding="utf-8")):
        round_trip(binding, *entry)


def round_trip(binding: Binding, problem_file: str, notation_id: str, dtype: str, out: str) -> None:
    problem, notation = load_problem(Path(problem_file)), notations()[notation_id]
    module = import_module(f"{packages()[notation_id]}.{binding.framework}_vae")
    maps = weight_maps(notation, binding.framework, problem.spec)
    model = binding.build(module, notation, problem.spec, maps, dtype)
    binding.put_weights(model, published_weights(maps, problem.weights, dtype))
    read = binding.get_weights(model, [m.path for m in maps.values()])
    found = {name: m.to_canonical(read[m.path]) for name, m in maps.items()}
    assert all(weight.dtype == np.dtype(dtype) for weight in found.values())
    save_tensors(found, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
