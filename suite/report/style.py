"""The style sheet of the HTML files: the page of a run, and the explanation of a loss."""

from __future__ import annotations

from importlib.resources import files


def style() -> str:
    """CSS, for a `<style>` element."""
    return (files(__package__) / "style.css").read_text(encoding="utf-8")
