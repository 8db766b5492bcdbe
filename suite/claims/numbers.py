"""The values of plain numbers in a model's code while it runs, by their names: J, D, M, L and others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any


@contextmanager
def numbers_seen(module: ModuleType, model_class: str) -> Iterator[dict[str, set[float]]]:
    """Watch the functions of a module return: name → the numbers that it was, filled while the block runs.

    Methods of other classes than the model's are left out: a net inside may use a letter for its own input, as the
    paper's appendix does when it swaps x and z.
    """
    file, owner = module.__file__, getattr(module, model_class, None)
    seen: dict[str, set[float]] = {}

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event != "return" or frame.f_code.co_filename != file:
            return
        values = frame.f_locals
        if "self" in values and not (owner is not None and isinstance(values["self"], owner)):
            return
        for name, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                seen.setdefault(name, set()).add(value)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield seen
    finally:
        sys.setprofile(before)
