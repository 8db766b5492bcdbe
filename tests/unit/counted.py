"""Stages whose operations are counted: real notations on problems of their size, built by one backend.

`python counted.py BACKEND BATCH` counts all by a Keras backend's own counter, in a child process that has no other, and
prints JSON: `<notation> <stage>` → floating-point operations by kind.
"""

import json
import sys
from importlib import import_module
from typing import Any

import numpy as np

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import random_weights
from elbostone.timing.judge.rooflines import COUNTED
from elbostone.timing.measure.stages import Stage, make_stage
from elbostone.workers.records import Cell
from elbostone.workers.subject import prepare

MLP = Spec("mlp", "bernoulli", "standard", "relu", hidden=(400,), data_dim=784, latent_dim=20)
AEVB = Spec("mlp", "bernoulli", "standard", "tanh", hidden=(500,), data_dim=784, latent_dim=20)
CONV = Spec(
    "conv",
    "bernoulli",
    "standard",
    "relu",
    hidden=(16,),
    data_dim=784,
    latent_dim=2,
    image_shape=(1, 28, 28),
    channels=(32, 64),
)
#: Notation → its source's own model.
MODELS = {"pytorch_examples": MLP, "kingma_welling_2013": AEVB, "keras_io": CONV}


def problem_of(spec: Spec, batch: int) -> Problem:
    generator = np.random.default_rng(0)
    x = (generator.random((batch, spec.data_dim)) < 0.2).astype(np.float64)
    return Problem("counted", spec, x, generator.standard_normal((1, batch, spec.latent_dim)), random_weights(spec, 0))


def stage_of(backend: str, notation: str, problem: Problem, stage: str, *, mode: str) -> Stage:
    """A stage of a notation's model on a backend, in float32."""
    cell = Cell(problem.name, notation, BACKENDS[backend].framework, backend, "cpu", "float32", mode)
    module = import_module(f"{packages()[notation]}.{cell.framework}_vae")
    subject = prepare(open_binding(backend, "cpu"), cell, notations()[notation], module, problem)
    return make_stage(subject, problem, stage)


def by_tensorflow(stage: Any, name: str) -> dict[str, int]:
    """Type of operation → what TensorFlow's profiler counts in the stage's graph, before it is optimised."""
    import tensorflow.python.profiler.internal.flops_registry as registered
    from tensorflow.python.framework.ops import get_stats_for_node_def

    assert registered, "the import is what registers the counts"
    function = stage.training.compiled_step if name == "training_step" else stage.function
    graph = function.get_concrete_function(*stage.inputs).graph
    counted: dict[str, int] = {}
    for operation in graph.get_operations():
        if value := get_stats_for_node_def(graph, operation.node_def, "flops").value:
            counted[operation.type] = counted.get(operation.type, 0) + int(value)
    return {kind: value for kind, value in counted.items() if "MatMul" in kind or "Conv2D" in kind}


def by_xla(stage: Any, name: str) -> dict[str, int]:
    """What XLA counts of the compiled function: all arithmetic, save what lies in the padding of a convolution."""
    if name == "training_step":
        training = stage.training
        lowered = training.compiled_step.lower(training.values, training.slots, *stage.inputs)
    else:
        values = [variable.value for variable in stage.subject.binding.variables(stage.subject.model)]
        lowered = stage.function.compiled_step.lower(values, *stage.inputs)
    return {"all": round(lowered.compile().cost_analysis()["flops"])}


COUNTERS = {"keras-tensorflow": by_tensorflow, "keras-jax": by_xla}

if __name__ == "__main__":
    backend, batch = sys.argv[1], int(sys.argv[2])
    counts = {
        f"{notation} {name}": COUNTERS[backend](
            stage_of(backend, notation, problem_of(spec, batch), name, mode="compiled"), name
        )
        for notation, spec in MODELS.items()
        for name in COUNTED
    }
    print(json.dumps(counts))
