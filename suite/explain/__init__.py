"""What does this loss compute?   the verb `explain`

The loss is taken apart by experiments, in this order: bind, state, dependence, additivity, separability and element,
reductions, thresholds, residual, answer. `experiments/` has a file for each, on float64 NumPy values; `dictionary/`
the formulas that they are held against; `measure/` what runs in the worker, with one adapter per framework.

`elbostone.explain(loss)` is `notebook.explain`: the room itself is what is called.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return import_module(f"{__name__}.notebook").explain(*args, **options)


sys.modules[__name__].__class__ = _Room
