"""What does `elbostone explain` take, print and return? The options, the order of the questions, and the exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..notations.registry import notations
from ..reference.errors import BadInput
from ..report.console import print_json
from ..report.options import AsJson
from . import plan
from .answer import Answer
from .comparison import compared
from .data import checked, loaded, sizes
from .documents import markdown, page
from .nearest import nearest
from .phase import answered, asked
from .questions import steps, target, wanted
from .questions import sweep as swept
from .records import Asked
from .text import compared_text, printed

Entry = Annotated[
    str,
    typer.Argument(
        help="FILE.py:NAME or MODULE:NAME. NAME may be an expression; for a model, 'VAE().loss(x)' with x left open."
    ),
]
At = Annotated[list[str] | None, typer.Option("--at", help="Sizes at which expressions are evaluated: D=784,J=20.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Values of arguments: kld_weight=0.5.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--arguments", help="Roles of arguments where names mislead: preds=recon,m=mu,s='posterior scale'."),
]
Guide = Annotated[str | None, typer.Option("--guide", help="The guide of NAME, a model of Pyro or NumPyro.")]
Against = Annotated[str | None, typer.Option("--against", help="Another loss, FILE.py:NAME: is it the same objective?")]
Want = Annotated[
    str | None,
    typer.Option("--want", help="Which argument gives the KL this weight: beta=1, paper, or a notation's id."),
]
Swept = Annotated[str | None, typer.Option("--sweep", help="Draw a schedule of the KL's weight: epoch=0:500.")]
DataFile = Annotated[str | None, typer.Option("--data", help="Check data against the likelihood: FILE.npy or digits.")]


def explain(
    entry: Entry,
    at: At = None,
    set_: Set = None,
    arguments: Roles = None,
    guide: Guide = None,
    against: Against = None,
    want: Want = None,
    sweep: Swept = None,
    data: DataFile = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds after which it is stopped.", min=1)] = 120.0,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print each experiment with its result.")] = False,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for an issue.")] = False,
    page_at: Annotated[Path | None, typer.Option("--html", help="Also write the answer to this HTML file.")] = None,
) -> None:
    """Say what a loss computes: its likelihood, its KL, their weights and reductions, and what is wrong, if anything.

    The loss is called on generated values, in a process of its own, and an experiment stands behind every statement.
    A whole model is run with its noise replaced, and its loss is explained on its own tensors.

    Exit code 0: no fault was found. A KL weight other than 1 is no fault, though the loss is then not the ELBO. 1: a
    fault was found, --want does not hold, --against is another objective, or the file crashed, exited or hung; in
    --json a fault is the field `bug`, a crash the field `failed`. 2: bad input. 3: a framework is not installed.
    """
    if page_at is not None and not page_at.parent.is_dir():
        raise BadInput(f"--html: expected a file in a folder that exists; found '{page_at}'")
    if against is not None and (as_markdown or page_at is not None):
        raise BadInput("--against: expected text or --json; found --markdown or --html")
    array = None if data is None else loaded(data)
    known = {**(sizes(array) if array is not None else {}), **plan.sizes(plan.pairs("--at", at))}
    options = known, plan.values(plan.pairs("--set", set_)), plan.pairs("--arguments", arguments)
    goal = None if want is None else target(want, notations())
    schedule = None if sweep is None else steps(sweep)
    what = asked(entry, *options, guide)
    if data is not None:
        what = msgspec.structs.replace(what, data=str(Path(data).resolve()) if data != "digits" else data)
    if schedule is not None:
        what = msgspec.structs.replace(what, sweep={schedule[0]: schedule[1]})
    other = None if against is None else asked(against, known, {}, {})
    answer = _answered(entry, what, timeout, as_json=as_json)
    if array is not None:
        answer = checked(answer, array)
    if other is not None:
        _print_comparison(answer, _answered(str(against), other, timeout, as_json=as_json), as_json=as_json)
    weight = None if goal is None else wanted(answer, goal)
    course = None if schedule is None else swept(answer, *schedule)
    if weight is not None and answer.bug is None:  # the answer to --want is the one change to show
        answer = msgspec.structs.replace(answer, change=None)
    if page_at is not None:
        page_at.write_text(page(answer, weight, course), encoding="utf-8")
    if as_markdown:
        print(markdown(answer, weight, course))
    elif as_json:
        also = {"wanted": weight, "sweep": course}
        asked_for = {name: msgspec.to_builtins(value) for name, value in also.items() if value is not None}
        print_json({**msgspec.to_builtins(answer), **asked_for})
    else:
        print(printed(answer, weight, course, verbose=verbose))
    raise typer.Exit(int(answer.bug is not None or (weight is not None and weight.holds is not True)))


def _answered(entry: str, what: Asked, timeout: float, *, as_json: bool) -> Answer:
    """The answer of a loss. A file that crashes, exits or hangs is printed as that, and ends the command.

    Raises:
        BadInput: the loss cannot be called.
        typer.Exit: the file gave no answer; the exit code is 1.
    """
    outcome = answered(what, timeout)
    if outcome.bad_input is not None:
        raise BadInput(outcome.bad_input)
    if outcome.answer is None:
        message = f"{entry}: {outcome.raised}"
        if as_json:
            print_json({"schema": 1, "entry": entry, "failed": message})
        else:
            print(f"Not explained. {message}")
        raise typer.Exit(1)
    close = nearest(outcome.answer, notations().values())
    return msgspec.structs.replace(outcome.answer, entry=entry, nearest_notation=close)


def _print_comparison(one: Answer, other: Answer, *, as_json: bool) -> None:
    """Print whether two losses are the same objective, and end the command with exit code 0 or 1."""
    found = compared(one, other)
    if as_json:
        print_json({"schema": 1, **msgspec.to_builtins({"comparison": found, "one": one, "other": other})})
    else:
        print(compared_text(found))
    raise typer.Exit(int(found.same is not True))
