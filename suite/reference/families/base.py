"""What a family of models is: one word of a condition, with all that the word means.

A condition is a question about a specification (`prior`: standard, learned or vamp?); each answer is a family. The
class of a question (`Prior`) has what each of its families must say, and is itself the plain answer where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..spec import Spec


@dataclass(frozen=True)
class Lifting:
    """One way to write a special case as a more general model.

    Attributes:
        name: in words, special case first.
        target: the general specification of a special one; None where the special case does not hold.
        fill: (special specification, canonical weight that only the general one has) → its constant value.
    """

    name: str
    target: Callable[[Spec], Spec | None]
    fill: Callable[[Spec, str], float | NDArray[np.float64]] = lambda spec, name: 0.0


class Family:
    """One word of a condition.

    Attributes:
        condition: whose word it is.
        word: as a specification and notation.toml have it.
        fields: of a specification, which it needs; where no family in force names a field, it is refused.
        combines: (condition, the words of it that the family goes with); with every word of a condition not named.
        liftings: how special cases are written as this family, or it is written as its condition's plain one.
    """

    condition: ClassVar[str]
    word: str
    fields: tuple[str, ...] = ()
    combines: tuple[tuple[str, tuple[str, ...]], ...] = ()
    liftings: tuple[Lifting, ...] = ()

    def contradictions(self, spec: Spec) -> Iterator[tuple[str, str]]:
        """Each field that contradicts another, and what was expected and found of it."""
        return iter(())

    def widest(self, spec: Spec) -> int:
        """Numbers per example and sample in its largest tensor."""
        return spec.latent_dim
