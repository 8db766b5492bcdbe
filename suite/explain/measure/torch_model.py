"""How is a model of torch run? Its calls, the batches of a training step, and recorded runs."""

from __future__ import annotations

import copy
import inspect
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import Place, Run, Setting
from .guard import failure, watched
from .on_torch import in_fewer_digits
from .subject import STEP, OfSubject, Subject
from .torch_recording import Recording


class _Keyed(dict[str, Any]):
    """A batch that has x by any name."""

    def __init__(self, x: Any):
        self.x = x

    def __missing__(self, key: str) -> Any:
        return self.x

    def get(self, key: str, default: Any = None) -> Any:
        return self.x


BATCHES: tuple[Callable[[Any], Any], ...] = (
    lambda x: (x, torch.zeros(len(x), dtype=torch.int64)),
    lambda x: (x, x),
    lambda x: (x,),
    _Keyed,
    lambda x: x,
)
"""x → what a training step may be given: with labels, as its own target, alone in a list, by name, or itself."""


class TorchRunner(OfSubject):
    """Runs a model of torch; `subject` is the user's model and the call of its loss."""

    name = "torch"
    leaves_out = True
    resizes = False

    def __init__(self, subject: Subject):
        super().__init__(subject)
        owner = subject.owner
        weights = owner.parameters() if isinstance(owner, torch.nn.Module) else ()
        self._lazy = any(map(torch.nn.parameter.is_lazy, weights))
        self._kept = {"": self._state(owner)}
        self._batches: tuple[Callable[[Any], Any], ...] = BATCHES if subject.step else (lambda x: x,)

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of x to try, by the widths of layers and the integers of the constructor."""
        owner = self.subject.owner
        modules = list(owner.modules()) if isinstance(owner, torch.nn.Module) else []
        widths = [m.in_features for m in modules if isinstance(m, torch.nn.Linear)]
        widths += [m.input_size for m in modules if isinstance(m, torch.nn.RNNBase)]
        channels = [m.in_channels for m in modules if isinstance(m, torch.nn.Conv2d)]
        return self.subject.shapes(widths, channels[:1])

    def run(self, x: Array, setting: Setting) -> Run:
        """Run the model once, from its first weights and buffers."""
        recording, owner = self._recorded(x, setting, leaves=False)
        names = ((place, self._name_of(layer, owner)) for place, layer in recording.layers.items())
        recording.run.layers = {place: name for place, name in names if name is not None}
        return recording.run

    def _name_of(self, layer: Any, owner: Any) -> str | None:
        """The attribute that holds a layer."""
        modules = owner.named_modules() if isinstance(owner, torch.nn.Module) else ()
        own = (path.rpartition(".")[2] for path, module in modules if module is layer)
        return next((name for name in own if name.isidentifier()), None)

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether the model runs on this shape; True for lazy layers, of which it cannot be told."""
        return self._lazy or super().takes(shape)

    def gradients(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients by each replaced output and each weight; None in place of a gradient that is not connected."""
        recording, owner = self._recorded(x, setting, leaves=True)
        if isinstance(of, Place):
            value = recording.tensors[of].sum()
        else:
            value = sum((recording.terms[name].sum() for name in of), torch.zeros(()))
        weights = dict(owner.named_parameters()) if isinstance(owner, torch.nn.Module) else {}
        inputs: dict[object, Any] = dict(recording.leaves)
        inputs |= {name: weight for name, weight in weights.items() if weight.requires_grad}
        if not value.requires_grad:
            return dict.fromkeys(inputs)
        slopes = torch.autograd.grad(value, list(inputs.values()), allow_unused=True)
        return {
            name: None if slope is None else np.array(slope.detach())
            for name, slope in zip(inputs, slopes, strict=True)
        }

    def has(self, dtype: str) -> bool:
        """Whether the model runs in a dtype: its weights are float64, and it has no Keras layers, which cast back."""
        kept = [value.dtype for value in self._kept[""].values() if value.is_floating_point()]
        owner = self.subject.owner
        layers = owner.modules() if isinstance(owner, torch.nn.Module) else ()
        of_keras = any(base.__module__.startswith("keras.") for layer in layers for base in type(layer).__mro__)
        return bool(kept) and set(kept) == {torch.float64} and not of_keras

    def rounded(self, value: Array, dtype: str) -> Array:
        """Values rounded to a dtype, as float64."""
        return np.asarray(torch.tensor(value).to(getattr(torch, dtype)).double())

    def _recorded(self, x: Array, setting: Setting, *, leaves: bool) -> tuple[Recording, Any]:
        """The first form of a batch that the call takes is kept; else what came furthest is raised."""
        failures: list[LossFailed] = []
        for batch in self._batches:
            try:
                found = self._recorded_once(x, setting, leaves, batch)
            except LossFailed as error:
                failures.append(error)
                continue
            self._batches = (batch,)
            return found
        raise max(failures, key=lambda error: len(list(traceback.walk_tb(error.__cause__.__traceback__))))  # type: ignore[union-attr]

    def _recorded_once(
        self, x: Array, setting: Setting, leaves: bool, batch: Callable[[Any], Any]
    ) -> tuple[Recording, Any]:
        subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
        owner = subject.owner
        if not setting.rebuilt:
            self._restore(owner)
        recording = Recording(x, setting, leaves, subject.file)
        torch.default_generator.manual_seed(0)
        try:
            with watched(), subject.at(setting.parameters, setting.training), _in(setting.dtype, owner), recording:
                returned = subject.call(batch(recording.x), setting.training)
        except Exception as error:
            raise LossFailed(failure(error)) from error
        if recording.target is not None:
            returned = recording.target
        recording.finish(returned, owner)
        return recording, owner

    def _state(self, owner: Any) -> dict[str, Any]:
        if not isinstance(owner, torch.nn.Module):
            return {}
        return {name: value.detach().clone() for name, value in owner.state_dict().items()}

    def _restore(self, owner: Any) -> None:
        if isinstance(owner, torch.nn.Module) and self._kept[""]:
            with torch.no_grad():
                for name, value in owner.state_dict().items():
                    value.copy_(self._kept[""][name])


@contextmanager
def _in(dtype: str, owner: Any) -> Iterator[None]:
    """Put a module into a dtype inside the context, with float32 as torch's default for any other than float64."""
    if dtype == "float64":
        yield
        return
    with in_fewer_digits():
        owner.to(getattr(torch, dtype))
        try:
            yield
        finally:
            owner.double()


def torch_call(found: Any) -> Callable[[Any, bool], Any] | None:
    """The call of a module, or of its method, that takes the data alone; None for a loss on tensors.

    A module of Lightning is called by its training step, which takes a batch and its place.
    """
    owner = found.__self__ if inspect.ismethod(found) else found
    if not isinstance(owner, torch.nn.Module) or not any(True for _ in owner.parameters()):
        return None
    method = _method(found, owner)
    taken = [
        p
        for p in inspect.signature(method).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if method.__name__ == STEP and taken:
        return lambda x, training: method(x, *[0] * (len(taken) - 1))
    return (lambda x, training: found(x)) if len(taken) == 1 else None


def _method(found: Any, owner: Any) -> Any:
    """What is called of a module, or the method that is found."""
    return found if found is not owner else getattr(owner, STEP, owner.forward)


def torch_subject(found: Any) -> Subject | None:
    """A float64 copy of a module of this process, or of a method's module, as a subject; None if it is none.

    Raises:
        BadInput: the module cannot be copied.
    """
    if torch_call(found) is None:
        return None
    method = inspect.ismethod(found)
    try:
        owner = copy.deepcopy(found.__self__ if method else found).double()
    except (RuntimeError, TypeError) as error:  # such as an attribute that is a tensor with a history
        raise BadInput(f"the model cannot be copied: {failure(error)}; give it as text, FILE.py:NAME") from None
    call = torch_call(types.MethodType(found.__func__, owner) if method else owner)
    assert call is not None
    called = found if method else _method(owner, owner)
    return Subject(owner, call, None, called.__code__.co_filename, step=called.__name__ == STEP)
