"""A family of models: one word of a condition, with the model parts that the word determines.

A condition is a question about a specification (`prior`: standard, learned or vamp?); each answer is a family. The
class of a question (`Prior`) has what each of its families must say, and is itself the plain answer where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..arithmetic import Array
from ..spec import Spec


@dataclass(frozen=True)
class Lifting:
    """One way to write a special case as a more general model.

    Attributes:
        name: in words, special case first.
        special: the condition and the word of it that make the special case.
        general: the special specification → the general one, which may be one that families do not combine to.
        fill: (special specification, canonical weight that only the general one has) → its constant value.
    """

    name: str
    special: tuple[str, str]
    general: Callable[[Spec], Spec]
    fill: Callable[[Spec, str], float | Array] = lambda spec, name: 0.0

    def target(self, spec: Spec) -> Spec | None:
        """The general specification of a special one; None of any other."""
        condition, word = self.special
        if spec.word(condition) != word:
            return None
        general = self.general(spec)
        return None if any(general.not_combined()) else general


class Family:
    """One word of a condition.

    Attributes:
        condition: the condition to which the word belongs.
        word: the word in a specification and in notation.toml.
        fields: the fields of a specification that it needs; a field that no family in force needs is refused.
        combines: (condition, the words of it that the family goes with); with every word of a condition not named.
        lifting: how a special case is written as this family, or it is written as its condition's plain one.
    """

    condition: ClassVar[str]
    word: str
    fields: tuple[str, ...] = ()
    combines: tuple[tuple[str, tuple[str, ...]], ...] = ()
    lifting: Lifting | None = None

    def contradictions(self, spec: Spec) -> Iterator[tuple[str, str]]:
        """Each field that contradicts another, and what was expected and found of it."""
        return iter(())

    def widest(self, spec: Spec) -> int:
        """Numbers per example and sample in its largest tensor."""
        return spec.latent_dim
