"""How is a run of torch recorded? A torch function mode sees every call on tensors, and can replace its outputs."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.modules.module import register_module_forward_hook
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten

from ..dictionary.formula import Array
from ..models.run import INPUT, Operation, Place, Run, Setting
from .guard import installed
from .on_torch import TorchLoss

_NORMAL = ("randn", "randn_like", "normal_", "normal")
_OTHER = (
    "rand", "rand_like", "uniform_", "bernoulli", "bernoulli_", "dropout", "alpha_dropout", "feature_dropout",
    "dropout2d", "dropout_", "multinomial", "randint", "randperm", "exponential_", "gumbel_softmax", "poisson",
)  # fmt: skip


class Recording(TorchFunctionMode):
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
        self.named: dict[Place, dict[str, None]] = {}
        self.layers: dict[Place, Any] = {}
        self.target: Any = None
        self.hook: Any = None

    def __enter__(self) -> Any:
        if not self.setting.terms_only:
            self.hook = register_module_forward_hook(lambda module, given, returned: self._name("", returned))
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: Any) -> None:
        if self.hook is not None:
            self.hook.remove()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

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
            self._names(Place(place))
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

    def _names(self, made: Place) -> None:
        """Note the names of tensors in the innermost frame of the user's code, and the layer that makes `made`."""
        frame: Any = sys._getframe(2)
        while frame is not None and not self._is_theirs(frame.f_code.co_filename):
            layer = frame.f_locals.get("self")
            if isinstance(layer, torch.nn.Module) and _makes(layer):
                self.layers.setdefault(made, layer)
            frame = frame.f_back
        if frame is not None:
            for name, value in frame.f_locals.items():
                self._name(name, value)

    def _is_theirs(self, file: str) -> bool:
        return file == self.file or (file.endswith(".py") and not installed(file))

    def _name(self, name: str, value: Any) -> None:
        """Note a name of a tensor, and the keys or fields of the tensors in a dict, a named tuple or a data class."""
        named: Iterable[tuple[Any, Any]] = [(name, value)]
        if isinstance(value, dict):
            named = value.items()
        elif hasattr(value, "_fields") or dataclasses.is_dataclass(value):
            fields = getattr(value, "_fields", None) or [one.name for one in dataclasses.fields(value)]
            named = [(own, getattr(value, own, None)) for own in fields]
        for own, tensor in list(named):
            place = self.of.get(id(tensor)) if isinstance(tensor, torch.Tensor) else None
            if place is not None and isinstance(own, str) and own.removeprefix("self.").isidentifier():
                self.named.setdefault(place, dict.fromkeys([own]))[own] = None

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
            if isinstance(value, torch.Tensor):
                self._name(f"self.{name}", value)
        self.run.named(self.named)


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


def _makes(layer: Any) -> bool:
    """Whether a module has weights of its own and no submodules; a Keras layer holds its weights in a submodule."""
    weights = layer._modules.get("_torch_params")
    return bool(layer._parameters or weights) and set(layer._modules) <= {"_torch_params"}
