"""Changes of a worker's process: what one implementation leaves behind could change the results of the next."""

from __future__ import annotations

import builtins
import math
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from ..backends import Binding

Owner = ModuleType | type
_TINY = 5e-324  # the smallest float; zero where the processor takes such numbers for zero
_SIGNALS = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGFPE, signal.SIGUSR1)


class Room:
    """The state of a worker's process before its first cell.

    Args:
        binding: the binding of the worker's framework.
    """

    def __init__(self, binding: Binding):
        self._binding = binding
        self._keep()

    def _keep(self) -> None:
        self._modules = dict(sys.modules)
        self._threads = set(threading.enumerate())
        self._children = has_children()
        self._owners = [Contents(owner) for owner in owners(self._binding)]
        self._state = self._now()

    def changes(self, *, compiled: bool) -> list[str]:
        """The differences from that state, in words.

        Args:
            compiled: whether a compiler ran. It patches its framework, sets variables and keeps threads and processes:
                the framework's settings alone are compared then, and the rest is taken as it is.
        """
        now = self._binding.state() if compiled else self._now()
        found = [f"{name}{_shown(self._state[name], now[name])}" for name in now if now[name] != self._state[name]]
        if compiled:
            self._keep()
            return found
        for contents in self._owners:
            if not contents.same():
                found += contents.replaced()
        found += self._modules_replaced()
        found += [f"thread {thread.name!r} goes on" for thread in set(threading.enumerate()) - self._threads]
        found += ["a child process goes on"] * (has_children() and not self._children)
        return found

    def _now(self) -> dict[str, Any]:
        return process_state() | self._binding.state()

    def _modules_replaced(self) -> list[str]:
        """The entries of sys.modules that hold something else, and new ones of what was there that no import made."""
        if sys.modules == self._modules:
            return []
        now = dict(sys.modules)
        names = [name for name, module in self._modules.items() if now.get(name) is not module]
        for name in now.keys() - self._modules.keys():
            known = name.partition(".")[0] in self._modules or name in sys.stdlib_module_names
            if known and getattr(now[name], "__spec__", None) is None:
                names.append(name)
        self._modules = now
        return [f"sys.modules[{name!r}] was replaced" for name in sorted(names)]


def _shown(before: Any, now: Any) -> str:
    """Both values of a setting, where they are informative."""
    plain = isinstance(before, bool | float | str) or type(before).__module__ == "torch"
    return f": {before} became {now}" if plain or isinstance(before, int) else " changed"


class Contents:
    """The functions and classes of a module, or the attributes of a class; `now` is a view of them."""

    def __init__(self, owner: Owner):
        self.owner, self.now = owner, vars(owner)
        self.held = dict(self.now)

    def same(self) -> bool:
        """Whether they are equal: comparisons of pointers, where nothing has changed."""
        try:
            return bool(self.now == self.held)
        except Exception:  # an array has no single truth value
            return False

    def replaced(self) -> list[str]:
        """The names of functions and classes that hold something else, and those that a class has got since then."""
        names = [name for name, value in self.held.items() if callable(value) and self.now.get(name) is not value]
        where = self.owner.__name__
        if isinstance(self.owner, type):
            names += [name for name, value in self.now.items() if name not in self.held and callable(value)]
            where = f"{self.owner.__module__}.{self.owner.__qualname__}"
        names = [name for name in names if name not in _CACHED]
        if not names:
            self.held = dict(self.now)  # a variable of the framework's own
        return [f"{where}.{name} was replaced" for name in names]


#: What Python, or abc, writes into a class by itself.
_CACHED = ("__abstractmethods__", "__annotations__", "__annotate__", "_abc_impl", "__doc__", "__match_args__")


def owners(binding: Binding) -> Iterator[Owner]:
    """The modules and classes whose functions implementations call: the framework's, NumPy's, Python's, our own."""
    modules = [builtins, math, random, os, np, np.linalg, np.random]
    modules += [module for name, module in sys.modules.items() if name.startswith(f"{__name__.partition('.')[0]}.")]
    seen: set[int] = set()
    for module in [*modules, *binding.public_modules()]:
        if id(module) not in seen and isinstance(module, ModuleType):
            seen.add(id(module))
            yield module
    for owner in [*binding.public_classes()]:
        if id(owner) not in seen:
            seen.add(id(owner))
            yield owner


def process_state() -> dict[str, Any]:
    """The state of a process that an implementation can change, and that the next one would find."""
    tiny = np.float64(_TINY)
    return {
        "current folder": _folder(),
        "environment": frozenset(os.environ.items()),
        "sys.path": tuple(sys.path),
        "CPUs": len(os.sched_getaffinity(0)),
        "alarm": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "handlers of signals": tuple(map(signal.getsignal, _SIGNALS)),
        "numbers below the normal ones": bool(tiny * np.float64(1.0) > 0),
        "NumPy's errors": tuple(np.geterr().items()),
        "recursion limit": sys.getrecursionlimit(),
        "trace": (sys.gettrace(), sys.getprofile()),
        "importers": (*sys.meta_path, *sys.path_hooks),
        "standard output": (sys.stdout, sys.stderr),
        "exception hook": (sys.excepthook,),
    }


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  # a text is what is compared
    except FileNotFoundError:
        return "removed"


def has_children() -> bool:
    """Whether a process that this one started is there, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
