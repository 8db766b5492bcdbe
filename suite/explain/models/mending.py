"""Which edited losses are worth explaining? A quick test; in a model, z must also have the scale that the KL reads."""

from __future__ import annotations

from ..dictionary.scale_kinds import VARIANCE
from ..experiments.promising import promising
from ..glossary import stated_kind
from ..investigation import Investigation
from ..lab import Lab
from .cut import CutLoss
from .posterior import ANOTHER_SCALE


def hopeful(lab: Lab, before: Investigation, bug: str | None) -> bool:
    """Whether an edited loss may be right, by a quick test before it is explained.

    Args:
        lab: the edited loss.
        before: the results of the experiments on the loss without the edit.
        bug: the name of its fault; None for none.
    """
    if not isinstance(lab.loss, CutLoss) or bug != ANOTHER_SCALE:
        return promising(lab, before.recon, before.kl)
    drawn, term = lab.loss.flow.drawn, before.kl_term
    assert isinstance(before.lab.loss, CutLoss)
    if before.lab.loss.flow.drawn.factor != 1 and lab.binding.parameters:
        return False  # the value of an attribute is wrong, and no line of the source
    if drawn.factor != 1 or drawn.kind not in VARIANCE or term is None:
        return False
    if stated_kind(before.lab.binding.name_of("scale")) not in (None, drawn.kind):
        return False  # the scale's name states another kind
    return promising(lab, before.recon, before.kl, (drawn.kind,))
