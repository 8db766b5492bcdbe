"""How is a JAX function of weights, data and a key run? It is a whole model, whose weights are a tree of arrays."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..glossary import is_key, is_time, role_of
from ..lab import LossFailed
from ..models.run import Run, Setting
from ..records import Asked
from .entry import integers, with_arguments
from .guard import failure, watched
from .jax_programs import JaxPrograms, Traced, traced
from .load import open_names
from .subject import OfSubject, Subject

_WEIGHTS = re.compile(r"(^|_)(params?|parameters|theta|phi|weights|variables|state|model)$")
_INITIALISER = re.compile(r"(^|_)(init|initiali[sz]e|make|create|build)(_|$)")
_SEED = "jax.random.PRNGKey(0)"
_Call = Callable[[Any, dict[str, Any], Mapping[str, Any]], Any]


class JaxFunction(JaxPrograms, OfSubject):
    """Runs a loss of weights and data.

    Args:
        subject: argument → its weights.
        call: x, the weights and the numbers → the returned value.
        numbers: argument that is a number → its value.
        unset: the numbers that the user gave no value.
        namespace: the globals of the user's file, whose functions may be edited.
    """

    def __init__(
        self,
        subject: Subject,
        call: _Call,
        numbers: Mapping[str, float],
        unset: frozenset[str],
        namespace: Mapping[str, Any],
    ):
        super().__init__(subject)
        self._call, self._numbers, self.unset, self._namespace = call, dict(numbers), unset, namespace
        self._traced: dict[object, Traced] = {}

    @property
    def parameters(self) -> dict[str, float]:
        """Argument that is a number → its value."""
        return self._numbers

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of x to try, by the axes of the weights and the integers that they are made with."""
        leaves = [leaf for leaf in jax.tree_util.tree_leaves(self.subject.owner) if np.ndim(leaf) == 2]
        return self.subject.shapes(list(dict.fromkeys(int(leaf.shape[0]) for leaf in leaves)), [1, 3])

    def run(self, x: Array, setting: Setting) -> Run:
        """Run the loss once.

        Raises:
            LossFailed: the loss raised.
        """
        try:
            with watched():
                return self.run_once(x, setting)
        except LossFailed:
            raise
        except Exception as error:
            raise LossFailed(failure(error)) from error

    def _program(self, x: Array, setting: Setting) -> Traced:
        numbers = {**self._numbers, **setting.parameters}
        changes = (setting.rebuilt, numbers, setting.resized)
        codes = tuple(one.__code__ for one in self._namespace.values() if inspect.isfunction(one))
        key = (x.shape, codes, *(tuple(sorted(one.items())) for one in changes))
        if key not in self._traced:
            subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
            paths, tree = jax.tree_util.tree_flatten_with_path(subject.owner)
            held = [leaf for _, leaf in paths]
            arrays = {jax.tree_util.keystr(path): p for p, (path, leaf) in enumerate(paths) if _is_weight(leaf)}
            own = [_resized(held[place], setting.resized) for place in arrays.values()]

            def called(data: Any, values: list[Any]) -> Any:
                leaves = dict(enumerate(held)) | dict(zip(arrays.values(), values, strict=True))
                return self._call(data, jax.tree_util.tree_unflatten(tree, leaves.values()), numbers)

            self._traced[key] = traced(called, x, lambda: own, {name: place for place, name in enumerate(arrays)})
        return self._traced[key]


def _is_weight(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray) and np.ndim(leaf) > 0 and jnp.issubdtype(leaf.dtype, jnp.floating)


def _resized(leaf: Any, sizes: Mapping[int, int]) -> Any:
    """A weight with axes of other sizes."""
    shape = tuple(sizes.get(size, size) for size in np.shape(leaf))
    return leaf if shape == np.shape(leaf) else jnp.asarray(np.resize(np.asarray(leaf), shape))


def function_of(asked: Asked, namespace: dict[str, Any]) -> tuple[JaxFunction, Subject] | None:
    """The loss that an entry names, and its weights; None where it takes none.

    Args:
        asked: the name of a function, with expressions of what its arguments are; or its call, with the data left open.
        namespace: of the user's file.

    Raises:
        BadInput: its weights are not given, or cannot be made, and the file has no initialiser.
    """
    space, free = {"jax": jax, **namespace}, open_names(asked.name, namespace)
    entry = ast.parse(asked.name, mode="eval").body
    called = isinstance(entry, ast.Call) and bool(free)
    if free and not called:
        return None
    function = _evaluated(entry.func if isinstance(entry, ast.Call) and called else entry, space)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    if isinstance(entry, ast.Call) and called:
        parts = _of_call(entry, signature, free, space)
    else:
        parts = None if inspect.isclass(function) else _of_name(signature, asked, namespace)
    if parts is None:
        return None
    data, weights, fixed = parts
    arguments = {n: p.default for n, p in signature.parameters.items() if n not in (data, *weights, *fixed)}
    unset = frozenset(name for name, default in arguments.items() if default is inspect.Parameter.empty)
    numbers = {name: 1.0 if is_time(name) else 0.5 for name in unset}
    numbers |= {name: default for name, default in arguments.items() if type(default) in (int, float)}
    wrap, held = _of_batch(function, data), {name: _evaluated(tree, space) for name, tree in fixed.items()}

    def call(x: Any, owner: dict[str, Any], own: Mapping[str, Any]) -> Any:
        bound = signature.bind(**{data: wrap(x), **owner, **held, **own})
        return function(*bound.args, **bound.kwargs)

    try:
        own = {name: integers(tree, space) for name, tree in weights.items()}
        first = {name: _evaluated(tree, space) for name, tree in weights.items()}
    except Exception as error:
        text = " and ".join(f"{name}={ast.unparse(tree)}" for name, tree in weights.items())
        raise BadInput(f"the weights {text} could not be made: {failure(error)}") from error

    def made(changes: Mapping[str, int]) -> Subject:
        owner = dict(first)
        for name, tree in weights.items() if changes else ():
            changed = with_arguments(tree, {n: v for n, v in changes.items() if n in own[name]})
            owner[name] = _of_shapes(partial(_evaluated, changed, space), first[name])
        found = {name: value for one in own.values() for name, value in one.items()}
        return Subject(owner, lambda x, training: call(x, owner, numbers), made, asked.target, {**found, **changes})

    subject = made({})
    subject.width = int(asked.at["D"]) if "D" in asked.at else None
    return JaxFunction(subject, call, numbers, unset, namespace), subject


