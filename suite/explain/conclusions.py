"""What is the answer, given the results of the experiments? Each field of `Answer` has a function here or beside."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from . import judgement, remarks
from .answer import Answer, Coefficients, Number, Residual, State
from .binding import DENSITIES
from .experiments.state import LATENT_SIDE
from .expressions import UNKNOWN, Monomial, names_in, negative, total
from .facts import Facts
from .glossary import ROLES
from .investigation import Investigation
from .models.faults import Faults, Frozen
from .models.joined import LINEAR, LOG_MEAN, Joined
from .regions import UNIT, coefficient_text, counts, of_thresholds, place, regions, thresholds
from .sentences import formula_of, sentence_of
from .undetermined import undetermined


def conclude(
    found: Investigation, entry: str, known: Mapping[str, float], seconds: float, model: Faults | None = None
) -> Answer:
    """The answer to all experiments.

    Args:
        found: the results of the experiments.
        entry: FILE:NAME as the user wrote it.
        known: sizes and arguments at which expressions are evaluated, by name.
        seconds: the time since the start of the command.
        model: the faults of a whole model; None for a loss.
    """
    facts = Facts(found, known)
    binding, fitted = found.lab.binding, found.at_base
    bug = judgement.of_model(facts, model)
    likelihood, name = remarks.likelihood_of(facts)
    answer: dict[str, Any] = {
        "entry": entry,
        "framework": found.lab.loss.name,
        "roles": {slot.name: ROLES[slot.role] for slot in binding.slots},
        "affine": facts.affine,
        "sense": facts.sense,
        "likelihood": likelihood,
        "likelihood_name": name,
        "scale_kind": (model.head if model is not None else None) or _scale_kind(facts),
        "kl": _kl(facts),
        "coefficients": _coefficients(facts),
        "regions": regions(facts),
        "beta_effective": _as_compiled(facts, _beta(facts), model.frozen if model is not None else None),
        "implied_variance": _variance(facts, likelihood),
        "constant_nats_per_datum": _constant(facts),
        "constants_dropped": remarks.dropped(facts, likelihood),
        "bug": bug,
        "findings": remarks.findings(facts, "" if bug is None else bug.name)
        + (model.findings if model is not None else []),
        "parameters": _parameters(facts),
        "state": State(
            found.state.deterministic and not found.drawn,
            found.state.stateful,
            model.training_changes_it if model else None,
        ),
        "thresholds": [*thresholds(facts), *facts.found.clamps],
        "limits": found.limits,
        "terms": found.state.terms,
        "working_dtype": "float64" if found.lab.epsilon < 1e-10 else "float32",
        "residual": None
        if fitted is None or fitted.residual != fitted.residual
        else Residual(fitted.residual, fitted.allowed),
        "undetermined": found.undetermined + ([] if found.refused else undetermined(facts)),
        "experiments": found.experiments,
        "seconds": round(seconds, 1),
        **_reductions(facts),
    }
    bound: str | None = "ELBO"
    formula = formula_of(facts)
    joined = model.joined if model is not None else Joined("k", LOG_MEAN) if found.weighted is not None else None
    if joined is not None:
        bound = _joined(joined, answer)
        if joined.how != LINEAR:
            formula = joined.formula(str(facts.recon or UNKNOWN)) if bound else UNKNOWN
    return Answer(**answer, sentence=sentence_of(facts, answer, bound), formula=formula)


def _joined(several: Joined, answer: dict[str, Any]) -> str | None:
    """What a loss of several draws bounds; None if unknown. Coefficients are removed unless it is a mean over draws."""
    bound = several.bound(answer["kl"])
    if several.how != LINEAR:
        answer |= {"affine": False if bound or answer["bug"] else None, "coefficients": None, "beta_effective": None}
        answer |= {"implied_variance": None, "constant_nats_per_datum": None}
    if bound is None and answer["bug"] is None:
        answer["undetermined"] = [several.undetermined, *answer["undetermined"]]
    return bound


def _reductions(facts: Facts) -> dict[str, Any]:
    """How batch, pixels and latents are reduced, from the exponents of the sizes."""
    words: dict[str, str] = {}
    for name, powers in facts.powers.items():
        power = powers.get("N", Fraction(0))
        words[name] = "sum" if power == 0 else "mean" if power == -1 else f"sum over N**{-power}"
    if facts.found.outer is not None:
        words.setdefault("recon", words.get("kl", "sum"))
    data: str | dict[str, str] | None = None
    if facts.found.state.vector or not facts.layout.batch:
        data = "none"
    elif any(facts.undecided(quantity, ("N",)) for quantity in facts.powers):
        data = None
    elif words:
        one = len(set(words.values())) == 1 and not (facts.unknown and len(words) == 1)
        data = next(iter(words.values())) if one else words
    pixels = _axes_word(facts, "recon", "D", facts.layout.data)
    return {
        "data_reduction": data,
        "pixel_reduction": "sum" if facts.found.outer and facts.found.outer.of_batch else pixels,
        "latent_reduction": _axes_word(facts, "kl", "J", facts.layout.latent),
    }


def _axes_word(facts: Facts, quantity: str, name: str, axes: tuple[str, ...]) -> str | None:
    """The reduction of `recon` over D, or of `kl` over J: `sum`, `mean`, or both with their axes; None if unknown."""
    powers = facts.powers.get(quantity)
    term = facts.found.recon_term if quantity == "recon" else facts.found.kl_term
    given = term is not None and set(term.formula.roles) <= set(DENSITIES) and not facts.layout.dense
    if powers is None or given or facts.undecided(quantity, axes):
        return None
    if any(axis in powers for axis in axes if axis != name):
        means = [axis for axis in axes if powers.get(axis) == -1]
        return f"mean over {', '.join(means)}, sum over {', '.join(a for a in axes if a not in means)}"
    return "mean" if powers.get(name) == -1 else "sum"


def _scale_kind(facts: Facts) -> str | list[str] | None:
    """What the argument of the posterior's scale holds; a list for two arguments that hold one scale."""
    term = facts.found.kl_term
    if term is None:
        return None
    first = term.formula.kind
    tied = [slot.tied[1] for slot in facts.lab.binding.slots if slot.role == "scale" and slot.tied is not None]
    return [str(first), *tied] if tied and first else first


