"""The timed calls: the stages of a VAE, with inputs on the device and outputs that can be compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Graphs
from ...backends.table import precision
from ...notations.notation import Symbol
from ...notations.roles import ROLES
from ...reference import oracle
from ...reference.adam import AFTER, Adam
from ...reference.problem import Problem
from ...workers.evaluation import OBJECTIVE, canonical_gradients, derive_log_variance
from ...workers.subject import Subject
from ..recipes import exported, tuned_forward, tuned_training
from .device import open_timing
from .training import ADAM, Training

Array = NDArray[Any]

STAGES = ("encoder", "decoder", "elbo", "training_step")
ADAM_BETA_1 = 0.9
"""The default of both frameworks."""


class Stage(ABC):
    """One stage of one subject: calling it computes once and waits for the device.

    Attributes:
        images: the images of one call.
        latest: the outputs of the last call, which stay alive until the next call has computed its outputs.
    """

    def __init__(self, subject: Subject, images: int):
        self.subject, self.images = subject, images
        self.latest: Any = None

    @abstractmethod
    def __call__(self) -> Any:
        """Compute, wait, and return the outputs: tensors of the framework."""

    @abstractmethod
    def tensors(self, outputs: Any) -> dict[str, Array]:
        """A call's outputs as canonical tensors, float64."""

    @abstractmethod
    def graphs(self) -> Graphs | None:
        """The graphs that were compiled for this stage; None where nothing was compiled."""

    def adam(self) -> Adam | None:
        """The rule of a stage that trains."""
        return None

    def restore(self) -> None:  # noqa: B027 forward stages change nothing
        """Undo the changes of earlier calls, so that the next call computes the same as the first."""

    def where(self, outputs: Any) -> tuple[str, str]:
        """(device, dtype) of a call's outputs."""
        return self.subject.binding.where(listed(outputs)[0])


class ForwardStage(Stage):
    """A method without gradients: `encoder`, `decoder` or the published objective.

    Args:
        stage: its name.
        function: the method.
        inputs: its arguments, on the device.
        last_step: the last optimisation step that is turned on, where the mode is `tuned`.
        returned: the symbols of its outputs, in order; None for the objective.
    """

    def __init__(
        self,
        subject: Subject,
        stage: str,
        function: Any,
        inputs: tuple[Any, ...],
        returned: list[Symbol] | None,
        batch: int,
        last_step: str = "",
    ):
        super().__init__(subject, batch)
        self.stage, self.inputs, self.returned = stage, inputs, returned
        self.function = self._made(function, last_step)

    def _made(self, function: Any, last_step: str) -> Any:
        """`function` as the subject's mode calls it."""
        subject, binding = self.subject, self.subject.binding
        if subject.mode == "tuned":
            return tuned_forward(subject, self.stage, last_step, function, self.inputs, self.images)
        if subject.mode == "exported":
            return exported(subject, function, self.inputs)
        if subject.mode == "published" and len(self.inputs) == 1:
            return open_timing(binding).predict(subject, function, self.images)
        return binding.forward(subject.model, function, subject.mode)

    def __call__(self) -> Any:
        outputs = self.function(*self.inputs)
        self.subject.binding.synchronize(outputs)
        self.latest = outputs
        return outputs

    def tensors(self, outputs: Any) -> dict[str, Array]:
        subject = self.subject
        arrays = [subject.binding.array(output) for output in listed(outputs)]
        if self.returned is None:
            return {OBJECTIVE: total_bound(subject, arrays[0], self.images)}
        found = {}
        for symbol, array in zip(self.returned, arrays, strict=True):
            if symbol.tensor is None:
                continue
            if "sample" in ROLES[symbol.role].axes and "sample" not in symbol.axes:
                array = array[None]
            found[symbol.tensor] = subject.canonical(symbol, array)
        derive_log_variance(found)
        return found

    def graphs(self) -> Graphs | None:
        return self.subject.binding.graphs(self.function)


class TrainingStage(Stage):
    """Forward, backward and Adam on the published objective.

    Args:
        inputs: x and noise, on the device.
        start: weights by attribute path, which `restore` goes back to.
    """

    def __init__(
        self,
        subject: Subject,
        inputs: tuple[Any, Any],
        start: Mapping[str, Array],
        batch: int,
        last_step: str = "",
    ):
        super().__init__(subject, batch)
        self.inputs, self.start = inputs, start
        self.training = self._made(last_step)

    def _made(self, last_step: str) -> Training:
        if self.subject.mode == "tuned":
            return tuned_training(self.subject, last_step, self.inputs, self.images)
        return open_timing(self.subject.binding).training(self.subject)

    def __call__(self) -> Any:
        value = self.training.step(*self.inputs)
        self.subject.binding.synchronize((value, self.training.pending()))
        self.latest = value
        return value

    def tensors(self, outputs: Any) -> dict[str, Array]:
        """The objective of a first step, the gradients of Σ_b elbo_b from Adam's first moments, and the objective of a
        second step, which depends on the update and is taken here.
        """
        subject = self.subject
        found = {OBJECTIVE: total_bound(subject, subject.binding.array(outputs), self.images)}
        factor = (1 - ADAM_BETA_1) * subject.objective_sign()
        moments = {path: m.astype(np.float64) / factor for path, m in self.training.first_moments().items()}
        found |= canonical_gradients(subject, moments, self.images)
        # A model that writes the specification by a lifting has more weights, and another update.
        if not subject.embedded.names:
            found[AFTER] = total_bound(subject, subject.binding.array(self()), self.images)
        return found

    def adam(self) -> Adam:
        return adam_of(self.subject, self.images)

    def graphs(self) -> Graphs | None:
        return self.subject.binding.graphs(self.training)

    def restore(self) -> None:
        self.training.restore(self.start)


