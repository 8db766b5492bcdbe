"""How does an answer look in a terminal? Text of 80 columns: the sentence, a row per fact, the change."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .answer import Answer, Change, Coefficients, Number, Residual
from .comparison import Comparison
from .expressions import UNKNOWN, names_in
from .nearest import in_words
from .questions import Sweep, Wanted, drawn
from .remarks import limits_of

WIDTH = 80


def printed(answer: Answer, weight: Wanted | None = None, course: Sweep | None = None, *, verbose: bool = False) -> str:
    """The whole text: results of --want and --sweep, sentence, facts, change, and the experiments.

    Args:
        answer: the answer.
        weight, course: the results of `--want` and `--sweep`.
        verbose: whether to list the experiments.
    """
    return "\n".join(_lines(answer, weight, course, verbose=verbose))


def asked_of(weight: Wanted | None, course: Sweep | None) -> Iterator[list[str]]:
    """The results of `--want` and `--sweep`: for each a sentence, and the lines below it."""
    if weight is not None:
        yield [weight.sentence, *(", ".join(f"{n} = {value:.6g}" for n, value in at.items()) for at in weight.at)]
    if course is not None:
        yield [course.sentence, drawn(course)]


def compared_text(found: Comparison) -> str:
    """The text of a comparison: its sentence, the differing properties, and notes."""
    lines = [*textwrap.wrap(found.sentence, WIDTH, break_on_hyphens=False), ""]
    for part in found.parts:
        lines += _row(part.name, f"{part.one} | {part.other}" + (f" | factor {part.factor}" if part.factor else ""))
    for note in found.notes:
        lines += _row("note", note)
    return "\n".join(lines).rstrip()


def _lines(answer: Answer, weight: Wanted | None, course: Sweep | None, *, verbose: bool) -> Iterator[str]:
    for sentence, *rows in asked_of(weight, course):
        yield from textwrap.wrap(sentence, WIDTH)
        for row in rows:
            yield from _row("", row)
        yield ""
    yield from textwrap.wrap(answer.sentence, WIDTH)
    yield ""
    for name, text in facts(answer):
        yield from _row(name, text)
    if answer.change is not None:
        yield ""
        yield from diff(answer.change)
        yield from _row("then", answer.change.then)
    yield ""
    if not verbose:
        worst = max((one.residual for one in answer.experiments if one.residual is not None), default=0.0)
        lists = "--verbose lists them"
        yield from _row("shown by", f"{len(answer.experiments)} experiments, with residuals up to {worst:.1e}; {lists}")
        return
    for place, text in enumerate(shown_by(answer)):
        yield from _row("" if place else "shown by", text)
    if answer.residual is not None:
        yield from _row("residual", residual(answer.residual, answer.working_dtype))


def facts(answer: Answer) -> Iterator[tuple[str, str]]:
    """The rows of an answer: name and text."""
    yield "formula", answer.formula
    yield "arguments", ", ".join(f"{name}: {role}" for name, role in answer.roles.items())
    yield "likelihood", _with(answer.likelihood, answer.likelihood_name)
    scale = answer.scale_kind if isinstance(answer.scale_kind, str) else ", ".join(answer.scale_kind or ())
    yield "KL", _with(answer.kl, f"posterior scale: {scale}" if scale else None)
    axes = [f"data {_words(answer.data_reduction)}"]
    axes += [] if answer.likelihood == "absent" else [f"pixels {answer.pixel_reduction or UNKNOWN}"]
    axes += [] if answer.kl == "absent" else [f"latents {answer.latent_reduction or UNKNOWN}"]
    yield "reductions", f"{', '.join(axes)}; {answer.sense or 'sense unknown'}"
    if answer.coefficients is not None:
        yield "coefficients", _coefficients(answer.coefficients)
    for region in answer.regions or ():
        yield "where", f"{region.where}: {_coefficients(region.coefficients)}"
    if answer.beta_effective is not None:
        yield "beta in effect", _number(answer.beta_effective)
    if answer.implied_variance is not None:
        yield "variance implied", _number(answer.implied_variance)
    if answer.constant_nats_per_datum is not None and answer.constant_nats_per_datum.expression != "0":
        yield "added constant", f"{_number(answer.constant_nats_per_datum)}, in nats per datum"
    close = answer.nearest_notation
    if close is not None and close.equal:
        yield "published as", ", ".join(close.equal)
    elif close is not None:
        yield "nearest notation", f"{close.nearest}; it differs in {in_words(close.differs_in)}"
    if answer.constants_dropped:
        yield "left out", ", ".join(answer.constants_dropped)
    if answer.logged is not None:
        own = answer.logged
        yield (
            "on the data",
            (
                f"it prints {own.printed:.7g}; the negative ELBO is {own.nats_per_datum:.7g} nats per datum, "
                f"{own.bits_per_dimension:.4g} bits per dimension ({own.rows} rows, untrained)"
            ),
        )
    for threshold in answer.bends:
        yield "threshold", f"{threshold.kind} of the {threshold.term} per {threshold.per} at {threshold.at}"
    clamped = [f"{one.argument} at {one.at}" for one in answer.thresholds if one not in answer.bends]
    if clamped:
        yield "clamped", f"{', '.join(clamped)}: beyond, the value does not change"
    for dtype in dict.fromkeys(limit.dtype for limit in answer.limits):
        yield f"in {dtype}", limits_of(limit for limit in answer.limits if limit.dtype == dtype)
    for name, shown in answer.parameters.items():
        for value, sentence in shown.get("otherwise", {}).items():
            yield f"if {name}", f"is {value}: {sentence}"
    for finding in answer.findings:
        yield "note", finding.sentence
    for said in answer.undetermined:
        yield "not determined", said


def shown_by(answer: Answer) -> Iterator[str]:
    """Each experiment in words, with calls and residual."""
    for experiment in answer.experiments:
        rest = "" if experiment.residual is None else f"; residual {experiment.residual:.1e}"
        yield f"{experiment.name}: {experiment.shows} ({experiment.calls} calls{rest})"


def residual(found: Residual, dtype: str) -> str:
    """The residual of the formula in words."""
    return f"off by {found.relative:.1e} on fresh values in {dtype}, {found.allowed:.1e} allowed"


def _coefficients(c: Coefficients) -> str:
    parts = (("{} on R", c.recon), ("{} on K", c.kl), ("constant {}", c.constant))
    return ", ".join(form.format(value or UNKNOWN) for form, value in parts)


def diff(change: Change) -> Iterator[str]:
    """A change as the lines of a diff, not wrapped."""
    yield f"--- {change.file}, line {change.line}"
    yield f"-{change.before}"
    yield f"+{change.after}"


def _row(name: str, text: str) -> Iterator[str]:
    indent = " " * 18
    first = f"{name:<17} "
    yield from textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False)


def _with(word: str | None, detail: str | None) -> str:
    return f"{word or 'not determined'}" + (f" ({detail})" if detail else "")


def _words(value: str | dict[str, str] | None) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{word} ({name})" for name, word in value.items())
    return value or UNKNOWN


def _number(number: Number) -> str:
    """An expression with its value, or with the names that its value needs."""
    at = ", ".join(f"{name} = {value:g}" for name, value in number.at.items() if name != number.expression)
    values = number.value if isinstance(number.value, list) else [number.value]
    shown = " and ".join(f"{value:.7g}" for value in values if value is not None) or UNKNOWN
    if shown == number.expression:
        return shown
    if shown == UNKNOWN:
        missing = sorted(names_in(number.expression.partition(" where ")[0]) - set(number.at))
        known = f" at {at}" if at else ""
        given = ",".join(f"{name}=…" for name in missing)
        return f"{number.expression}{known}; its value needs {', '.join(missing)}: --at {given}"
    joint = ": " if " where " in number.expression else " = "
    return f"{number.expression}{joint}{shown}" + (f" at {at}" if at else "")
