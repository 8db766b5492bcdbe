"""How is a model of torch run? A torch function mode records every call on tensors, and can replace its outputs."""

from __future__ import annotations

import copy
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import INPUT, Operation, Place, Run, Setting
from .guard import failure, watched
from .on_torch import TorchLoss, in_fewer_digits
from .subject import OfSubject, Subject

_NORMAL = ("randn", "randn_like", "normal_", "normal")
_OTHER = (
    "rand", "rand_like", "uniform_", "bernoulli", "bernoulli_", "dropout", "alpha_dropout", "feature_dropout",
    "dropout2d", "dropout_", "multinomial", "randint", "randperm", "exponential_", "gumbel_softmax", "poisson",
)  # fmt: skip


class TorchRunner(OfSubject):
    """Runs a model of torch; `subject` is the user's model and the call of its loss."""

    name = "torch"
    leaves_out = True
    resizes = False

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._kept = {"": self._state(subject.owner)}

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
        recording, _ = self._recorded(x, setting, leaves=False)
        return recording.run

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

    def _recorded(self, x: Array, setting: Setting, *, leaves: bool) -> tuple[_Recording, Any]:
        subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
        owner = subject.owner
        if not setting.rebuilt:
            self._restore(owner)
        recording = _Recording(x, setting, leaves, subject.file)
        torch.default_generator.manual_seed(0)
        try:
            with watched(), subject.at(setting.parameters, setting.training), _in(setting.dtype, owner), recording:
                returned = subject.call(recording.x, setting.training)
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


