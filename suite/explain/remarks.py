"""What does an answer say beside a fault? The likelihood's name, notes, and what was not determined."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from .answer import Finding, Limit
from .binding import DENSITIES
from .expressions import Monomial, names_in, near
from .glossary import stated_kind
from .weights import solved

if TYPE_CHECKING:
    from .facts import Facts
    from .terms import Bend

KINDS = {
    "log_var": "a log variance",
    "log_sd": "the logarithm of a standard deviation",
    "var": "a variance",
    "sd": "a standard deviation",
}
"""Scale kind that a name may state → the kind in words."""
_UNREACHED = 1e-12
"""Clamps nearer to 0 than this are beyond the inputs of a training run."""

_WEIGHT = re.compile(r"beta|weight|lambd|coef")
"""Names of arguments that should weight a term."""

WHICH = "which of"
"""The first words of the remark that a symmetric term hides which argument is the data; this is no failure."""
AVERAGE = "what it is on average"
"""The first words of the remark that the loss draws random values."""

_OF_NO_SCALE = ("bernoulli-probabilities", "bernoulli-logits", "continuous-bernoulli", "poisson", "gaussian")
"""Likelihoods whose KL weight is not the variance of the decoder."""


def of_likelihood(facts: Facts, part: Monomial) -> float | None:
    """A constant per observed value, over the data term's weight; None if the constant is not proportional to N·D."""
    if facts.recon is None:
        return None
    own = part.over(facts.recon.times(Monomial(1.0, {"N": Fraction(1)})) if facts.layout.batch else facts.recon)
    return own.number if own.powers == {"D": Fraction(1)} else None


def likelihood_of(facts: Facts) -> tuple[str | None, str | None]:
    """The contract's word of the likelihood, and its details; a squared error with its normaliser is a Gaussian."""
    match = facts.found.recon
    if match is None:
        if facts.found.outer is not None:
            return facts.found.outer.likelihood, facts.found.outer.name
        if facts.found.separable:
            return "other", "of no known formula"
        trained = {"recon", "log_px", "log_joint"} & set(facts.found.state.roles)
        return (None, None) if trained else ("absent", None)
    formula = match.term.formula
    if facts.normaliser is not None and formula.name == "squared-error":
        constants = "log(2*pi) left out" if facts.normaliser.dropped else "constants kept"
        return "gaussian", f"variance {facts.normaliser.spread}, {constants}"
    if facts.normaliser is not None:
        return formula.name, f"scale {facts.normaliser.spread}, constants kept"
    return formula.name, formula.detail


def dropped(facts: Facts, likelihood: str | None) -> list[str]:
    """The parts of a normalised density that the loss leaves out, in nats per datum."""
    match = facts.found.recon
    if facts.normaliser is not None:
        return [*facts.normaliser.dropped]
    if match is None or match.term.formula.dropped is None or likelihood == "gaussian":
        return []
    if likelihood == "laplace" and facts.constants:
        return []
    return [match.term.formula.dropped]


def below(facts: Facts, bend: Bend) -> str:
    """A threshold of the KL in words: its unit, and its effect below."""
    at = str(facts.threshold or f"{bend.at:.6g}")
    unit = {
        "element": "the KL of each latent of each example",
        "example": "the KL of each example",
        "latent": "the KL of each latent, averaged over the batch,",
        "batch": "the KL, averaged over the batch,",
    }[bend.per]
    low = {
        "floor": f"counts as {at} and has no gradient (free bits)",
        "mask": "counts as 0",
        "hinge": "counts as 0; above, the excess counts",
        "capacity": "is pushed up to it: the distance from it counts",
        "ceiling": f"counts as {at} and has no gradient",
    }[bend.kind]
    return f"{'Above' if bend.kind == 'ceiling' else 'Below'} {at} nats {unit} {low}"


def findings(facts: Facts, fault: str) -> list[Finding]:
    """The notes of an answer; a note that repeats the fault of this name is left out."""
    found: list[Finding] = []
    beta, bend = facts.beta, facts.bend
    sizes = facts.sizes_in_weight
    if sizes and beta is not None and fault != "terms-reduced-differently":
        found.append(
            Finding(
                "weight-depends-on-sizes",
                f"The KL's weight in effect is {beta}: it changes with {' and '.join(sizes)}{_for_one(facts, beta)}.",
            )
        )
    if (
        beta is not None
        and str(beta) == "2"
        and (facts.normaliser is not None or likelihood_of(facts)[0] in _OF_NO_SCALE)
    ):
        said = "The KL's weight is 2: a KL that lacks its 1/2 has that weight too."
        found.append(Finding("weight-of-two", said))
    if beta is not None and str(beta) in ("log(2)", "1/log(2)"):
        bits, nats = ("data term", "KL") if str(beta) == "log(2)" else ("KL", "data term")
        said = f"The KL's weight is {beta}, as of a {bits} in bits beside a {nats} in nats."
        found.append(Finding("weight-of-log-2", said))
    if bend is not None:
        found.append(Finding("threshold", f"{below(facts, bend)}."))
    outer = facts.found.outer
    bent = bend is not None and bend.per in ("latent", "batch")
    if bent or facts.found.examples_tied or (outer is not None and outer.of_batch):
        found.append(Finding("ties-examples", "The value of one example depends on the others of its batch."))
    if facts.lab.fixed_roles:
        data = ", ".join(facts.lab.binding.name_of(role) for role in sorted(facts.lab.fixed_roles))
        said = f"A function of {data} alone is in the loss: it trains nothing, and the value is no ELBO."
        found.append(Finding("not-a-density", said))
    found += _of_another_variance(facts)
    name = facts.lab.binding.name_of("recon")
    early = [limit for limit in facts.found.limits if limit.dtype == "float32" and limit.argument == name]
    if early and facts.found.recon is not None and facts.found.recon.term.formula.name == "bernoulli-logits":
        stable = "the framework's own cross entropy on logits has no such limit"
        found.append(Finding("overflow", f"In float32 the value is {limits_of(early)}; {stable}."))
    found += [*_misnamed(facts), *_idle(facts), *_clamped(facts)]
    slopes = facts.found.slopes
    if slopes is not None and slopes.balance is not None:
        shares = "{:.3g} of it goes to the posterior, and {:.3g} to the prior".format(*slopes.balance)
        found.append(Finding("gradient-is-balanced", f"The KL's gradient is shared out: {shares}."))
    elif slopes is not None and slopes.wrong and fault != "value-without-gradient":
        names = ", ".join(facts.lab.binding.name_of(role) for role in slopes.wrong)
        found.append(Finding("gradient-is-not-the-slope", f"The gradient of {names} is not the slope of the value."))
    return found


