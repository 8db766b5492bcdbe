"""`elbostone explain`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from ..notations.registry import notations
from ..reference.errors import BadInput
from ..report.console import print_json, stderr
from ..report.options import AsJson
from ..workers.jobs import Job, Parts
from ..workers.supervisor import Child
from . import plan
from .nearest import nearest
from .records import Asked, Explained
from .text import printed

At = Annotated[list[str] | None, typer.Option("--at", help="Sizes at which numbers are wanted: D=784,J=20.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Values of arguments: kld_weight=0.5.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--arguments", help="Roles of arguments where names mislead: preds=recon,m=mu,s='posterior scale'."),
]


def explain(
    entry: Annotated[str, typer.Argument(help="FILE.py:NAME or MODULE:NAME; NAME may be an expression.")],
    at: At = None,
    set_: Set = None,
    arguments: Roles = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds that it may take.", min=1)] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Say what a loss computes: its likelihood, its KL, their weights and reductions, and what is wrong, if anything.

    The loss is called on values of our own, in a process of its own, and every statement is what an experiment showed.
    """
    target, name = plan.entry(entry)
    framework, keras = plan.framework_of(target)
    asked = Asked(
        target,
        name,
        framework,
        keras,
        plan.sizes(plan.pairs("--at", at)),
        plan.values(plan.pairs("--set", set_)),
        plan.pairs("--arguments", arguments),
        time.time(),
    )
    with stderr.status(f"explain {name} ({framework})"):
        outcome = explained_by_worker(asked, timeout)
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
    answer = msgspec.structs.replace(outcome.answer, entry=entry, nearest_notation=close)
    if as_json:
        print_json(msgspec.to_builtins(answer))
    else:
        print(printed(answer))
    raise typer.Exit(int(answer.bug is not None))


def explained_by_worker(asked: Asked, timeout_s: float) -> Explained:
    """Explain in a process of its own; a crash, an exit or a hang is an outcome."""
    return explained_in_one_worker([asked], timeout_s)[0]


def explained_in_one_worker(several: Sequence[Asked], timeout_s: float) -> list[Explained]:
    """The outcomes of several losses of one framework, in order; each may take so many seconds."""
    found: list[Explained] = []

    def take(line: bytes) -> bool:
        found.append(msgspec.json.decode(line, type=Explained))
        return True

    def settle(item: Asked, status: str, reason: str, tail: str) -> None:
        last = (tail.splitlines() or ["it printed nothing"])[-1]
        found.append(Explained(raised=f"{reason}; last output: {last[:300]}"))

    left = list(several)
    while left:
        environment = plan.environment(left[0].framework, left[0].keras)
        parts: Parts = tuple(("explain.measure", asked) for asked in left)
        left = Child(
            Job(None, parts=parts, environment=environment), left, take=take, settle=settle, timeout_s=timeout_s
        ).follow()
    return found
