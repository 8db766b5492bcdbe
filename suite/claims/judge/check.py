"""All claims of a notation against the facts of one backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...notations.schema import Notation
from ...reference.errors import BadInput
from ..facts import Facts
from .dependencies import check_claims, check_sets
from .evidence import AGREES, Evidence, Violation
from .methods import check_methods
from .names import check_names
from .objective import check_objective
from .printed import check_distributions, check_tex
from .structure import check_constants, check_failures, check_model, check_supports
from .symbols import check_inputs, check_symbols
from .weights import check_weights, explain

#: What needs no run, what needs one, in the order in which a false claim is best named.
STATIC = (check_distributions, check_tex, check_names)
EXECUTED = (
    check_supports,
    check_model,
    check_weights,
    check_inputs,
    check_symbols,
    check_methods,
    check_objective,
    check_constants,
    check_claims,
    check_sets,
)


def violations(notation: Notation, facts: Facts, sources: Mapping[str, str]) -> Iterator[Violation]:
    """Every claim of the notation that does not hold, each check when it is asked for.

    Args:
        notation: what its file says.
        facts: what its code did on one backend.
        sources: framework → the text of the file that is written in it.
    """
    evidence = Evidence(notation, facts, sources)
    yield from check_failures(evidence)
    for check in STATIC:
        yield from check(evidence)
    try:
        _ = evidence.probes
    except BadInput:
        yield from check_supports(evidence)
        return
    if next((probe.field for probe in evidence.ran()), "") != "supports":
        return  # not even the first probe ran, and what stopped it is named: the rest would follow from that
    unexplained = False
    for executed in EXECUTED:
        for violation in executed(evidence):
            unexplained = unexplained or (executed is check_symbols and AGREES not in violation.found)
            yield violation
    if unexplained:
        yield from explain(evidence)