def _of_another_variance(facts: Facts) -> list[Finding]:
    """A note if the normaliser belongs to a Gaussian of variance 1, and the squared error to another variance."""
    beta, kl, match = facts.beta, facts.kl, facts.found.recon
    if beta is None or kl is None or match is None or facts.normaliser is not None or facts.bend is not None:
        return []
    if match.term.formula.name != "squared-error" or str(beta) == "1":
        return []
    each = kl.times(Monomial(1.0, {"N": Fraction(1)})) if facts.layout.batch else kl
    for part in facts.constants or []:
        own = part.over(each)
        if own.powers == {"D": Fraction(1)} and near(own.number, 0.5 * math.log(2 * math.pi), 1e-5):
            said = f"The constant D/2*log(2*pi) is of a variance of 1, and the squared error of one of {beta}"
            return [Finding("not-a-density", f"{said}: beside a KL of weight 1 they are no density.")]
    return []


def _misnamed(facts: Facts) -> list[Finding]:
    """A note if the scale's name states another kind than the KL reads."""
    term, slots = facts.found.kl_term, facts.lab.binding.slots
    name = next((slot.name for slot in slots if slot.role == "scale" and slot.tied is None), "")
    stated, read = stated_kind(name), None if term is None or facts.edited else term.formula.kind
    if stated is None or read not in KINDS or stated == read:
        return []
    said = f"`{name}` is named as {KINDS[stated]}, and the KL reads {KINDS[read]}"
    return [Finding("name-misleads", f"{said}: pass {KINDS[read]}, or change the KL.")]


def _clamped(facts: Facts) -> list[Finding]:
    """Notes on the clamps that inputs may reach, unlike the clamp of torch's cross entropy at 1e-44."""
    places: dict[str, list[str]] = {}
    for one in facts.found.clamps:
        if not 0 < abs(float(one.at)) < _UNREACHED:
            places.setdefault(one.argument, []).append(one.at)
    said = "`{}` is clamped at {}: an input beyond it changes nothing."
    return [Finding("threshold", said.format(name, " and ".join(at))) for name, at in places.items()]


def _idle(facts: Facts) -> list[Finding]:
    """Notes on arguments that are named as weights, and change no coefficient.

    A weight of a term without a known formula is in no coefficient.
    """
    match, binding = facts.found.kl, facts.lab.binding
    if facts.unknown or (match is not None and match.edited is not None):
        return []
    unused = [s.name for s in binding.slots if s.role in DENSITIES and s.role not in facts.found.state.roles]
    arguments, rest = facts.found.arguments, facts.found.arguments.undetermined.values()
    used = {name for powers in arguments.powers.values() for text in powers for name in (text, *names_in(text))}
    used |= {name for names in rest for name in names} | set(arguments.flags)
    idle = [name for name in arguments.swept if name not in used and _WEIGHT.search(name.lower())]
    return [
        Finding("name-misleads", f"`{name}` changes nothing: the loss does not depend on it.") for name in unused + idle
    ]


def limits_of(limits: Iterable[Limit]) -> str:
    """Limits in words, such as `infinite at logvar >= 88.7, mu <= -256`."""
    words = {"infinite": "infinite", "nan": "NaN", "digits": "wrong in half of its digits"}
    places: dict[str, list[str]] = {}
    for one in limits:
        at = f"{one.at:.4g}" if 0 < abs(one.at) < 0.9 or abs(one.at) > 1 else f"1 - {1 - one.at:.2g}"
        places.setdefault(words[one.what], []).append(f"{one.argument} {'>=' if one.side == 'above' else '<='} {at}")
    return "; ".join(f"{what} at {', '.join(several)}" for what, several in places.items())


def _for_one(facts: Facts, beta: Monomial) -> str:
    """The values of arguments that make the weight 1, in words."""
    passed = solved(str(beta), 1.0, [name for name in facts.lab.binding.parameters if name in beta.powers])
    either = " or ".join(f"{name} = {value}" for name, value in passed.items())
    return f"; for a weight of 1 pass {either}" if either else ""