def _kl(facts: Facts) -> str:
    term = facts.found.kl_term
    if term is None:
        trained = any(r in (*facts.found.state.roles, *facts.trained_alone) for r in LATENT_SIDE)
        return "other" if trained else "absent"
    return "other" if facts.found.kl is not None and facts.found.kl.edited is not None else term.formula.name


def _coefficients(facts: Facts) -> Coefficients | None:
    """The coefficients of the whole loss; None for a threshold, a function of the whole error, or tied examples."""
    found = facts.found
    if facts.bend is not None or found.outer is not None or found.examples_tied or found.at_base is None:
        return None
    edited = [bool(match and match.edited) for match in (found.recon, found.kl)]
    constant = None if any(edited) or facts.constants is None else total(facts.constants)
    no_recon = found.recon is None and not facts.lab.binding.roles.count("recon")
    no_kl = found.kl is None and _kl(facts) == "absent"
    recon = "0" if no_recon else coefficient_text(facts.recon, edited[0], found.source_integers)
    kl = "0" if no_kl else coefficient_text(facts.kl, edited[1], found.source_integers)
    return Coefficients(recon, kl, constant)


def _beta(facts: Facts) -> Number | None:
    """The KL's weight in effect; by region if the KL has a threshold."""
    beta, bend = facts.beta, facts.bend
    outer, fitted = facts.found.outer, facts.found.at_base
    if outer is not None and fitted is not None and fitted.kl and facts.found.kl is not None:
        measured = not outer.of_batch or "recon" in facts.powers
        apart = measured and facts.powers.get("recon") != facts.powers.get("kl")
        return None if apart else Number(_of_batch(facts, fitted.kl / outer.slope), {}, None)
    if facts.edited or beta is None:
        return None
    number = facts.number(str(beta))
    if bend is None:
        return number
    at = place(facts)
    other = negative(str(beta)) if bend.kind == "capacity" else "0"
    value = number.value if isinstance(number.value, float) else None
    low = 0.0 if other == "0" else -value if value is not None else None
    known = {**number.at, **facts.number(at).at}
    return Number(f"{beta} where {UNIT[bend.per]} {counts(facts)} {at}, else {other}", known, [value, low])


