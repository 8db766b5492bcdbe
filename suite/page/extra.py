"""Whether the libraries of the extra `page` are installed."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGES = ("jinja2", "pygments", "latex2mathml", "altair", "vl_convert")


def lacking() -> list[str]:
    """The packages of the extra that are not installed here. Imports nothing."""
    return [name for name in PACKAGES if find_spec(name) is None]


def remedy() -> str:
    """One line: what is missing and the command that installs it."""
    return f"index.html needs {', '.join(lacking())}: pip install 'elbostone[page]'"
