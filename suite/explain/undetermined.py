"""What could the experiments not show?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .facts import Facts
from .remarks import AVERAGE, WHICH, likelihood_of


def undetermined(facts: Facts) -> list[str]:
    """What was not determined, or could not be told apart, one phrase each."""
    found, binding = facts.found, facts.lab.binding
    said: list[str] = []
    if facts.trained_alone:
        names = ", ".join(binding.name_of(role) for role in facts.trained_alone)
        said.append(f"the KL: in its value the loss has none, and its gradient trains {names}")
    match = found.recon
    if match is not None and match.term.formula.name in ("squared-error", "laplace", "huber") and match.edited is None:
        said.append(
            f"{WHICH} {binding.name_of('recon')} and {binding.name_of('x')} is the data: the term is "
            "symmetric; taken by name"
        )
    if (
        match is not None
        and match.term.formula.name == "squared-error"
        and facts.beta is not None
        and facts.normaliser is None
    ):
        said.append("the weight and the decoder's variance apart: only their ratio shows")
    if found.additive is not None and not found.additive.holds and found.weighted is None:
        said.append("both terms: data and posterior do not enter as a sum")
    elif found.varying:
        said.append(f"the coefficient of {' and '.join(found.varying)}: it changes with the values that the loss draws")
    elif match is None and found.outer is None and likelihood_of(facts)[0] != "absent":
        said.append("the data term: no likelihood of the dictionary, and none under one edit, is a multiple of it")
    latent = any(role in ("mu", "scale", "z", "log_pz", "log_q") for role in found.state.roles)
    unnamed = found.kl_term is None and found.apart is None and latent and not found.varying
    if unnamed and (found.additive is None or found.additive.holds):
        said.append("the divergence: none of the dictionary, and none under one edit, is a multiple of it")
    if found.near_prior_only and not found.clamps:
        said.append("the KL far from the prior: there it is no multiple of this formula")
    if found.apart is not None and found.apart.or_prior:
        text = found.apart.part.format(**{role: binding.name_of(role) for role in ("mu", "scale")})
        more = f"it divides {text} by {found.apart.by} more than the rest of a KL"
        said.append(f"the divergence: {more}, which is a fault, or a prior whose variance changes so")
    said += no_weight(facts) + _of_one_size(facts)
    if found.drawn:
        said.append(f"{AVERAGE}: the loss draws random values, which are the same in all calls here")
    if facts.constants is None and found.at_base is not None and not facts.edited and not found.unexplained_roles:
        said.append("the expression of the constant")
    if found.outer is not None and found.outer.of_batch:
        said.append("the batch's variance beyond three digits: it was read from the slope over the squared error")
    if len(facts.lab.total) > 1:
        batch = facts.beta is not None and facts.beta.powers.get("N")
        weight = f", in which the KL's weight is {facts.beta}" if batch else ""
        terms = ", ".join(facts.lab.total)
        said.append(f"whether the caller adds the terms {terms} as they are: their sum is explained{weight}")
    return said


def _of_one_size(facts: Facts) -> list[str]:
    """The axes whose size could not be changed: at one size, a mean cannot be told from a sum with a weight."""
    term = "recon" if "recon" in facts.powers else "kl"
    sides = (
        ("the loss is averaged over the examples", ("N",), term),
        ("the data term is averaged over the pixels", facts.layout.data, "recon"),
        ("the KL is averaged over the latents", facts.layout.latent, "kl"),
    )
    said = []
    for what, axes, quantity in sides:
        sizes = [f"{axis} = {facts.lab.sizes[axis]}" for axis in facts.undecided(quantity, axes)]
        if sizes:
            said.append(f"whether {what}: the loss runs with {', '.join(sizes)} alone")
    return said


def no_weight(facts: Facts) -> list[str]:
    """The coefficients whose dependence on sizes or arguments was not determined, one phrase each."""
    names = {"recon": "the data term's coefficient", "kl": "the KL's coefficient", "threshold": "the threshold"}
    said = [] if facts.found.recon or not facts.found.separable else ["the data term's formula is not known"]
    for quantity, arguments in facts.found.arguments.undetermined.items():
        if quantity == "constant" and facts.constants is not None:
            continue
        how = f"how {names.get(quantity, f'the {quantity}')} depends on {', '.join(arguments)}"
        at = " ".join(f"--set {name}=…" for name in arguments)
        said.append(
            f"{how}: the weight is of the values set" if quantity in facts.pinned else f"{how}; at a value: {at}"
        )
    for quantity, powers in facts.found.sizes.items():
        if powers is None and not (quantity == "recon" and facts.found.separable):
            said.append(f"how {names.get(quantity, f'the {quantity}')} depends on the sizes")
    return said
