"""How a notation writes a specification: as it is, or lifted into a more general model that the notation defines."""

from __future__ import annotations

from functools import lru_cache

from ..reference.lifting import Lifted, lifted
from ..reference.spec import Spec
from .notation import Notation


def written_by(notation: Notation, spec: Spec) -> Lifted | None:
    """A specification with the fewest liftings after which a notation defines it; None where there are none."""
    return next((known for known in _liftings(spec) if notation.unsupported(known.target) is None), None)


@lru_cache(maxsize=64)
def _liftings(spec: Spec) -> tuple[Lifted, ...]:
    """A specification after every series of liftings, the shortest first; cached, since every notation uses it."""
    seen = [lifted(spec)]
    for known in seen:  # grows while it is walked: breadth first
        seen += [step for step in known.steps() if all(step.target != other.target for other in seen)]
    return tuple(seen)
