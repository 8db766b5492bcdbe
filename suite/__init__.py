"""Elbostone: one variational autoencoder, every published notation, equal ELBOs.

`elbostone.api` has what a notebook calls. It is loaded on first use, since a worker imports this package too and may
have no pandas.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import api as api

__all__ = ["__version__", "api"]
__version__ = version("elbostone")


def __getattr__(name: str) -> Any:
    if name == "api":
        return import_module(f"{__name__}.api")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
