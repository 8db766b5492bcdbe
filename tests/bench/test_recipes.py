"""Optimisation steps: each is equal to the reference, and the harness's additions to the recipes are correct.

torch's compilers take seconds for each stage: by default a training step of each network is compiled, and an encoder
ahead of time; with `--exhaustive` every stage is, in both dtypes and of one more notation.
"""

import copy
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS, MODE_PACKAGES
from elbostone.notations.registry import notations, packages
from elbostone.reference.oracle import rounded
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import random_weights
from elbostone.timing.measure.stages import STAGES, Stage, make_stage
from elbostone.timing.proof import Expected
from elbostone.timing.recipes import table
from elbostone.timing.recipes.table import steps_of
from elbostone.timing.timed_problems import stage_reference
from elbostone.workers.machine import keeps_float32
from elbostone.workers.records import Cell
from elbostone.workers.subject import Subject, prepare

pytestmark = [
    # Inductor imports torch.utils.mkldnn, which uses functions that torch has deprecated.
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),
    # Inductor copies tensors by a storage class that torch has deprecated.
    pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning"),
    # torch.export compares leaves in a way that torch has deprecated.
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning"),
    # NumPy 2 warns of Keras 3.15's conversion of variables to arrays, which `predict` makes on torch.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

BATCH = 8
DENSE = Spec("mlp", "bernoulli", "standard", "tanh", hidden=(16,), data_dim=64, latent_dim=4)
CONV = Spec("conv", "bernoulli", "standard", "relu", (8,), 64, latent_dim=2, image_shape=(1, 8, 8), channels=(10, 8))
SPECS = {"pytorch_examples": DENSE, "keras_io": CONV, "kingma_welling_2013": DENSE}
# A step belongs to the framework: its effect on a second dense network follows.
NOTATIONS = ["pytorch_examples", "keras_io", pytest.param("kingma_welling_2013", marks=pytest.mark.implied)]
TUNED = [pytest.param(n, marks=pytest.mark.backend(n)) for n, b in BACKENDS.items() if "tuned" in b.stage_modes]
KERAS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in BACKENDS if name.startswith("keras-")]


def problem_of(spec: Spec) -> Problem:
    generator = np.random.default_rng(7)
    x = (generator.random((BATCH, spec.data_dim)) < 0.3).astype(float)
    noise = generator.standard_normal((1, BATCH, spec.latent_dim))
    return Problem("tuning", spec, x, noise, random_weights(spec, 7))


def subject_of(backend: str, notation: str, dtype: str = "float32", mode: str = "tuned") -> Subject:
    problem, framework = problem_of(SPECS[notation]), BACKENDS[backend].framework
    module = import_module(f"{packages()[notation]}.{framework}_vae")
    cell = Cell(problem.name, notation, framework, backend, "cpu", dtype, mode)
    return prepare(open_binding(backend, "cpu"), cell, notations()[notation], module, problem)


def stage_of(subject: Subject, stage: str, step: str = "") -> Stage:
    problem = problem_of(subject.spec)
    subject.binding.put_weights(subject.model, subject.starting_weights(problem))
    return make_stage(subject, problem, stage, last_step=step)


@cache
def expected(spec: Spec, dtype: str) -> Expected:
    problem = problem_of(spec)
    return Expected(rounded(problem, dtype), stage_reference(problem, dtype, trained=True))


def unequal(subject: Subject, stage: Stage, outputs: Any) -> list[str]:
    """A line for each tensor of a first call that is not equal to the reference; of a training stage, two steps'."""
    tensors = stage.tensors(outputs)
    assert tensors
    compared = list(expected(subject.spec, subject.dtype).comparisons(tensors, stage.adam()))
    assert {c.tensor for c in compared} == set(tensors)
    return [c.describe() for c in compared if not c.equal]


def tried(backend: str, spec: Spec, stage: str, dtype: str, everything: bool) -> list[str]:
    """The tested steps of a stage: some of the steps that torch compiles, or all with `everything`."""
    steps = list(steps_of(backend, spec, stage, BATCH, dtype, "cpu"))
    if everything or backend != "torch":
        return steps
    compiled = {"compiled"} if (stage, dtype) == ("training_step", "float32") else set()
    return [step for step in steps if step not in {"compiled", "ahead-of-time"} - compiled]


@pytest.mark.parametrize("backend", TUNED)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_step_is_equal_to_the_reference_and_starts_again(backend: str, notation: str, everything: bool) -> None:
    count = 0
    for dtype in (dtype for dtype in BACKENDS[backend].timed_dtypes if dtype in ("float32", "bfloat16")):
        subject = subject_of(backend, notation, dtype)
        for stage in STAGES:
            for step in tried(backend, subject.spec, stage, dtype, everything):
                made = stage_of(subject, stage, step)
                assert unequal(subject, made, made()) == [], f"{dtype} {stage} {step}"
                if stage == "training_step":
                    assert unequal(subject, made, made()) != [], f"{dtype} {step}: another step is another objective"
                made.restore()
                assert unequal(subject, made, made()) == [], f"{dtype} {stage} {step}, after restore"
                if backend != "torch":
                    graphs = made.graphs()
                    assert graphs is not None
                    assert (graphs.graphs, graphs.recompiles) == (1, 0), f"{dtype} {stage} {step}"
                count += 1
    assert count >= 4


