"""The answer as text, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .answer import Answer, Number

WIDTH = 80


def printed(answer: Answer) -> str:
    """The sentence first; then the formula, the facts, and each experiment with what it left unexplained."""
    return "\n".join(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    yield from textwrap.wrap(answer.sentence, WIDTH)
    yield ""
    yield from _row("formula", answer.formula)
    yield from _row("arguments", ", ".join(f"{name}: {role}" for name, role in answer.roles.items()))
    yield from _row("likelihood", _with(answer.likelihood, answer.likelihood_name))
    scale = answer.scale_kind if isinstance(answer.scale_kind, str) else ", ".join(answer.scale_kind or ())
    yield from _row("KL", _with(answer.kl, f"posterior scale: {scale}" if scale else None))
    yield from _row(
        "reductions",
        f"data {_words(answer.data_reduction)}, pixels {answer.pixel_reduction or '?'}, "
        f"latents {answer.latent_reduction or '?'}; {answer.sense or 'sense unknown'}",
    )
    if answer.coefficients is not None:
        c = answer.coefficients
        yield from _row("coefficients", f"{c.recon or '?'} on R, {c.kl or '?'} on K, constant {c.constant or '?'}")
    for region in answer.regions or ():
        c = region.coefficients
        yield from _row("where", f"{region.where}: {c.recon or '?'} on R, {c.kl or '?'} on K, constant {c.constant}")
    yield from _row("beta in effect", _number(answer.beta_effective))
    yield from _row("variance implied", _number(answer.implied_variance))
    yield from _row("nats per datum", _number(answer.constant_nats_per_datum) + " added")
    close = answer.nearest_notation
    if close is not None and close.equal:
        yield from _row("published as", ", ".join(close.equal))
    elif close is not None:
        yield from _row("nearest notation", f"{close.nearest}; it differs in {', '.join(close.differs_in)}")
    yield from _row("left out", ", ".join(answer.constants_dropped) or "nothing")
    for threshold in answer.thresholds:
        yield from _row("threshold", f"{threshold.kind} of the {threshold.term} per {threshold.per} at {threshold.at}")
    for finding in answer.findings:
        yield from _row("note", finding.sentence)
    for said in answer.undetermined:
        yield from _row("not determined", said)
    yield ""
    for place, experiment in enumerate(answer.experiments):
        residual = "" if experiment.residual is None else f"; residual {experiment.residual:.1e}"
        yield from _row(
            "" if place else "shown by", f"{experiment.name}: {experiment.shows} ({experiment.calls} calls{residual})"
        )
    if answer.residual is not None:
        yield from _row(
            "residual",
            f"off by {answer.residual.relative:.1e} on fresh values in {answer.working_dtype}, "
            f"{answer.residual.allowed:.1e} allowed",
        )


def _row(name: str, text: str) -> Iterator[str]:
    indent = " " * 18
    first = f"{name:<17} "
    yield from textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False)


def _with(word: str | None, detail: str | None) -> str:
    return f"{word or 'not determined'}" + (f" ({detail})" if detail else "")


def _words(value: str | dict[str, str] | None) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{word} ({name})" for name, word in value.items())
    return value or "?"


def _number(number: Number | None) -> str:
    if number is None:
        return "no such number"
    at = ", ".join(f"{name} = {value:g}" for name, value in number.at.items())
    values = number.value if isinstance(number.value, list) else [number.value]
    shown = ", ".join("?" if value is None else f"{value:.7g}" for value in values)
    if shown == number.expression:
        return shown
    if shown == "?":
        return f"{number.expression} (give its sizes with --at)"
    return f"{number.expression} = {shown}" + (f" at {at}" if at else "")