class _Recording(TorchFunctionMode):
    """Records a run inside the context: every call that returns tensors is an operation."""

    def __init__(self, x: Array, setting: Setting, leaves: bool, file: str):
        super().__init__()
        self.setting, self.with_leaves, self.file = setting, leaves, file
        self.run = Run(x)
        self.dtype = getattr(torch, setting.dtype)
        self.x = torch.tensor(x).to(self.dtype)
        self.of: dict[int, Place] = {id(self.x): INPUT}
        self.kept: list[Any] = [self.x]
        self.tensors: dict[Place, Any] = {INPUT: self.x}
        self.leaves: dict[Place, Any] = {}
        self.terms: dict[str, Any] = {}
        self.target: Any = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = _label(func), kwargs or {}
        if name == "backward":
            self.target = args[0]
            return None
        place, before, draws = len(self.run.operations), self.setting.before, ""
        inputs: tuple[Place, ...] = ()
        if place in self.setting.skipped and before is not None and before.operations[place].name == name:
            tensors = [torch.tensor(value) for value in before.operations[place].outputs]
            tensors = [tensor.to(self.dtype) if tensor.is_floating_point() else tensor for tensor in tensors]
            result = tensors[0] if len(tensors) == 1 else tuple(tensors)
        else:
            inputs = tuple(self.of[id(t)] for t in _tensors((args, kwargs)) if id(t) in self.of)
            result = func(*args, **kwargs)
            tensors = _tensors(result)
            if not tensors:
                return result
            if name in _NORMAL:
                draws, result = "normal", self._normal(place, name, args, kwargs, result)
                tensors = [result]
            elif name in _OTHER and _drawn(name, args, kwargs):
                draws = "other"
        if not self.setting.terms_only:
            self._names()
        if any(Place(place, output) in self.setting.replaced for output in range(len(tensors))):
            tensors = [self._replaced(Place(place, output), tensor) for output, tensor in enumerate(tensors)]
            result = tensors[0] if isinstance(result, torch.Tensor) else tuple(tensors)
        self._note(name, inputs, tensors, draws)
        return result

    def _replaced(self, place: Place, tensor: Any) -> Any:
        """The replacement of an output; the output itself if it is not replaced."""
        if place not in self.setting.replaced:
            return tensor
        leaf = torch.tensor(self.setting.replaced[place]).to(self.dtype)
        if self.with_leaves:
            self.leaves[place] = leaf.requires_grad_()
        return leaf

    def _note(self, name: str, inputs: tuple[Place, ...], tensors: list[Any], draws: str) -> None:
        place = len(self.run.operations)
        self.run.operations.append(
            Operation(name, inputs, [] if self.setting.terms_only else [_array(t) for t in tensors], draws)
        )
        for output, tensor in enumerate(tensors):
            self.of[id(tensor)] = Place(place, output)
            self.tensors[Place(place, output)] = tensor
            self.kept.append(tensor)

    def _normal(self, place: int, name: str, args: Any, kwargs: Any, result: Any) -> Any:
        """The draw with given noise, without a gradient by tensors of mean and scale, as in torch."""
        noise = self.setting.noise.get(place)
        if noise is None:
            noise = np.random.default_rng(1000 + place).normal(size=tuple(result.shape))
        with torch.no_grad():
            drawn = torch.tensor(np.asarray(noise)).to(result.dtype).reshape(result.shape)
            if name == "normal":
                mean, std = (
                    [*args, kwargs.get("mean", 0.0), kwargs.get("std", 1.0)][:2]
                    if len(args) != 1
                    else (args[0], kwargs.get("std", 1.0))
                )
                return (mean + std * drawn).to(result.dtype)
            if name == "normal_":
                mean = args[1] if len(args) > 1 else kwargs.get("mean", 0.0)
                std = args[2] if len(args) > 2 else kwargs.get("std", 1.0)
                result.copy_(mean + std * drawn)
                return result
            return drawn

    def _names(self) -> None:
        """Note the local names of tensors in the innermost frame of the user's file."""
        frame: Any = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self.file:
            frame = frame.f_back
        if frame is not None:
            for name, value in frame.f_locals.items():
                place = self.of.get(id(value)) if isinstance(value, torch.Tensor) else None
                if place is not None and not name.startswith("."):
                    self.run.names.setdefault(place, name)

    def finish(self, returned: Any, owner: Any) -> None:
        """Note the returned numbers, and the names of tensors that are attributes of the model."""
        for name, value in TorchLoss(lambda: None)._flat("", returned):
            array = TorchLoss.array(self, value)  # type: ignore[arg-type]
            if array is not None:
                self.run.terms[name] = array
                if isinstance(value, torch.Tensor):
                    self.terms[name] = value
                    self.run.returned.append(self.of.get(id(value), INPUT))
        for name, value in vars(owner).items() if hasattr(owner, "__dict__") else ():
            place = self.of.get(id(value)) if isinstance(value, torch.Tensor) else None
            if place is not None:
                self.run.names.setdefault(place, f"self.{name}")


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


def _tensors(value: Any) -> list[Any]:
    """The tensors in a value, in order."""
    return [leaf for leaf in tree_flatten(value)[0] if isinstance(leaf, torch.Tensor)]


def _array(tensor: Any) -> Array:
    with torch._C.DisableTorchFunction():
        return np.array(tensor.detach().cpu())


def _label(func: Callable[..., Any]) -> str:
    name = getattr(func, "__name__", str(func))
    return str(getattr(getattr(func, "__self__", None), "__name__", name)) if name in ("__get__", "__set__") else name


def _drawn(name: str, args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a call draws: always, but for dropout in evaluation mode or with p = 0."""
    if "dropout" not in name:
        return True
    return bool(kwargs.get("training", args[2] if len(args) > 2 else True)) and bool(
        kwargs.get("p", args[1] if len(args) > 1 else 0.5)
    )


def torch_call(found: Any) -> Callable[[Any, bool], Any] | None:
    """The call of a module, or of its method, that takes the data alone; None for a loss on tensors."""
    owner = found.__self__ if inspect.ismethod(found) else found
    if not isinstance(owner, torch.nn.Module) or not any(True for _ in owner.parameters()):
        return None
    taken = [
        p
        for p in inspect.signature(found if found is not owner else owner.forward).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return (lambda x, training: found(x)) if len(taken) == 1 else None


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
    code = (found if method else owner.forward).__code__
    return Subject(owner, call, None, code.co_filename)
