"""Which fault does a loss or a model have? Each fault is shown by an experiment, and has its residual.

A right loss must not be accused: a term that was not identified is `undetermined`, and no fault.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from .answer import Bug
from .dictionary.edits import SAID
from .experiments.element import Match
from .expressions import Monomial, evaluate, names_in, near, total
from .glossary import is_time
from .remarks import KINDS, of_likelihood

if TYPE_CHECKING:
    from .facts import Facts
    from .models.faults import Faults


def bug_of(facts: Facts) -> Bug | None:
    """The first fault of a loss, in the order of this list; None if no experiment showed one."""
    for look in (
        _edited,
        _opposite,
        _reduced_differently,
        _mask_for_maximum,
        _mask_in_denominator,
        _schedule_unbounded,
        without_gradient,
        _constant_off,
    ):
        bug = look(facts)
        if bug is not None:
            return bug
    return None


def of_model(facts: Facts, model: Faults | None) -> Bug | None:
    """The fault of a model, or of its loss.

    Args:
        facts: the measured coefficients of the loss.
        model: the faults that the experiments on the model showed; None for a loss that is no model.

    Returns:
        The model's first fault; its sentence also names the fault of the loss and the model's other faults.
    """
    own = bug_of(facts)
    if model is None:
        return own
    if facts.unknown:
        if own is not None and own.name == "recon-edited" and "z" in facts.found.state.roles:
            return None  # the data term may depend on z beside the decoder's output, which is replaced
        shown = [bug for bug in model.bugs if bug.name == "no-noise"]
    else:
        shown = model.bugs
    if not shown:
        return own
    first, *others = shown
    also = [bug.sentence for bug in (own, *others) if bug is not None]
    return msgspec.structs.replace(first, sentence=" ".join([first.sentence, *also]))


def _edited(facts: Facts) -> Bug | None:
    """A term that is a known formula under one edit."""
    for name, match in (("kl", facts.found.kl), ("recon", facts.found.recon)):
        if match is not None and match.edited is not None:
            return _edit(facts, name, match)
    part = facts.found.apart
    if part is None or part.or_prior:
        return None
    names = {role: facts.lab.binding.name_of(role) for role in ("mu", "scale")}
    text = part.part.format(**names)
    said = f"The term is no multiple of the KL: it divides {text} by {part.by} more than the rest."
    return Bug("kl-edited", said, "reduced-apart", text, None, None)


def _edit(facts: Facts, name: str, match: Match) -> Bug:
    """The fault of an edited formula; the sentence also names the edit in another scale kind, if one fits as well."""
    assert match.edited is not None
    names = {role: facts.lab.binding.name_of(role) for role in match.term.formula.roles}
    where = match.edited.where.format(**names)
    what = {"kl": "the KL", "recon": "the log likelihood"}[name]
    said = f"The term is no multiple of {what}: it {SAID[match.edited.edit].format(where)}."
    other = match.other
    if other is not None and other.edited is not None and other.term.formula.kind in KINDS:
        scale = names.get("scale") if name == "kl" else names.get("recon_scale")
        then = SAID[other.edited.edit].format(other.edited.where.format(**names))
        said += f" If `{scale}` is {KINDS[other.term.formula.kind]}, it {then}."
    return Bug(
        f"{name}-edited",
        said,
        match.edited.edit,
        where,
        match.residual,
        match.without,
    )


def _opposite(facts: Facts) -> Bug | None:
    """Two terms of opposite signs."""
    fitted = facts.found.at_base
    if fitted is None or not fitted.recon or not fitted.kl or fitted.recon * fitted.kl > 0 or not fitted.holds:
        return None
    if facts.kl is None or facts.recon is None or facts.kl.number * facts.recon.number > 0:
        return None  # the sign is that of a weight such as 1 - alpha, which is the user's
    if len(facts.lab.total) > 1:
        return None  # separate terms: how the caller joins them is not known
    return Bug(
        "kl-edited",
        "The KL has the wrong sign: the loss rewards a posterior far from the prior.",
        "sign",
        None,
        fitted.residual,
        None,
    )


def _reduced_differently(facts: Facts) -> Bug | None:
    """A weight of the KL that depends on the batch size N."""
    found, beta, said = facts.found, facts.beta, "the KL's weight is"
    if beta is None and None not in (found.recon, found.kl) and set(facts.powers) == {"recon", "kl"}:
        named = {name for names in found.arguments.undetermined.values() for name in names}
        if not all(map(is_time, named)):  # an argument that is no step counter may be the batch size
            return None
        recon, kl = (Monomial(1.0, facts.powers[name]) for name in ("recon", "kl"))
        beta, said = kl.over(recon), "the KL's weight is proportional to"
    if beta is None or not beta.powers.get("N") or found.at_base is None:
        return None
    if len(facts.lab.total) > 1:
        return None  # separate terms: how the caller joins them is not known
    return Bug(
        "terms-reduced-differently",
        f"The two terms are reduced differently over the batch: {said} {beta}, so that it changes with the batch size.",
        None,
        None,
        found.at_base.residual,
        None,
    )


def _mask_for_maximum(facts: Facts) -> Bug | None:
    """Free bits written as a mask `kl * (kl > λ)`, whose gradient is that of max(kl, λ) and whose value is not."""
    if facts.bend is None or facts.bend.kind != "mask" or facts.found.bent is None:
        return None
    return Bug(
        "mask-for-maximum",
        f"The KL counts as 0 below {facts.threshold or facts.bend.at}; in free bits it counts as the threshold "
        "there, so the value jumps where the gradient is the same.",
        None,
        None,
        facts.found.bent.residual,
        None,
    )


def _mask_in_denominator(facts: Facts) -> Bug | None:
    """A masked mean that divides by the number of all elements."""
    masked, recon = facts.found.masked, facts.recon
    if masked is None or masked.normalised or recon is None:
        return None
    if not any(recon.powers.get(axis) == -1 for axis in ("D", *facts.layout.data)):
        return None
    return Bug(
        "mask-in-denominator",
        "Masked elements still count in the denominator of the data term: the term shrinks with the masked share, "
        "and the KL does not.",
        None,
        facts.lab.binding.name_of("mask"),
        masked.residual,
        None,
    )


def _schedule_unbounded(facts: Facts) -> Bug | None:
    """A weight of the KL that grows without bound in a step counter."""
    kl, arguments = facts.kl, facts.found.arguments
    if kl is None or not kl.number:
        return None
    for name in facts.lab.binding.parameters:
        if not is_time(name) or not any(name == p or name in p for p in arguments.powers.get("kl", {})):
            continue
        others = {**facts.known, **dict.fromkeys(("N", "D", "J", "k", "T"), 2.0)}
        expressions = [p for p in arguments.powers["kl"] if name in p]
        values = [evaluate(expressions[0], {**others, name: step}) for step in (1e6, 1e8, 1e10)]
        if all(v is not None for v in values):
            low, middle, high = (float(v) for v in values if v is not None)
            if high > 1.5 * middle > 2 * low and high > 2:
                return Bug(
                    "schedule-unbounded",
                    f"The KL's weight grows without bound as {name} counts up: {expressions[0]}.",
                    None,
                    name,
                    facts.found.at_base.residual if facts.found.at_base else None,
                    None,
                )
    return None


def without_gradient(facts: Facts) -> Bug | None:
    """A gradient that differs from the slope of the value, of a loss that is identified; or no gradient at all."""
    slopes, lab = facts.found.slopes, facts.lab
    if slopes is None or slopes.balance is not None:
        return None
    wrong, term = dict(slopes.wrong), facts.found.kl_term
    if term is not None and term.formula.name == "sampled":  # log q's score is 0 on average
        wrong = {role: several for role, several in wrong.items() if role not in ("mu", "scale", "log_q")}
    without = [lab.binding.name_of(role) for role, several in wrong.items() if all(one.is_none for one in several)]
    said = []
    if without and not slopes.right and len(without) == len(wrong):
        said = ["The value depends on its arguments, and none of them gets a gradient."]
    elif without:
        names = " and ".join(f"`{name}`" for name in without)
        one = len(without) == 1
        said = [f"{names} count{'s' if one else ''} in the value and {'gets' if one else 'get'} no gradient."]
    weights = [monomial.number if monomial is not None else 0.0 for monomial in (facts.recon, facts.kl)]
    if all(weights) and (facts.affine or facts.bend is not None):  # of an unknown value the gradient may be intended
        said += [_of_another(facts, role) for role in wrong if lab.binding.name_of(role) not in without]
    if not said:
        return None
    return Bug("value-without-gradient", " ".join(said), None, lab.binding.name_of(next(iter(wrong))), None, None)


def _of_another(facts: Facts, role: str) -> str:
    """The sentence for a gradient that exists and differs from the value's slope."""
    slopes, name = facts.found.slopes, facts.lab.binding.name_of(role)
    assert slopes is not None
    one = slopes.wrong[role][0]
    numbers = f"along one direction the value's slope is {one.measured:.3g}, and the gradient {one.differentiated:.3g}"
    if role in slopes.cut:
        return f"`{name}` gets no gradient from {' and '.join(slopes.cut[role])}, which counts in the value: {numbers}."
    return f"The gradient of `{name}` is not the slope of the value: {numbers}."