def _of_shapes(make: Callable[[], Any], like: Any) -> Any:
    """Weights of other sizes, with the values of those that there are: what an initialiser draws would be compiled."""
    try:
        shapes = jax.eval_shape(make)
        return jax.tree_util.tree_map(lambda s, own: jnp.asarray(np.resize(np.asarray(own), s.shape)), shapes, like)
    except Exception:  # what is not traced may raise anything
        return make()


def _evaluated(tree: ast.expr, space: dict[str, Any]) -> Any:
    return eval(compile(ast.fix_missing_locations(ast.Expression(tree)), "entry", "eval"), space)


_Parts = tuple[str, dict[str, ast.expr], dict[str, ast.expr]]
"""The argument of the data, and what those of the weights and the others are."""


def _of_call(entry: ast.Call, signature: inspect.Signature, free: set[str], space: dict[str, Any]) -> _Parts | None:
    """The parts of a call in which one name is left open."""
    try:
        bound = signature.bind(*entry.args, **{one.arg: one.value for one in entry.keywords if one.arg})
    except TypeError:
        return None
    data = [name for name, tree in bound.arguments.items() if isinstance(tree, ast.Name) and tree.id in free]
    if len(free) != 1 or len(data) != 1:
        return None
    rest = {name: tree for name, tree in bound.arguments.items() if name not in data and isinstance(tree, ast.expr)}
    leaves = {name: jax.tree_util.tree_leaves(_evaluated(tree, space)) for name, tree in rest.items()}
    weights = {name: tree for name, tree in rest.items() if any(map(_is_weight, leaves[name]))}
    return (data[0], weights, {n: t for n, t in rest.items() if n not in weights}) if weights else None


def _of_name(signature: inspect.Signature, asked: Asked, namespace: Mapping[str, Any]) -> _Parts | None:
    """The parts of a function that is named alone, by the names of its arguments."""
    needed = [name for name, p in signature.parameters.items() if p.default is p.empty]
    given = {name: text for name, text in asked.arguments.items() if name in signature.parameters}
    weights = [name for name in needed if _WEIGHTS.search(name)]
    keys = [name for name in needed if is_key(name)]
    roles = {name: role_of(name) for name in needed if name not in (*weights, *keys)}
    data = [name for name in roles if roles[name] == "x"]
    if not weights or len(data) != 1 or set(roles.values()) & {"recon", "mu", "scale", "z", "log_px"}:
        return None
    texts = {name: given.get(name) or _weights(name, namespace) for name in weights}
    texts |= {name: given.get(name, _SEED) for name in keys}
    trees = {}
    for name, text in texts.items():
        try:
            trees[name] = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise BadInput(f"--arguments {name}: expected an expression; {error.msg}") from None
    return data[0], {name: trees[name] for name in weights}, {name: trees[name] for name in keys}


def _weights(name: str, namespace: Mapping[str, Any]) -> str:
    """What an argument's weights are: the file's own of this name, or what its initialiser makes.

    Raises:
        BadInput: it has neither.
    """
    for own in (name, name.removesuffix("s"), f"{name}s"):
        if any(map(_is_weight, jax.tree_util.tree_leaves(namespace.get(own)))):
            return own
    own_functions = {n: v for n, v in namespace.items() if getattr(v, "__module__", "") == namespace["__name__"]}
    makers = [one for one, value in own_functions.items() if _INITIALISER.search(one) and inspect.isroutine(value)]
    for one in makers:
        several = inspect.signature(namespace[one]).parameters.values()
        needed = [p.name for p in several if p.default is p.empty]
        if len(needed) == 1 and is_key(needed[0]):
            return f"{one}({_SEED})"
    maker = f"{makers[0]}({_SEED}, …)" if makers else f"init({_SEED})"
    raise BadInput(
        f"{name}: expected the model's weights; the file has none of this name, and no initialiser that takes a key "
        f"alone: pass --arguments '{name}={maker}', an expression in the names of the file"
    )


def _of_batch(function: Callable[..., Any], data: str) -> Callable[[Any], Any]:
    """A batch as the function takes it: of one key, where it reads no other."""
    try:
        keys = set(re.findall(rf"\b{data}\[['\"](\w+)['\"]\]", inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError):
        keys = set()
    return (lambda x: {next(iter(keys)): x}) if len(keys) == 1 else (lambda x: x)
