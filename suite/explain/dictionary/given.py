"""Which terms has a loss of log densities? log p(x|z) or log p(x, z), log p(z) and log q(z|x), given by the caller."""

from __future__ import annotations

from collections.abc import Iterator

from .edits import Edited, edits
from .formula import Atom, Formula

GIVEN = "as given"
"""The end of the `detail` of such a formula."""
_NAMED = ("sign", "dropped-term")
"""Edits that are tried; a factor is no edit, since it may be a weight that the user means."""


def _atom(role: str) -> Atom:
    return Atom(f"{{{role}}}", lambda values: values[role], {})


def given_likelihoods(*roles: str) -> tuple[Formula, ...]:
    """−log p(x|z), or −log p(x, z), which includes the prior."""
    named = {"log_px": "log p(x|z)", "log_joint": "log p(x, z)"}
    return tuple(
        Formula("other", (role,), ((-1.0, _atom(role)),), detail=f"{name} {GIVEN}", text=f"-sum({{{role}}})")
        for role, name in named.items()
        if role in roles
    )


def given_divergences(*roles: str) -> tuple[Formula, ...]:
    """log q(z|x) − log p(z), or log q(z|x) alone beside log p(x, z)."""
    entropy = Formula("sampled", ("log_q",), ((1.0, _atom("log_q")),), detail=GIVEN, text="sum({log_q})")
    ratio = Formula(
        "sampled",
        ("log_pz", "log_q"),
        ((1.0, _atom("log_q")), (-1.0, _atom("log_pz"))),
        detail=GIVEN,
        text="sum({log_q} - {log_pz})",
    )
    if "log_joint" in roles:
        return (entropy,) if "log_pz" not in roles else ()
    return (ratio,) if "log_q" in roles and "log_pz" in roles else ()


def edits_of_given(formula: Formula) -> Iterator[Edited]:
    """The edits of a given term: one density with the wrong sign, or missing."""
    return (one for one in edits(formula) if one.edit in _NAMED)
