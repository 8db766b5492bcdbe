"""Train in a child process, which has one backend: `python training_worker.py TASK BACKEND FOLDER MINIBATCHES`.

Tasks read what they need from FOLDER, and leave their outcome there: `lockstep` as `lockstep-BACKEND.safetensors`,
`algorithm_1` and `fit` as `TASK-BACKEND.json`.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from elbostone.backends import Binding, open_binding
from elbostone.backends.table import BACKENDS
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.weight_maps import weight_maps
from elbostone.reference.problem import Problem, load_problem, read_tensors, save_tensors
from elbostone.reference.spec import Spec
from elbostone.reference.weights import decoder_slots
from elbostone.timing.measure.device import open_timing
from elbostone.timing.measure.training import Optimizer, Training
from elbostone.workers.records import Cell
from elbostone.workers.subject import DATA_COUNT, Subject, prepare

AEVB = "kingma_welling_2013"
DTYPES = ("float64", "float32")

STEPS, BATCH = 20, 100
RULE = Optimizer("adagrad", learning_rate=0.02, accumulator=0.1)
EPSILON = 1e-7

SIZES = {"D": 64, "hidden": 32, "J": 8}
"""Of the digits, for AEVB's model."""
ALPHA, SEEDS = 0.1, (0, 1, 2)
"""Of Algorithm 1: its step size, one of the paper's three, and the seeds that it is run with."""


def module_of(notation: str, backend: str) -> Any:
    return import_module(f"elbostone.implementations.{notation}.{BACKENDS[backend].framework}_vae")


# Lockstep: given minibatches and noise, weights after every step


def rule_in(dtype: str) -> Optimizer:
    """The rule with its numbers rounded to `dtype`, as all inputs are before a truth is taken."""
    number = np.dtype(dtype).type
    return replace(RULE, learning_rate=float(number(RULE.learning_rate)), accumulator=float(number(RULE.accumulator)))


def variants(subject: Subject, rule: Optimizer) -> dict[str, Callable[[], Training]]:
    """The right training and wrong ones, which a comparison has to tell from it; each starts where the model is."""

    def training(rule: Optimizer, factor: float = 1) -> Training:
        objective = subject.objective()
        scaled = objective if factor == 1 else lambda x, noise: factor * objective(x, noise)
        return open_timing(subject.binding).training(subject, objective=scaled, rule=rule)

    def epsilon_instead() -> Training:
        if subject.binding.framework == "keras":  # whose ε is inside the root
            return training(replace(rule, accumulator=EPSILON))
        planted: Any = training(rule)
        planted.optimizer = adagrad(list(planted.variables.values()), rule.learning_rate)
        return planted

    def epsilon_besides() -> Training:
        planted: Any = training(rule)
        if subject.binding.framework == "keras":
            planted.optimizer.epsilon = EPSILON
        else:
            planted.optimizer.param_groups[0]["eps"] = EPSILON
        return planted

    return {
        "right": lambda: training(rule),
        "learning rate": lambda: training(replace(rule, learning_rate=rule.learning_rate * (1 + 1e-4))),
        "no N/M": lambda: training(rule, factor=BATCH / DATA_COUNT),
        "epsilon instead": epsilon_instead,
        "epsilon besides": epsilon_besides,
    }


def adagrad(parameters: list[Any], learning_rate: float) -> Any:
    """torch's Adagrad as one writes it: Σg² starts at 0, and ε is added to the root."""
    import torch

    return torch.optim.Adagrad(parameters, lr=learning_rate, eps=EPSILON)


def trajectory(subject: Subject, training: Training, problem: Problem) -> Iterator[dict[str, np.ndarray]]:
    """Canonical weights after every step, over consecutive batches of the problem."""
    binding = subject.binding
    for start in range(0, STEPS * BATCH, BATCH):
        batch = slice(start, start + BATCH)
        training.step(subject.data(problem.x[batch]), binding.tensor(problem.noise[:, batch], subject.dtype))
        weights = training.weights()
        yield {name: m.to_canonical(weights[m.path].astype(np.float64)) for name, m in subject.maps.items()}


