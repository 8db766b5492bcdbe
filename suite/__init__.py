"""Elbostone: one variational autoencoder, every published notation, equal ELBOs.

`elbostone.api` has what a notebook calls, `elbostone.explain` says what a loss computes, and
`elbostone.assert_objective` and `assert_same_objective` are for tests. They are loaded on first use, since a worker
imports this package too and may have no pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import api as api
    from .explain.asserted import assert_objective as assert_objective
    from .explain.asserted import assert_same_objective as assert_same_objective
    from .explain.notebook import explain as explain

    __version__: str

__all__ = ["__version__", "api", "assert_objective", "assert_same_objective", "explain"]


def __getattr__(name: str) -> Any:
    from importlib import import_module, metadata  # of a start they would be most

    if name == "__version__":
        return metadata.version("elbostone")
    if name in ("api", "explain"):
        return import_module(f"{__name__}.{name}")  # the room `explain` is what is called
    if name in ("assert_objective", "assert_same_objective"):
        return getattr(import_module(f"{__name__}.explain.asserted"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
