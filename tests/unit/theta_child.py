"""θ in a child process, which has one backend: `python theta_child.py BACKEND FOLDER`; tensors go to FOLDER."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from unit.theta_planted import CASES, planted

from elbostone.backends import open_binding
from elbostone.reference.problem import read_tensors, save_tensors
from elbostone.theta.measure.densities import evaluate_cases
from elbostone.theta.measure.readings import read_digits
from elbostone.theta.measure.trainings import train
from elbostone.theta.plan import BY_NAME

QUICK = ("vamp", "linear")
"""The cases that between them use every function of `Functions`."""
TRAINED = ("frozen", "tied", "one-copy", "two-copies")
STEPS = 5


def main(backend: str, name: str) -> None:
    folder, binding = Path(name), open_binding(backend, "cpu")
    save_tensors(evaluate_cases(binding, [CASES[case] for case in QUICK]), folder / "densities.safetensors")
    save_tensors(evaluate_cases(binding, [planted()["leak"]]), folder / "leak.safetensors")
    save_tensors(read_digits(binding, folder / "inputs"), folder / "readings.safetensors")
    data = read_tensors(folder / "digits.safetensors")["train"]
    for regime in TRAINED:
        save_tensors(train(binding, BY_NAME[regime], data, seed=0, steps=STEPS), folder / f"{regime}.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
