"""The user's file: imported once, from where it lies; its folder is the last on the path, never the first."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load(target: str, name: str) -> tuple[Callable[..., Any], str]:
    """The callable, and its source text where there is one.

    Args:
        target: a path, or a module's name.
        name: a name, or an expression in the file's namespace.

    Raises:
        Exception: whatever the file or the expression raises.
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
    found = eval(name, vars(module))
    if not callable(found):
        raise TypeError(f"{name} is of type {type(found).__name__}; expected a function or a module that is called")
    called = found.forward if hasattr(found, "forward") and hasattr(found, "named_parameters") else found
    if hasattr(called, "call") and not inspect.isroutine(called):
        called = called.call
    try:
        source = inspect.getsource(called)
    except (OSError, TypeError):
        source = ""
    return called, source
