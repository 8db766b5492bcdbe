"""Every model in `cases/` is explained as `facts_of_models.py` says, and right models are called right."""

from pathlib import Path

import numpy as np
import pytest
from explain.compared import CASES, all_differences, explained_together
from explain.facts_of_models import (
    FUNCTIONS_JAX,
    MODELS_GLOBAL,
    MODELS_HEADS,
    MODELS_KERAS,
    MODELS_KERAS_ANY,
    MODELS_SEQUENCES,
    MODELS_STEPS,
    MODELS_TORCH,
    ON_TENSORFLOW,
    ON_TORCH,
)

from elbostone.explain.phase import explained_in_one_worker
from elbostone.explain.records import Asked


@pytest.mark.parametrize(
    ("stem", "framework", "facts"),
    [
        pytest.param("models_torch", "torch", MODELS_TORCH, marks=pytest.mark.backend("torch")),
        pytest.param("models_global", "torch", MODELS_GLOBAL, marks=pytest.mark.backend("torch")),
        pytest.param("models_heads", "torch", MODELS_HEADS, marks=pytest.mark.backend("torch")),
        pytest.param("models_steps", "torch", MODELS_STEPS, marks=pytest.mark.backend("torch")),
        pytest.param("models_sequences", "torch", MODELS_SEQUENCES, marks=pytest.mark.backend("torch")),
        pytest.param("models_keras", "tensorflow", MODELS_KERAS, marks=pytest.mark.backend("keras-tensorflow")),
        pytest.param(
            "models_keras_any",
            "tensorflow",
            MODELS_KERAS_ANY | ON_TENSORFLOW,
            marks=pytest.mark.backend("keras-tensorflow"),
        ),
        pytest.param(
            "models_keras_any", "torch", MODELS_KERAS_ANY | ON_TORCH, marks=pytest.mark.backend("keras-torch")
        ),
        pytest.param("functions_jax", "jax", FUNCTIONS_JAX, marks=pytest.mark.backend("keras-jax")),
        pytest.param("models_keras_any", "jax", MODELS_KERAS_ANY, marks=pytest.mark.backend("keras-jax")),
    ],
)
def test_every_fact_of_a_model(stem: str, framework: str, facts: dict[str, dict[str, object]]) -> None:
    outcomes = explained_together(framework, list(facts), stem, keras="keras" in stem)
    assert not all_differences(outcomes, facts)


@pytest.mark.parametrize(
    ("framework", "other"),
    [
        pytest.param("tensorflow", "JaxStep", marks=pytest.mark.backend("keras-tensorflow")),
        pytest.param("torch", "JaxStep", marks=pytest.mark.backend("keras-torch")),
        pytest.param("jax", "TorchStep", marks=pytest.mark.backend("keras-jax")),
        pytest.param("jax", "TensorflowStep", marks=pytest.mark.backend("keras-jax")),
    ],
)
def test_a_step_of_another_backend_and_a_mistake_in_the_file_are_said(framework: str, other: str) -> None:
    found = explained_together(framework, [f"{other}()", "Misspelt()"], "models_keras_any", keras=True)
    assert f"set KERAS_BACKEND={other.removesuffix('Step').lower()}" in str(found[f"{other}()"].bad_input)
    mistake = str(found["Misspelt()"].bad_input)
    assert "sampled" in mistake
    lines = (CASES / "models_keras_any.py").read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "sampled=True" in text)
    assert f"(models_keras_any.py, line {line})" in mistake


@pytest.mark.backend("torch")
def test_names_are_the_users_and_a_model_without_noise_is_refused() -> None:
    found = explained_together("torch", ["Plain().loss(x)", "Plain().encode(x)", "nn.Linear(3, 2)(x)"], "models_torch")
    answer = found["Plain().loss(x)"].answer
    assert answer is not None
    assert answer.roles == {
        "recon": "recon", "x": "x", "mu": "mu", "logvar": "posterior scale", "z": "z", "beta": "parameter"
    }  # fmt: skip
    assert "no normal noise" in str(found["Plain().encode(x)"].bad_input)
    assert "no normal noise" in str(found["nn.Linear(3, 2)(x)"].bad_input)


@pytest.mark.parametrize(
    "framework",
    [pytest.param(name, marks=pytest.mark.backend(f"keras-{name}")) for name in ("tensorflow", "torch", "jax")],
)
def test_names_of_a_model_of_keras_are_those_of_variables_else_of_layers(framework: str) -> None:
    names = {"functional()": ("mean", "log_var"), "named()": ("z_mean", "z_log_var")}
    found = explained_together(framework, list(names), "models_keras_any", keras=True)
    for model, heads in names.items():
        answer = found[model].answer
        assert answer is not None, model
        assert tuple(answer.roles)[2:4] == heads, model
        assert f"exp({heads[1]})" in answer.formula, model
        assert answer.bug is None, model


