"""torch's optimisation steps: each is equal to the reference, and a planted error is seen."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.tuned import BATCH, CONV, DENSE, SPECS, STAGES, problem_of, unequal

from elbostone.backends import open_binding
from elbostone.backends.table import MODE_PACKAGES
from elbostone.notations.registry import notations, packages
from elbostone.timing.measure.device import open_timing
from elbostone.timing.measure.stages import make_stage
from elbostone.timing.recipes import table
from elbostone.timing.recipes.table import steps_of
from elbostone.workers.machine import keeps_float32
from elbostone.workers.records import Cell
from elbostone.workers.subject import Subject, prepare

pytestmark = [
    pytest.mark.backend("torch"),
    # Inductor imports torch.utils.mkldnn, which torch wrote with what torch has deprecated since.
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),
    # Inductor copies what it times by a storage class that torch wants out of use.
    pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning"),
    # torch.export asks for leaves as torch no longer asks for them.
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning"),
]


def subject_of(notation: str, dtype: str = "float32", mode: str = "tuned") -> Subject:
    problem, binding = problem_of(SPECS[notation]), open_binding("torch", "cpu")
    module = import_module(f"{packages()[notation]}.torch_vae")
    cell = Cell(problem.name, notation, "torch", "torch", "cpu", dtype, mode)
    return prepare(binding, cell, notations()[notation], module, problem)


def steps(dtype: str) -> Iterator[tuple[str, str, str]]:
    """What is tried of each: a compiler takes seconds for each stage, so all steps share their cells' models."""
    for notation in SPECS:
        for stage in STAGES:
            yield notation, stage, dtype


@pytest.mark.parametrize(("notation", "stage", "dtype"), [*steps("float32"), *steps("bfloat16")])
def test_every_step_is_equal(notation: str, stage: str, dtype: str) -> None:
    subject = subject_of(notation, dtype)
    problem = problem_of(subject.spec)
    steps = steps_of("torch", subject.spec, stage, BATCH, dtype, "cpu")
    assert steps
    for step in steps:
        made = make_stage(subject, problem, stage, last_step=step.name)
        assert unequal(subject, made, made()) == [], step.name
        made()
        made.restore()
        assert unequal(subject, made, made()) == [], f"{step.name}, after restore"


