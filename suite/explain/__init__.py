"""What does this loss compute?   the verb `explain`

Experiments take the loss apart in this order: bind, state, dependence, additivity, separability and element,
reductions, thresholds, residual, answer. `experiments/` has a file for each; they work on float64 NumPy values.
`dictionary/` has the known formulas. `measure/` runs in the worker and has an adapter per framework. `models/` runs
whole models.

`elbostone.explain(loss)` calls `notebook.explain`: the package itself is callable.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return import_module(f"{__name__}.notebook").explain(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