@pytest.mark.parametrize("backend", TUNED)
def test_an_unknown_step_is_refused(backend: str) -> None:
    subject = subject_of(backend, "pytorch_examples")
    for stage in STAGES:
        with pytest.raises(ValueError, match="expected one of"):
            stage_of(subject, stage, "no-such-step")
    assert steps_of(backend, DENSE, "encoder", BATCH, "float64", "cpu") == ()


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("notation", ["pytorch_examples", "keras_io"])
def test_predict_is_equal(name: str, notation: str) -> None:
    subject = subject_of(name, notation, mode="published")
    for stage in ("encoder", "decoder"):
        made = stage_of(subject, stage)
        outputs = made()
        assert unequal(subject, made, outputs) == []
        assert made.where(outputs) == ("cpu", "float32")


@pytest.mark.parametrize("known", [True, False])
def test_onednn_is_asked_for_products_only_where_it_keeps_float32(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With AMX, oneDNN makes use of the permission to compute in bfloat16."""
    monkeypatch.setattr(table, "keeps_float32", lambda: known)
    for stage in ("encoder", "training_step"):
        assert ("onednn" in steps_of("torch", DENSE, stage, BATCH, "float32", "cpu")) is known


@pytest.mark.backend("torch")
def test_onednn_keeps_float32_where_the_processor_says_so() -> None:
    import torch

    from elbostone.timing.recipes.torch_recipes import Arithmetic

    # 1 + 2⁻²⁰ is a float32 that bfloat16 does not have; the products by an identity are exact in float32.
    matrix = torch.full((256, 256), 1 + 2.0**-20)
    with Arithmetic("float32", "cpu", ("onednn",)):
        exact = torch.equal(matrix @ torch.eye(256), matrix)
    assert exact or not keeps_float32()


@pytest.mark.backend("torch")
def test_what_was_compiled_ahead_of_time_is_found_again_for_the_same_weights_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    subject, compiled = subject_of("torch", "pytorch_examples"), []
    compile_ = torch._inductor.aoti_compile_and_package

    def count(program: Any, **options: Any) -> Any:
        compiled.append(program)
        return compile_(program, **options)

    monkeypatch.setattr(torch._inductor, "aoti_compile_and_package", count)
    for _ in range(2):
        made = stage_of(subject, "encoder", "ahead-of-time")
        assert unequal(subject, made, made()) == []
    assert len(compiled) == 1
    binding, before = subject.binding, subject.binding.get_weights(subject.model, subject.paths)
    binding.put_weights(subject.model, {path: weight * np.float32(1.01) for path, weight in before.items()})
    assert unequal(subject, made, made()) == [], "packed weights are not those of the model"
    other = make_stage(subject, problem_of(DENSE), "encoder", last_step="ahead-of-time")
    assert unequal(subject, other, other()) != []
    assert len(compiled) == 2


@pytest.mark.backend("torch")
def test_the_shared_model_stays_as_it_is() -> None:
    subject = subject_of("torch", "keras_io")
    before = {path: weight.copy() for path, weight in subject.binding.get_weights(subject.model, subject.paths).items()}
    strides = [p.stride() for p in subject.model.parameters()]
    stage_of(subject, "training_step", "channels-last")()
    after = subject.binding.get_weights(subject.model, subject.paths)
    assert all(np.array_equal(before[path], after[path]) for path in before)
    assert [p.stride() for p in subject.model.parameters()] == strides


STRIDED = [(3, 2, 0), ((3, 4), 2, 0), (4, 3, 0), (5, (2, 1), 1), ((2, 3), (3, 2), (0, 1))]


@pytest.mark.backend("torch")
@pytest.mark.parametrize(("kernel", "stride", "padding"), STRIDED)
@pytest.mark.parametrize("bias", [True, False])
def test_whole_strides_are_the_transposed_convolution(kernel: Any, stride: Any, padding: Any, bias: bool) -> None:
    """The same outputs, and the same gradients of weights and input, by a layer with a larger output."""
    import torch

    from elbostone.timing.recipes.torch_recipes import whole_strides

    layer = torch.nn.ConvTranspose2d(3, 2, kernel, stride, padding, bias=bias, dtype=torch.float64)
    changed = torch.nn.Sequential(copy.deepcopy(layer))
    whole_strides(changed)
    assert any(changed[0].output_padding)
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    expected, found = layer(x), changed(x)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected)
    for gradient, other in zip(
        torch.autograd.grad(expected.square().sum(), [x, *layer.parameters()]),
        torch.autograd.grad(found.square().sum(), [x, *changed.parameters()]),
        strict=True,
    ):
        torch.testing.assert_close(other, gradient)


@pytest.mark.backend("torch")
def test_layers_of_whole_strides_stay_as_they_are() -> None:
    import torch

    from elbostone.timing.recipes.torch_recipes import whole_strides

    for layer in (torch.nn.ConvTranspose2d(3, 2, 4, 2), torch.nn.ConvTranspose2d(3, 2, 3, 2, output_padding=1)):
        before, x = layer.output_padding, torch.ones(1, 3, 4, 4)
        outputs = layer(x)
        whole_strides(layer)
        assert layer.output_padding == before
        assert torch.equal(layer(x), outputs)


@pytest.mark.backend("torch")
@pytest.mark.parametrize(("notation", "stage"), [("pytorch_examples", "encoder"), ("keras_io", "decoder")])
def test_what_is_exported_is_equal(notation: str, stage: str, capfd: pytest.CaptureFixture[str]) -> None:
    for package in MODE_PACKAGES["exported"]:
        pytest.importorskip(package)
    subject = subject_of("torch", notation, mode="exported")
    made = stage_of(subject, stage)
    assert unequal(subject, made, made()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.backend("torch")
def test_only_float32_is_exported() -> None:
    pytest.importorskip("onnxruntime")
    subject = replace(subject_of("torch", "pytorch_examples", "bfloat16"), mode="exported")
    with pytest.raises(ValueError, match="expected dtype float32"):
        stage_of(subject, "encoder")
