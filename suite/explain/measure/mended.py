"""Which edit of the user's code makes a wrong loss right? Candidates are tried for faults that one edit can mend."""

from __future__ import annotations

import types
from collections.abc import Callable

from ..answer import Answer, Change
from ..experiments.change import changed
from ..experiments.slopes import slopes
from ..expressions import names_in
from ..investigation import Investigation
from ..lab import Lab
from ..models.mending import hopeful
from ..models.posterior import ANOTHER_SCALE
from ..records import Asked

_GRADIENT = "value-without-gradient"
_MENDED = (
    "kl-edited", "recon-edited", "terms-reduced-differently", "schedule-unbounded", "detached",
    ANOTHER_SCALE, "noise-not-normal", "support", _GRADIENT,
)  # fmt: skip
"""Faults that an edit at one place may mend."""


def change_of(
    found: Investigation,
    answer: Answer,
    asked: Asked,
    functions: Callable[[], list[types.FunctionType]],
    bound: Callable[[], Lab],
    explained: Callable[[Lab], Answer],
) -> Change | None:
    """The edit that makes a wrong loss right, or makes a KL weight independent of N, D and J; None if none is found.

    Args:
        found, answer: the results and the answer of the loss as it is.
        asked: the request.
        functions: gives the user's functions that may be edited.
        bound: binds the edited loss.
        explained: explains a bound loss.
    """
    sized = any(one.name == "weight-depends-on-sizes" for one in answer.findings)
    if sized and answer.beta_effective is not None:  # the note already has the argument that gives a weight of 1
        sized = not names_in(answer.beta_effective.expression) & set(answer.parameters)
    if not asked.changed or (answer.bug.name not in _MENDED if answer.bug is not None else not sized):
        return None

    def judged() -> tuple[str, str] | None:
        lab = bound()
        if answer.bug is not None and answer.bug.name == _GRADIENT:
            sloped = slopes(lab, {})
            if sloped is None or sloped.wrong or sloped.failed:
                return None
        elif not hopeful(lab, found, answer.bug.name if answer.bug is not None else None):
            return None
        after = explained(lab)
        beta = after.beta_effective
        if kind and after.scale_kind != kind:
            return None
        right = after.bug is None and after.affine and after.sense == answer.sense and beta is not None
        if not right or beta is None or {"N", "D", "J"} & names_in(beta.expression):
            return None
        return after.sentence, beta.expression

    name_of = found.lab.binding.name_of
    kind = answer.scale_kind if found.kl is not None and found.kl.other is not None else None
    scale = name_of("scale") if kind or (answer.bug is not None and answer.bug.name == ANOTHER_SCALE) else ""
    pairs = [(name_of("recon"), name_of("x")), (name_of("mu"), name_of("scale"))]
    return changed(functions(), found.lab.loss.name, name_of("x"), name_of("mu"), pairs, judged, scale)
