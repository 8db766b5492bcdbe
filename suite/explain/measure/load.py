"""How is the user's file imported, and what does the entry name? The file's folder is the last on sys.path."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...reference.errors import BadInput
from .counted import counted
from .guard import installed
from .spelled import spelled


def imported(target: str) -> dict[str, Any]:
    """The namespace of a file, or of a module by its name.

    Raises:
        Exception: the file may raise anything.
    """
    path = Path(target)
    if path.suffix == ".py" or path.exists():
        sys.path.append(str(path.resolve().parent))
        spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(target)
    return vars(module)


def open_names(name: str, namespace: dict[str, Any]) -> set[str]:
    """The names in an entry that the file does not define, such as the data in `VAE().loss(x)`.

    Raises:
        BadInput: the entry is no expression, or a name that it calls is not in the file.
    """
    try:
        tree = ast.parse(name, mode="eval")
    except SyntaxError as error:
        raise BadInput(f"expected a name or an expression after the colon; {error.msg}") from None
    nodes = list(ast.walk(tree))
    bound = {one.arg for one in nodes if isinstance(one, ast.arg)}
    known = {*namespace, *dir(builtins), *bound}
    unknown = [one for one in nodes if isinstance(one, ast.Name) and one.id not in known]
    outermost: ast.AST = tree.body
    while isinstance(outermost, ast.Call | ast.Attribute):
        outermost = outermost.func if isinstance(outermost, ast.Call) else outermost.value
    called = {id(outermost), *(id(one.func) for one in nodes if isinstance(one, ast.Call))}
    for one in unknown:
        if id(one) in called:
            own = [n for n, v in namespace.items() if callable(v) and v.__module__ == namespace["__name__"]]
            raise BadInput(f"the file has no '{one.id}'; it defines {', '.join(own) or 'nothing that can be called'}")
    return {one.id for one in unknown}


def load(name: str, namespace: dict[str, Any]) -> tuple[Callable[..., Any], str]:
    """The callable that an entry names, and its source text; empty if there is none.

    Args:
        name: a name, or an expression in the namespace.
        namespace: the globals of the user's file.

    Raises:
        BadInput: a name is not in the file.
        TypeError: the entry is no callable.
        Exception: the expression may raise anything.
    """
    for free in sorted(open_names(name, namespace)):
        models = "a model of torch or Keras, or of a function of JAX that takes weights"
        raise BadInput(f"the file has no '{free}'; only the call of {models} may leave the data open")
    found = eval(name, namespace)
    if not callable(found):
        raise TypeError(f"{name} is of type {type(found).__name__}; expected a function or a module that is called")
    return called_of(found)


def written(owner: type, method: str = "") -> str:
    """The entry for the loss of an object of a class, such as `'FILE.py:VAE(latents=…).loss(x)'`."""
    own = {name: value for name, value in vars(owner).items() if inspect.isfunction(value)}
    method = method or next((name for name in own if re.search("loss|elbo|objective", name)), "")
    function = getattr(owner, method or "forward", None) or getattr(owner, "call", None)
    made = _needed(inspect.signature(owner))
    called = _needed(inspect.signature(function))[1:] if function is not None else []
    build = ", ".join(f"{name}=…" for name in made)
    file = next((Path(one.__code__.co_filename).name for one in own.values()), "FILE.py")
    data = f"({called[0]})" if len(called) == 1 else ""
    return f"'{file}:{owner.__name__}({build}){'.' if method else ''}{method}{data}'"


def _needed(signature: inspect.Signature) -> list[str]:
    """The names of arguments without a default."""
    return [p.name for p in signature.parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]


def called_of(found: Any) -> tuple[Callable[..., Any], str]:
    """The function of a function, a method or a module, with named arguments; and its source text, empty for none.

    Raises:
        BadInput: the object is a class, or a method of a class; the message has the entry to write.
    """
    parts = getattr(found, "__qualname__", "").split(".")
    if inspect.isclass(found):
        raise BadInput(f"{parts[-1]} is a class; expected a loss of one of its objects: write {written(found)}")
    if inspect.isfunction(found) and len(parts) > 1 and next(iter(inspect.signature(found).parameters), "") == "self":
        owner = found.__globals__.get(parts[-2])
        form = written(owner, parts[-1]) if inspect.isclass(owner) else f"'FILE.py:{parts[-2]}().{parts[-1]}(x)'"
        raise BadInput(f"{parts[-2]}.{parts[-1]} is a method of no object: write {form}")
    if getattr(getattr(type(found), "forward", None), "__name__", "") == "_forward_unimplemented":
        raise BadInput(f"{type(found).__name__} has no forward: write {written(type(found))}")
    called = found.forward if hasattr(found, "forward") and hasattr(found, "named_parameters") else found
    if hasattr(called, "call") and not inspect.isroutine(called):
        called = called.call
    source = source_of(called)
    return counted(spelled(called, source), called, source), source


def source_of(called: Any) -> str:
    """The source of a function, or of the `__call__` of the user's object; empty if there is none."""
    method: Any = type(called).__call__ if callable(called) else None
    theirs = inspect.isfunction(method) and not installed(method.__code__.co_filename)
    try:
        return inspect.getsource(method if theirs else called)
    except (OSError, TypeError):
        return ""


def ran(call: Callable[[], object], function: object, namespace: Mapping[str, object]) -> list[types.FunctionType]:
    """The user's functions that a call runs.

    Args:
        call: runs the loss.
        function: the loss, which comes first.
        namespace: the other functions, and classes whose methods count too.
    """
    codes: set[types.CodeType] = set()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: codes.add(frame.f_code))
    try:
        call()
    finally:
        sys.setprofile(before)
    several = [function, *namespace.values()]
    several += [own for one in several if inspect.isclass(one) for base in one.__mro__ for own in vars(base).values()]
    routines = (inspect.unwrap(getattr(one, "__func__", one)) for one in several if inspect.isroutine(one))
    plain = dict.fromkeys(getattr(one, "__func__", one) for one in routines)
    return [
        one
        for one in plain
        if inspect.isfunction(one) and one.__code__ in codes and not installed(one.__code__.co_filename)
    ]