def _as_compiled(facts: Facts, beta: Number | None, frozen: Frozen | None) -> Number | None:
    """The KL's weight at a callback's last value, eagerly and compiled, if the compiled step keeps the first value."""
    if beta is None or frozen is None or frozen.name not in names_in(beta.expression):
        return beta
    values = [facts.number(beta.expression, {frozen.name: v}).value for v in (frozen.eager, frozen.compiled)]
    at = {} if frozen.epoch is None else {"epoch": float(frozen.epoch)}
    numbers = [value if isinstance(value, float) else None for value in values]
    return Number(f"{beta.expression} eagerly; its value at the first step when compiled", at, numbers)


def _of_batch(facts: Facts, weight: float) -> str:
    """A multiple of the mean squared error of the batch, or of one example, in the user's names."""
    each = "" if facts.found.outer is None or facts.found.outer.of_batch else "_n"
    error = f"mean{each}(({facts.lab.binding.name_of('x')} - {facts.lab.binding.name_of('recon')})**2)"
    shown = str(Monomial(float(f"{weight:.3g}")))
    return error if shown == "1" else f"{shown}*{error}"


def _variance(facts: Facts, likelihood: str | None) -> Number | None:
    """The variance of the decoder at which the KL's weight is 1."""
    beta = facts.beta
    if facts.found.outer is not None:
        return Number(_of_batch(facts, 1.0), {}, None) if _beta(facts) else None
    if beta is None or facts.edited or likelihood not in ("squared-error", "gaussian"):
        return None
    if facts.found.recon is not None and "recon_scale" in facts.found.recon.term.formula.roles:
        return None
    if facts.normaliser is not None:
        return facts.number(str(facts.normaliser.spread))
    number = facts.number(str(beta))
    if facts.bend is not None:
        at = place(facts)
        value = number.value if isinstance(number.value, float) else None
        return Number(f"{beta} where {UNIT[facts.bend.per]} {counts(facts)} {at}", number.at, [value, None])
    return number


def _constant(facts: Facts) -> Number | None:
    """The constant in nats per datum: over N times the weight of the data term."""
    recon = facts.normaliser.weight if facts.normaliser is not None else facts.recon or facts.kl
    if recon is None or facts.constants is None or facts.edited:
        return None
    each = recon.times(Monomial(1.0, {"N": Fraction(1)})) if facts.layout.batch else recon
    if facts.bend is not None:
        lost = of_thresholds(facts)
        if facts.bend.kind != "floor" or lost is None:
            return None
        below = facts.number(str(lost.over(each)))
        where = f"0 where {UNIT[facts.bend.per]} > {place(facts)}, else {below.expression}"
        return Number(where, below.at, [0.0, below.value if isinstance(below.value, float) else None])
    return facts.number(total([part.over(each) for part in facts.constants]))


def _parameters(facts: Facts) -> dict[str, dict[str, Any]]:
    """Argument that is no tensor → its default, the values tried, and the quantities that it changes."""
    arguments = facts.found.arguments
    shown: dict[str, dict[str, Any]] = {}
    for name, default in facts.lab.binding.parameters.items():
        enters = [
            quantity
            for quantity, powers in arguments.powers.items()
            if any(name == p or name in names_in(p) for p in powers) or name in arguments.undetermined.get(quantity, [])
        ]
        plain = default if isinstance(default, int | float | str | bool) else repr(default)
        shown[name] = {
            "default": plain,
            "swept": arguments.swept.get(name, []),
            "enters": ", ".join(enters)
            or ("another formula" if name in arguments.flags else "nothing that was measured"),
        }
    return shown