def lockstep(binding: Binding, backend: str, folder: Path, minibatches: int) -> None:
    """`dtype/variant/step/weight` for every variant, and for the right one once more after `restore`."""
    problem = load_problem(folder / "lockstep.json")
    found = {}
    for dtype in DTYPES:
        cell = Cell(problem.name, AEVB, binding.framework, backend, "cpu", dtype, "eager")
        subject = prepare(binding, cell, notations()[AEVB], module_of(AEVB, backend), problem)
        start = {path: weight.copy() for path, weight in binding.get_weights(subject.model, subject.paths).items()}
        for variant, make in variants(subject, rule_in(dtype)).items():
            binding.put_weights(subject.model, start)
            training = make()
            for name in ("right", "restored") if variant == "right" else (variant,):
                if name == "restored":
                    training.restore(start)
                for step, weights in enumerate(trajectory(subject, training, problem)):
                    found |= {f"{dtype}/{name}/{step}/{weight}": value for weight, value in weights.items()}
    save_tensors(found, folder / f"lockstep-{backend}.safetensors")


# Algorithm 1 of AEVB: the implementation's own loop


def z_is_μ_without_kl(model: Any, x: Any, ε: Any) -> Any:
    μ, _ = model.φ(x)
    return model.log_p_x_given_z(x, model.θ(μ))


def plants(vae: Any) -> dict[str, Callable[[Any, Any, Any], Any]]:
    """Objectives that a training must not pass with, in place of L_B."""
    return {
        "z = μ without KL": z_is_μ_without_kl,
        "wrong sign": lambda model, x, ε: -vae.L_B(model, x, ε),
        "KL twice": lambda model, x, ε: vae.L_B(model, x, ε) - model.D_KL(*model.φ(x)),
    }


def algorithm_1(binding: Binding, backend: str, folder: Path, minibatches: int) -> None:
    """Mean held-out ELBO in nats of every seed, and of each plant with the first; `untrained` is the first's start."""
    module = module_of(AEVB, backend)
    arrays = read_tensors(folder / "digits.safetensors")
    tensors = {name: binding.tensor(array, "float32") for name, array in arrays.items()}
    train, x, noise = tensors["train"], tensors["held_out"], tensors["noise"]
    if binding.framework == "torch":
        import torch

        seeded = torch.manual_seed
    else:
        import keras

        seeded = keras.utils.set_random_seed

    def elbo(model: Any) -> float:
        return float(binding.array(module.VAE.L_B(model, x, noise)).mean(dtype=np.float64))

    def trained(seed: int, budget: int, methods: dict[str, Any]) -> float:
        seeded(seed)
        model = binding.construct(type("VAE", (module.VAE,), methods), SIZES, "float32")
        if budget:
            module.algorithm_1(model, module.minibatches(train, SIZES["J"], budget, M=BATCH, L=1), len(train), ALPHA)
        return elbo(model)

    outcome: dict[str, Any] = {
        "untrained": trained(SEEDS[0], 0, {}),
        "trained": [trained(seed, minibatches, {}) for seed in SEEDS],
        "planted": {name: trained(SEEDS[0], minibatches, {"L_B": L_B}) for name, L_B in plants(module.VAE).items()},
    }
    (folder / f"algorithm_1-{backend}.json").write_text(json.dumps(outcome), encoding="utf-8")


# Ordinary training, as a reader who copied a model would do it

