"""The two errors of a request; the command line turns each into one line and an exit code."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


class BadInput(ValueError):
    """A file, field or argument is wrong (exit code 2). The message names it, what was expected and what was found."""


class EnvironmentLacks(RuntimeError):
    """Something asked for by name is not on this machine (exit code 3). The message names it and how to get it."""


def no_such(what: str, value: str, choices: Collection[str]) -> BadInput:
    """The error of a word that is none of the choices: it says all of them, and which are like it."""
    like = [choice for choice in choices if value and value in choice] or get_close_matches(value, choices)
    hint = f"; did you mean {' or '.join(like)}?" if like else ""
    return BadInput(f"{what} '{value}': expected one of {', '.join(choices)}{hint}")
