"""Which sizes may a source fix? The integers that are written in it, or that it reads."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from typing import Any


def fixed_sizes(source: str) -> Iterator[dict[str, int]]:
    """Sizes that a source may fix, such as 784 in `x.view(-1, 784)`: none, then each integer in it, then products."""
    yield {}
    numbers = sorted(_integers_in(source))
    products = {a * b for a in numbers for b in numbers if a * b <= 20000}
    for number in [*numbers, *sorted(products - set(numbers))]:
        if 4 <= number <= 20000 and not math.isclose(number, 1):
            yield {"D": number}


def _integers_in(source: str) -> set[int]:
    """The integers of two to five digits in a source."""
    return {int(number) for number in re.findall(r"(?<![\w.])(\d{2,5})(?![\w.])", source)}


def integers(function: Callable[..., Any], source: str) -> tuple[int, ...]:
    """The integers in the source of a function, and in the globals that it reads: each may be a size."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    names, space = getattr(getattr(plain, "__code__", None), "co_names", ()), getattr(plain, "__globals__", {})
    read = {space[name] for name in names if type(space.get(name)) is int and space[name] > 1}
    return tuple(sorted(_integers_in(source) | read))