def make_stage(
    subject: Subject,
    problem: Problem,
    stage: str,
    *,
    batch: int | None = None,
    last_step: str = "",
) -> ForwardStage | TrainingStage:
    """A stage of a subject on a problem with one draw of noise per datum.

    The decoder is given z of the reference, not of the encoder, so that its proof does not depend on the encoder. Every
    method gets its arguments in the axes that the notation declares.

    Args:
        subject: a model with the problem's weights.
        problem: data, noise and weights.
        stage: one of `STAGES`.
        batch: images per call, a multiple of the problem's rows, which are then repeated; None for the rows themselves.
        last_step: the last optimisation step that is turned on, where the subject's mode is `tuned`.

    Raises:
        ValueError: an unknown stage or optimisation step, several draws, no multiple of the rows, or no encoder.
    """
    if len(problem.noise) != 1:
        raise ValueError(f"{problem.name}: expected one draw of noise per datum; found {len(problem.noise)}")
    rows = oracle.rounded(problem, precision(subject.dtype))
    problem = repeated(rows, batch or len(rows.x))
    binding, notation, spec = subject.binding, subject.notation, subject.spec
    methods, batch = notation.methods, len(problem.x)
    symbols = {symbol.quantity: symbol for symbol in notation.computed(spec)}

    def forward(function: Any, inputs: tuple[Any, ...], names: Sequence[str] | None) -> ForwardStage:
        returned = None if names is None else [symbols[name] for name in names]
        return ForwardStage(subject, stage, function, inputs, returned, batch, last_step)

    if stage == "encoder":
        if methods.encoder is None:
            raise ValueError(f"stage 'encoder': expected a notation with an encoder; found {notation.id}")
        encoder = getattr(subject.model, methods.encoder)
        return forward(encoder, (subject.data(problem.x),), methods.encoder_returns[spec.posterior])
    if stage == "decoder":
        latent = np.tile(oracle.evaluate(rows, gradients=False)["latent"], (1, batch // len(rows.x), 1))
        declared = notation.symbol("latent", spec)
        assert declared is not None
        z = binding.tensor(latent if "sample" in declared.axes else latent[0], subject.dtype)
        return forward(getattr(subject.model, methods.decoder), (z,), methods.decoder_returns[spec.likelihood])
    noise = problem.noise if "sample" in notation.noise_axes else problem.noise[0]
    inputs = (subject.data(problem.x), binding.tensor(noise, subject.dtype))
    if stage == "elbo":
        return forward(subject.objective(), inputs, None)
    if stage == "training_step":
        return TrainingStage(subject, inputs, subject.starting_weights(problem), batch, last_step)
    raise ValueError(f"stage '{stage}': expected one of {', '.join(STAGES)}")


def repeated(problem: Problem, batch: int) -> Problem:
    """The problem with its rows repeated in their order until there are `batch` of them.

    Raises:
        ValueError: `batch` is no multiple of the number of rows.
    """
    if batch % len(problem.x):
        raise ValueError(f"{problem.name}: expected a multiple of its {len(problem.x)} rows; found batch {batch}")
    times = batch // len(problem.x)
    return replace(problem, x=np.tile(problem.x, (times, 1)), noise=np.tile(problem.noise, (1, times, 1)))


def adam_of(subject: Subject, batch: int) -> Adam:
    """The rule by which a subject's framework trains on its published objective."""
    epsilon, corrected = open_timing(subject.binding).adam_epsilon
    scales = {name: m.scale for name, m in subject.maps.items() if m.scale != 1}
    return Adam(abs(subject.objective_factor(batch)), epsilon, corrected, ADAM.learning_rate, weight_scales=scales)


def listed(outputs: Any) -> list[Any]:
    """The outputs of a method, as a list."""
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


def total_bound(subject: Subject, objective: Array, batch: int) -> Array:
    """The published objective as Σ_b bound_b, [], by its declared sense, reduction and constants."""
    return np.asarray(subject.total_bound(float(objective.astype(np.float64)), batch, None))