@pytest.mark.backend("torch")
def test_names_come_from_keys_fields_and_layers_and_else_are_ours() -> None:
    names = {
        "Keyed": ("recon", "mean", "log_variance"),
        "OfLayers": ("recon", "fc_mean", "fc_logvar"),
        "Tupled": ("x_hat", "m", "lv"),
        "Reused": ("recon", "mu", "logvar"),
        "Nowhere": ("recon", "mu", "scale"),
    }
    found = explained_together("torch", [f"{model}().loss(x)" for model in names], "models_named")
    for model, (recon, mean, scale) in names.items():
        answer = found[f"{model}().loss(x)"].answer
        assert answer is not None, model
        assert list(answer.roles) == [recon, "x", mean, scale, "z"], model
        assert f"exp({scale})" in answer.formula, model
        assert answer.bug is None, model


@pytest.mark.parametrize(
    ("framework", "stem", "values"),
    [
        pytest.param("torch", "models_torch", {"Averaged().loss(x)": 5.5}, marks=pytest.mark.backend("torch")),
        pytest.param("torch", "models_sequences", {"Recurrent().loss(x)": None}, marks=pytest.mark.backend("torch")),
        *(
            pytest.param(
                framework,
                "models_keras_any",
                {"Parts()": 6.5, "AnyLength()": None, "averaged_over_latents": 1 / 3},
                marks=pytest.mark.backend(f"keras-{framework}"),
            )
            for framework in ("tensorflow", "torch", "jax")
        ),
    ],
)
def test_a_model_that_takes_one_size_has_its_numbers_there(
    framework: str, stem: str, values: dict[str, float | None]
) -> None:
    found = explained_together(framework, list(values), stem, keras="keras" in stem)
    for model, value in values.items():
        answer = found[model].answer
        assert answer is not None, found[model]
        assert answer.beta_effective is not None
        assert answer.beta_effective.expression in ("D/2", "1/J"), model
        assert answer.beta_effective.value == value, model


@pytest.mark.backend("torch")
def test_what_a_model_prints_on_data(tmp_path: Path) -> None:
    """A model with a KL weight of 1 and sums prints the negative ELBO of its batch, a Gaussian decoder too."""
    np.save(tmp_path / "data.npy", np.random.default_rng(0).uniform(size=(23, 11)))
    rows = tmp_path / "data.npy"
    models = (
        ("Plain(beta=1.0)", rows),
        ("Plain(beta=0.5)", rows),
        ("Plain(beta=1.0)", "digits"),
        ("OfKnownDeviation()", rows),
    )
    asked = [
        Asked(str(CASES / "models_torch.py"), f"{model}.loss(x)", "torch", False, {}, {}, {}, 0.0, str(data))
        for model, data in models
    ]
    right, half, other, gaussian = (outcome.answer for outcome in explained_in_one_worker(asked, 300.0))
    assert right is not None
    assert right.logged is not None
    assert right.logged.rows == 20
    assert right.logged.printed == pytest.approx(5 * right.logged.nats_per_datum, rel=1e-12)
    assert right.logged.bits_per_dimension == pytest.approx(right.logged.nats_per_datum / (11 * np.log(2)), rel=1e-12)
    assert gaussian is not None
    assert gaussian.logged is not None
    assert gaussian.logged.printed == pytest.approx(5 * gaussian.logged.nats_per_datum, rel=1e-12)
    assert half is not None
    assert half.logged is not None
    assert half.logged.printed < 5 * half.logged.nats_per_datum
    assert other is not None
    assert other.logged is None  # 64 values for 11


@pytest.mark.backend("keras-jax")
def test_weights_of_a_jax_function_are_asked_for_and_given() -> None:
    file = str(CASES / "functions_jax_unmade.py")
    given = {"params": "make_weights(random.PRNGKey(3), sizes=(12, 3))"}
    misspelt = {"params": "make_weight(random.PRNGKey(3), sizes=(12, 3))"}
    asked = [Asked(file, "loss", "jax", False, {}, {}, arguments, 0.0) for arguments in ({}, given, misspelt)]
    without, made, wrong = explained_in_one_worker(asked, 300.0)
    assert "could not be made: NameError: name 'make_weight' is not defined" in str(wrong.bad_input)
    assert "params: expected the model's weights" in str(without.bad_input)
    assert "--arguments 'params=make_weights(jax.random.PRNGKey(0), …)'" in str(without.bad_input)
    assert made.answer is not None
    assert made.answer.bug is None
    assert made.answer.likelihood == "squared-error"
    assert made.answer.coefficients is not None
    assert made.answer.coefficients.recon == "2/N"