@pytest.mark.parametrize("keeps_float32", [True, False])
def test_onednn_is_asked_for_products_only_where_it_keeps_float32(
    keeps_float32: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With AMX, oneDNN makes use of the permission to compute in bfloat16."""
    monkeypatch.setattr(table, "keeps_float32", lambda: keeps_float32)
    for stage in ("encoder", "training_step"):
        names = [step.name for step in steps_of("torch", DENSE, stage, BATCH, "float32", "cpu")]
        assert ("onednn" in names) is keeps_float32


def test_onednn_keeps_float32_where_the_processor_says_so() -> None:
    import torch

    from elbostone.timing.recipes.torch_calls import Arithmetic

    # 1 + 2⁻²⁰ is a float32 that bfloat16 does not have; the products by an identity are exact in float32.
    matrix = torch.full((256, 256), 1 + 2.0**-20)
    with Arithmetic("float32", "cpu", ("onednn",)):
        exact = torch.equal(matrix @ torch.eye(256), matrix)
    assert exact or not keeps_float32()


def test_an_unknown_step_is_refused() -> None:
    subject = subject_of("pytorch_examples")
    for stage in STAGES:
        with pytest.raises(ValueError, match="expected one of"):
            make_stage(subject, problem_of(DENSE), stage, last_step="no-such-rung")


def test_float64_has_no_steps() -> None:
    assert steps_of("torch", DENSE, "encoder", BATCH, "float64", "cpu") == ()


def test_packed_weights_are_those_of_the_timing() -> None:
    """What was compiled ahead of time holds its weights: it is found again for the same ones alone."""
    subject = subject_of("pytorch_examples")
    stage = make_stage(subject, problem_of(DENSE), "encoder", last_step="ahead-of-time")
    assert unequal(subject, stage, stage()) == []
    binding, before = subject.binding, subject.binding.get_weights(subject.model, subject.paths)
    other = {path: weight * np.float32(1.01) for path, weight in before.items()}
    binding.put_weights(subject.model, other)
    again = make_stage(subject, problem_of(DENSE), "encoder", last_step="ahead-of-time")
    assert unequal(subject, again, again()) != [], "packed weights are not those of the model"


def test_what_was_compiled_ahead_of_time_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    subject, compiled = subject_of("pytorch_examples"), []
    compile_ = torch._inductor.aoti_compile_and_package

    def count(program: Any, **options: Any) -> Any:
        compiled.append(program)
        return compile_(program, **options)

    monkeypatch.setattr(torch._inductor, "aoti_compile_and_package", count)
    for stage in ("encoder", "decoder", "encoder"):
        made = make_stage(subject, problem_of(DENSE), stage, last_step="ahead-of-time")
        assert unequal(subject, made, made()) == [], stage
    assert len(compiled) == 2, "the encoder was compiled once"
    assert len(list(tmp_path.rglob("*.pt2"))) == 2


@pytest.mark.parametrize("last_step", ["logits", "fused-adam"])
def test_a_step_that_is_not_restored_is_seen(last_step: str) -> None:
    subject = subject_of("kingma_welling_2013")
    stage = make_stage(subject, problem_of(DENSE), "training_step", last_step=last_step)
    stage()
    assert unequal(subject, stage, stage()) != []


def test_the_shared_model_stays_as_it_is() -> None:
    subject = subject_of("keras_io")
    before = {path: weight.copy() for path, weight in subject.binding.get_weights(subject.model, subject.paths).items()}
    strides = [p.stride() for p in subject.model.parameters()]
    make_stage(subject, problem_of(CONV), "training_step", last_step="channels-last")()
    after = subject.binding.get_weights(subject.model, subject.paths)
    assert all(np.array_equal(before[path], after[path]) for path in before)
    assert [p.stride() for p in subject.model.parameters()] == strides


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 2, 0), ((3, 4), 2, 0), (4, 3, 0), (5, (2, 1), 1), ((2, 3), (3, 2), (0, 1))]
)
@pytest.mark.parametrize("bias", [True, False])
def test_whole_strides_are_the_transposed_convolution(kernel: Any, stride: Any, padding: Any, bias: bool) -> None:
    """The same outputs, and the same gradients of weights and input, by a layer that asks for more."""
    import torch

    from elbostone.timing.recipes.torch_calls import whole_strides

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


def test_layers_of_whole_strides_stay_as_they_are() -> None:
    import torch

    from elbostone.timing.recipes.torch_calls import whole_strides

    for layer in (torch.nn.ConvTranspose2d(3, 2, 4, 2), torch.nn.ConvTranspose2d(3, 2, 3, 2, output_padding=1)):
        before, x = layer.output_padding, torch.ones(1, 3, 4, 4)
        expected = layer(x)
        whole_strides(layer)
        assert layer.output_padding == before
        assert torch.equal(layer(x), expected)


@pytest.mark.parametrize("notation", list(SPECS))
@pytest.mark.parametrize("stage", ["encoder", "decoder"])
def test_what_is_exported_is_equal(notation: str, stage: str, capfd: pytest.CaptureFixture[str]) -> None:
    for package in MODE_PACKAGES["exported"]:
        pytest.importorskip(package)
    subject = subject_of(notation, mode="exported")
    made = make_stage(subject, problem_of(subject.spec), stage)
    assert unequal(subject, made, made()) == []
    assert capfd.readouterr() == ("", "")


def test_only_float32_is_exported() -> None:
    pytest.importorskip("onnxruntime")
    subject = replace(subject_of("pytorch_examples", "bfloat16"), mode="exported")
    with pytest.raises(ValueError, match="only float32"):
        make_stage(subject, problem_of(DENSE), "encoder")
