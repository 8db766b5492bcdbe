"""Which edits of a model are worth a whole explanation: those after which z has the scale that its KL reads."""

from __future__ import annotations

from ..dictionary.scale_kinds import VARIANCE
from ..experiments.promising import promising
from ..glossary import stated_kind
from ..investigation import Investigation
from ..lab import Lab
from .cut import CutLoss
from .posterior import ANOTHER_SCALE


def hopeful(lab: Lab, before: Investigation, bug: str | None) -> bool:
    """Whether an edited loss may be right: a quick question, asked first.

    Args:
        lab: the loss by now.
        before: of the loss as it was.
        bug: what was wrong.
    """
    if not isinstance(lab.loss, CutLoss) or bug != ANOTHER_SCALE:
        return promising(lab, before.recon, before.kl)
    drawn, term = lab.loss.flow.drawn, before.kl_term
    assert isinstance(before.lab.loss, CutLoss)
    if before.lab.loss.flow.drawn.factor != 1 and lab.binding.parameters:
        return False  # an attribute's value is what is wrong, and no line
    if drawn.factor != 1 or drawn.kind not in VARIANCE or term is None:
        return False
    if stated_kind(before.lab.binding.name_of("scale")) not in (None, drawn.kind):
        return False  # the name says which of the two is meant
    return promising(lab, before.recon, before.kl, (drawn.kind,))
