"""What a false claim is, and how a document gets one."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from claims.longhand import Document

from elbostone.notations.notation import Notation
from elbostone.reference.parsing import CONDITIONS

OTHER_AXIS = {"batch": "latent", "data": "latent", "latent": "batch", "out": "in", "datum": "latent"}


@dataclass(frozen=True)
class Lie:
    """One false claim.

    Attributes:
        table, field: where it is.
        where: how a violation names the entry.
        value: the false value, as a message has it.
        document: the document with it.
    """

    table: str
    field: str
    where: str
    value: str
    document: Document

    @property
    def name(self) -> str:
        return f"{self.where}: {self.field} = {self.value}"


def edited(document: Document, change: Callable[[Document], None]) -> Document:
    """A copy with one change."""
    changed = copy.deepcopy(document)
    change(changed)
    return changed


def setting(document: Document, path: tuple[Any, ...], value: Any) -> Document:
    """A copy in which the entry at a path has a value; None takes it away."""
    changed = copy.deepcopy(document)
    node = changed
    for step in path[:-1]:
        node = node[step] if not isinstance(node, dict) else node.setdefault(step, {})
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return changed


def renamed(document: Document, table: str, key: str, other: str) -> Document:
    """A copy in which the entries of one key stand under another, before those that are there."""

    def rename(changed: Document) -> None:
        entries = changed[table].pop(key)
        changed[table][other] = [*entries, *changed[table].get(other, [])]

    return edited(document, rename)


def false_when(notation: Notation, entry: Document, executed: bool) -> Iterator[tuple[str, Any, str]]:
    if not executed:
        return
    words = entry["when"].split()
    for choices in CONDITIONS.values():
        own = [word for word in words if word in choices]
        others = [word for word in choices if word not in words]
        if own and others:
            yield "when", " ".join([*(word for word in words if word not in own), others[0]]), others[0]
    if not words:
        for choices in notation.supports.words.values():
            if len(choices) > 1:
                yield "when", choices[0], choices[0]
                return