IMAGES = Spec("conv", "bernoulli", "standard", "relu", (16,), 64, 8, image_shape=(1, 8, 8), channels=(4, 8))
PLAIN = Spec("mlp", "bernoulli", "standard", "tanh", (32,), 64, 8)
GAUSSIAN = replace(PLAIN, likelihood="gaussian-fixed", variance=1.0)
#: A notation is trained on the first of these that it defines, and on every convolutional one.
SMALL = (
    PLAIN,
    replace(PLAIN, activation="gated", prior="vamp", components=5),
    replace(PLAIN, posterior="free", data_count=50),
    replace(PLAIN, decoder_weights="posterior", data_count=300),
    replace(PLAIN, latents=(8,)),
    GAUSSIAN,
    replace(GAUSSIAN, posterior="isotropic"),
)
STEPS_OF_FIT, SIZE = 36, 50


def epochs_of(x: np.ndarray) -> int:
    """As many epochs as make the same number of steps, however many data there are."""
    return STEPS_OF_FIT * SIZE // len(x)


def models() -> dict[str, tuple[Notation, Spec]]:
    """What is trained: every notation, and those that have images on them too."""
    trained = {}
    for name, notation in notations().items():
        trained[name] = (notation, next(spec for spec in SMALL if notation.unsupported(spec) is None))
        if notation.unsupported(IMAGES) is None:
            trained[f"{name}, images"] = (notation, IMAGES)
    return trained


def fit(binding: Binding, backend: str, folder: Path, minibatches: int) -> None:
    """The loss of each epoch, per model."""
    digits = read_tensors(folder / "digits.safetensors")["train"][:300].astype(np.float32)
    losses = {}
    for name, (notation, spec) in models().items():
        model = getattr(module_of(notation.id, backend), notation.model_class)(**notation.model_arguments(spec))
        x = digits[: spec.data_count] if spec.posterior == "free" else digits
        if spec.network == "conv":
            x = x.reshape(-1, 1, 8, 8) if binding.framework == "torch" else x.reshape(-1, 8, 8, 1)
        train = torch_losses if binding.framework == "torch" else keras_losses
        losses[name] = train(notation, spec, model, x)
    (folder / f"fit-{backend}.json").write_text(json.dumps(losses), encoding="utf-8")


def keras_losses(notation: Notation, spec: Spec, model: Any, x: np.ndarray) -> list[float]:
    """`fit`; free parameters belong to a datum, so that the batch is all data in their order."""
    import keras

    keras.utils.set_random_seed(0)
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    history = model.fit(x, batch_size=SIZE, epochs=epochs_of(x), shuffle=spec.posterior != "free", verbose=0)
    return [float(loss) for loss in history.history["loss"]]


def torch_losses(notation: Notation, spec: Spec, model: Any, x: np.ndarray) -> list[float]:
    """A loop over the published objective, with noise drawn for it."""
    import torch

    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    sign = 1 if notation.objective.sense == "minimised" else -1
    objective = getattr(model, notation.methods.objective)
    count = next((s.code for s in notation.symbols if s.role == "data_count"), "")
    extra = {count: len(x)} if notation.objective.data == "N/M" else {}
    epochs = []
    for _ in range(epochs_of(x)):
        values = []
        for batch in torch.from_numpy(x).split(SIZE):
            draws = (1,) if "sample" in notation.noise_axes else ()
            noises: list[Any] = [torch.randn(*draws, len(batch), spec.latent_dim)]
            if spec.decoder_weights == "posterior":
                maps = weight_maps(notation, "torch", spec)
                noises.append(
                    {
                        maps[f"{slot.name}.mean"].published.rpartition(".")[2]: torch.randn(1, *slot.shape)
                        for slot in decoder_slots(spec)
                    }
                )
            optimizer.zero_grad()
            loss = sign * objective(batch, *noises, **extra)
            loss.backward()
            optimizer.step()
            values.append(float(loss.detach()))
        epochs.append(float(np.mean(values)))
    return epochs


def main(task: str, backend: str, folder: str, minibatches: str) -> None:
    run = {"lockstep": lockstep, "algorithm_1": algorithm_1, "fit": fit}[task]
    run(open_binding(backend, "cpu"), backend, Path(folder), int(minibatches))


if __name__ == "__main__":
    main(*sys.argv[1:])