def _constant_off(facts: Facts) -> Bug | None:
    """A constant that no convention explains: it is not 0, not the J/2 of the KL, and not the likelihood's."""
    kl, fitted = facts.kl, facts.found.at_base
    if facts.constants is None or kl is None or facts.bend is not None or facts.edited or fitted is None:
        return None
    each = kl.times(Monomial(1.0, {"N": Fraction(1)})) if facts.layout.batch else kl
    odd: list[Monomial] = []
    halves: list[Monomial] = []
    alone: list[Monomial] = []
    for part in facts.constants:
        if of_likelihood(facts, part) is not None:
            continue
        own = part.over(each)
        sizes = {name for name in own.powers if name in ("D", "J", "T", "N", "k")}
        if "D" in sizes or any(names_in(name) & set(facts.lab.binding.parameters) for name in own.powers):
            continue  # of an argument: what regularises a learned weight
        if not sizes:
            alone.append(own)
            continue
        whole = own.powers.get("J") == 1 and own.powers.get("T", 1 if facts.layout.listed else 0) == (
            1 if facts.layout.listed else 0
        )
        if whole and near(own.number, 0.5, 1e-8) and _only_sizes(own):
            halves.append(own)
            continue
        odd.append(own)
    due = total([half.times(Monomial(-1.0)) for half in halves])
    sentence = f"A constant of {total(odd)} nats per datum is in the loss, which neither the KL nor the likelihood has."
    if halves and odd:  # `halves` cancels the KL's constant, so `odd` stands in its place
        sentence = f"The KL's constant is {total(odd)} nats per datum, and should be {due}."
    if halves and alone:  # the KL's constant was added once, and not once per latent
        odd = halves + alone
        sentence = f"The KL's constant is {total(alone)} nats per datum, and should be {due}."
    if not odd:
        return None
    return Bug(
        "constant-off",
        sentence,
        None,
        None,
        fitted.residual,
        None,
    )


def _only_sizes(part: Monomial) -> bool:
    return all(name in ("N", "D", "J", "T", "k") for name in part.powers)
