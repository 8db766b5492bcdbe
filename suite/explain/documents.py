"""How does an answer look in an issue, in a notebook and as a page? Markdown and HTML of the same rows as the text."""

from __future__ import annotations

from html import escape

from ..report.style import style
from .answer import Answer
from .questions import Sweep, Wanted
from .text import asked_of, diff, facts, residual, shown_by


def markdown(answer: Answer, weight: Wanted | None = None, course: Sweep | None = None) -> str:
    """The answer as Markdown: sentence, facts as a table, change as a diff, experiments folded.

    Args:
        answer: the answer.
        weight, course: the results of `--want` and `--sweep`, which are printed first.
    """
    lines = []
    for sentence, *rows in asked_of(weight, course):
        lines += [_cell(sentence), "", *(f"- {_cell(row)}" for row in rows), ""]
    lines += [f"**{_cell(answer.sentence)}**", "", f"`elbostone explain {answer.entry}`, {answer.framework}", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in facts(answer)]
    if answer.change is not None:
        lines += ["", "```diff", *diff(answer.change), "```", "", f"Then: {_cell(answer.change.then)}"]
    lines += ["", "<details><summary>Experiments</summary>", ""]
    lines += [f"- {_cell(text)}" for text in shown_by(answer)]
    if answer.residual is not None:
        lines.append(f"- residual: {residual(answer.residual, answer.working_dtype)}")
    return "\n".join([*lines, "", "</details>"])


def html(answer: Answer, weight: Wanted | None = None, course: Sweep | None = None) -> str:
    """The answer as an HTML fragment, with the same arguments as `markdown`."""
    asked = [
        f"<p>{escape(sentence)}</p><ul>{''.join(f'<li>{escape(row)}</li>' for row in below)}</ul>"
        for sentence, *below in asked_of(weight, course)
    ]
    rows = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts(answer))
    parts = [
        *asked,
        f'<p class="verdict{"" if answer.bug else " good"}">{escape(answer.sentence)}</p>',
        f"<table>{rows}</table>",
    ]
    if answer.change is not None:
        parts.append(f"<pre>{escape(chr(10).join(diff(answer.change)))}</pre><p>Then: {escape(answer.change.then)}</p>")
    shown = [*shown_by(answer)]
    if answer.residual is not None:
        shown.append(f"residual: {residual(answer.residual, answer.working_dtype)}")
    items = "".join(f"<li>{escape(text)}</li>" for text in shown)
    parts.append(f"<details><summary>Experiments</summary><ul>{items}</ul></details>")
    return "".join(parts)


def page(answer: Answer, weight: Wanted | None = None, course: Sweep | None = None) -> str:
    """The answer as an HTML document in the style of the page of a run, with the same arguments as `markdown`."""
    title = escape(answer.entry)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style()}</style></head>'
        f"<body><main><h1><code>{title}</code></h1>{html(answer, weight, course)}</main></body></html>\n"
    )


def _cell(text: str) -> str:
    """Text with Markdown's special characters escaped: formulas contain `*` and `|`."""
    return "".join(f"\\{sign}" if sign in "\\|*_<>[]`" else sign for sign in text)
