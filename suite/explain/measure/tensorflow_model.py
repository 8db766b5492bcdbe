"""How is a Keras model on TensorFlow run? Its loss is traced to a graph, whose tensors can be fed and fetched."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from ..dictionary.formula import Array
from ..lab import LossFailed
from ..models.run import INPUT, Operation, Place, Run, Setting
from .keras_built import OfKeras, resized
from .keras_names import Names
from .subject import Subject

_NORMAL = ("RandomStandardNormal", "StatelessRandomNormal", "StatelessRandomNormalV2")
_OTHER = ("RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2", "Multinomial")
_SKIPPED = (tf.resource, tf.variant, tf.string)


def named_tensors(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The floating-point tensors in a returned value, named by key or index."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from named_tensors(f"{name}.{key}" if name else str(key), entry)
    elif isinstance(value, tuple | list):
        for place, entry in enumerate(value):
            yield from named_tensors(f"{name}.{place}" if name else str(place), entry)
    elif tf.is_tensor(value) and value.dtype.is_floating:
        yield name or "return value", value


def use_float64() -> None:
    """Make float64 the default dtype of TensorFlow's constants and draws, where it is float32."""

    def widened(function: Callable[..., Any], place: int) -> Callable[..., Any]:
        @functools.wraps(function)
        def made(*arguments: Any, **named: Any) -> Any:
            plain = len(arguments) <= place and named.get("dtype") is None
            if plain and (function is not constant or np.asarray(arguments[0]).dtype == np.float64):
                named["dtype"] = tf.float64
            return function(*arguments, **named)

        return made

    def of_number(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def made(x: Any, *arguments: Any, **named: Any) -> Any:
            return function(np.float64(x) if isinstance(x, float) else x, *arguments, **named)

        return made

    tf.math.log = of_number(tf.math.log)
    for name in ("exp", "sqrt"):
        setattr(tf, name, of_number(getattr(tf, name)))
        setattr(tf.math, name, getattr(tf, name))
    constant = tf.constant
    tf.random.normal, tf.random.uniform = widened(tf.random.normal, 3), widened(tf.random.uniform, 3)
    tf.zeros, tf.ones, tf.constant = widened(tf.zeros, 1), widened(tf.ones, 1), widened(tf.constant, 1)


@dataclass
class _Traced:
    """A traced loss.

    Attributes:
        function: the wrapped function with its graph.
        x: the graph's input.
        tensors: place → output of an operation.
        operations: the operations, in order.
        terms: name → returned number.
        weights: values of resized weights, which must stay alive with the graph.
        pruned: fed and fetched tensors → the pruned function.
    """

    function: Any
    x: Any
    tensors: dict[Place, Any]
    operations: list[Any]
    terms: dict[str, Any]
    weights: list[Any]
    names: Names
    pruned: dict[object, Any] = field(default_factory=dict)


class TensorflowRunner(OfKeras):
    """Runs a Keras model on TensorFlow; `subject` is the user's model and the call of its loss."""

    name = "tensorflow"
    leaves_out = False
    resizes = True

    def __init__(self, subject: Subject):
        super().__init__(subject)
        self._traced: dict[object, _Traced] = {}

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the graph with replaced outputs and given draws, which are fed."""
        traced = self._graph(x, setting)
        fed = self._fed(traced, x, setting)
        places = list(traced.tensors)
        wanted: dict[Any, Any] = {("term", name): t for name, t in traced.terms.items()}
        if not setting.terms_only:
            wanted |= {place: traced.tensors[place] for place in places}
        values = self._evaluated(traced, fed, wanted)
        run = Run(x, terms={name: values["term", name] for name in traced.terms})
        if setting.terms_only:
            return run
        by_tensor = {traced.x.ref(): INPUT} | {t.ref(): place for place, t in traced.tensors.items()}
        for place, operation in enumerate(traced.operations):
            draws = "normal" if operation.type in _NORMAL else "other" if operation.type in _OTHER else ""
            inputs = tuple(by_tensor[t.ref()] for t in operation.inputs if t.ref() in by_tensor)
            outputs = [values[Place(place, o)] for o in range(len(operation.outputs)) if Place(place, o) in values]
            run.operations.append(Operation(operation.type, inputs, outputs, draws))
        traced.names.into(
            run, lambda v: by_tensor.get(v.ref()) if isinstance(v, tf.Tensor) else None, self.subject.owner
        )
        return run

    def gradients(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients by each replaced output and each weight."""
        traced = self._graph(x, setting)
        fed = self._fed(traced, x, setting)
        wanted = {"of": traced.tensors[of]} if isinstance(of, Place) else {n: traced.terms[n] for n in of}
        sources = {place: traced.tensors[place] for place in setting.replaced} | self._weights(traced)
        with traced.function.graph.as_default():
            slopes = tf.gradients(list(wanted.values()), list(sources.values()), stop_gradients=list(sources.values()))
        found = {name: slope for name, slope in zip(sources, slopes, strict=True) if slope is not None}
        values = self._evaluated(traced, fed, found) if found else {}
        return {name: values.get(name) for name in sources}

    def _weights(self, traced: _Traced) -> dict[object, Any]:
        """Path of a weight → the tensor by which the graph reads it; weights that it does not read are left out."""
        graph = traced.function.graph
        captured = {id(internal): external for external, internal in graph.captures}
        read = {
            id(captured[id(one.inputs[0])]): one.outputs[0]
            for one in graph.get_operations()
            if one.type == "ReadVariableOp" and id(one.inputs[0]) in captured
        }
        weights = {
            weight.path: weight.value.handle for weight in getattr(self.subject.owner, "trainable_variables", ())
        }
        return {name: read[id(handle)] for name, handle in weights.items() if id(handle) in read}

    def _graph(self, x: Array, setting: Setting) -> _Traced:
        """The graph at these sizes, mode and attributes; it is traced once and kept.

        Raises:
            LossFailed: the call returns no number.
        """
        key = (
            x.shape, setting.training, tuple(sorted(setting.rebuilt.items())),
            tuple(sorted((n, str(v)) for n, v in setting.parameters.items())), tuple(setting.resized.items()),
        )  # fmt: skip
        if key not in self._traced:
            subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
            with subject.at(setting.parameters, setting.training):
                self.build(subject, tf.convert_to_tensor(x), setting.training)
                terms: dict[str, Any] = {}
                names = Names(subject.file)

                def traced(data: Any) -> list[Any]:
                    returned = subject.call(data, setting.training)
                    terms.update(named_tensors("", returned))
                    return list(terms.values())

                own: AbstractContextManager[list[Any]] = nullcontext([])
                with resized(subject.owner, setting.resized) if setting.resized else own as weights, names.noted():
                    function = tf.compat.v1.wrap_function(traced, [tf.TensorSpec(x.shape, tf.float64)])
            operations = [
                one
                for one in function.graph.get_operations()
                if one.outputs and one.type not in ("Placeholder", "Const") and one.outputs[0].dtype not in _SKIPPED
            ]
            tensors = {Place(p, o): t for p, one in enumerate(operations) for o, t in enumerate(one.outputs)}
            if not terms:
                raise LossFailed("it returned no number")
            self._traced[key] = _Traced(function, function.inputs[0], tensors, operations, terms, weights, names)
        return self._traced[key]

    def _fed(self, traced: _Traced, x: Array, setting: Setting) -> dict[Place, Array]:
        """Place → value, of x, replaced outputs, and all normal draws.

        Raises:
            LossFailed: a replaced output does not exist.
        """
        fed: dict[Place, Array] = {INPUT: x}
        for place, operation in enumerate(traced.operations):
            if operation.type in _NORMAL:
                shape = tuple(operation.outputs[0].shape)
                if None in shape:
                    shape = tuple(next(iter(setting.noise.values())).shape) if setting.noise else x.shape
                noise = setting.noise.get(place)
                fed[Place(place)] = (
                    np.random.default_rng(1000 + place).normal(size=shape)
                    if noise is None
                    else np.reshape(noise, shape)
                )
        if not set(setting.replaced) <= set(traced.tensors):
            raise LossFailed("the model runs other operations at these sizes")
        fed |= setting.replaced
        return fed | self._siblings(traced, fed)

    def _siblings(self, traced: _Traced, fed: Mapping[Place, Array]) -> dict[Place, Array]:
        """The other outputs of operations with a fed output: TensorFlow must be fed all outputs of an operation."""
        parted = {p.operation for p in fed if p != INPUT and len(traced.operations[p.operation].outputs) > 1}
        others = {p: t for p, t in traced.tensors.items() if p.operation in parted and p not in fed}
        if not others:
            return {}
        return self._evaluated(traced, {p: v for p, v in fed.items() if p.operation not in parted}, others)

    def _tensor(self, traced: _Traced, place: Place) -> Any:
        return traced.x if place == INPUT else traced.tensors[place]

    def _evaluated(self, traced: _Traced, fed: Mapping[Place, Array], wanted: Mapping[Any, Any]) -> dict[Any, Array]:
        """Name → value of tensors; a fed tensor has the fed value."""
        given = {self._tensor(traced, place).ref(): value for place, value in fed.items()}
        fetched = {name: tensor for name, tensor in wanted.items() if tensor.ref() not in given}
        feeds = [self._tensor(traced, place) for place in fed]
        key = (tuple(fed), tuple(fetched))
        if key not in traced.pruned:
            traced.pruned[key] = traced.function.prune(feeds, list(fetched.values()))
        pruned = traced.pruned[key]
        values = pruned(*(tf.convert_to_tensor(v, t.dtype) for v, t in zip(fed.values(), feeds, strict=True)))
        found = {name: np.asarray(v) for name, v in zip(fetched, tf.nest.flatten(values), strict=True)}
        return found | {name: np.asarray(given[t.ref()]) for name, t in wanted.items() if t.ref() in given}
