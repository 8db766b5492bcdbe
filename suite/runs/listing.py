"""`elbostone list`."""

from __future__ import annotations

from typing import Any

from ..backends.table import BACKENDS, Backend
from ..notations.notation import Notation
from ..notations.overview import people
from ..notations.provenance import counts, shares
from ..notations.registry import broken, notations
from ..report.console import print_json, print_table, stderr
from ..report.options import AsJson
from ..workers.run_settings import versions


def list_(as_json: AsJson = False) -> None:
    """List the notations with what each defines, and the backends with what is installed."""
    entries = [notation_entry(notation) for notation in notations().values()]
    # A number and its % are one word: a narrow table breaks a line between words.
    known = {notation.id: shares(notation).replace(" %", "%") for notation in notations().values()}
    backends = [_backend(backend) for backend in BACKENDS.values()]
    for reason in broken().values():
        stderr.print(f"warning: {reason}", soft_wrap=True)
    if as_json:
        print_json({"schema": 1, "notations": entries, "backends": backends})
        return
    print_table(
        "Notations",
        ("notation", "source", "known", "networks", "likelihoods", "priors", "posteriors", "depth"),
        [
            (
                e["notation"],
                f"{e['authors']} ({e['year']})",
                known[e["notation"]],
                *(", ".join(e[name]) for name in ("network", "likelihood", "prior", "posterior")),
                e["depth"] or "any",
            )
            for e in entries
        ],
        spare=("depth", "priors", "posteriors", "networks", "known"),
    )
    print_table(
        "Backends",
        ("backend", "framework", "modes", "installed"),
        [(b["backend"], b["framework"], ", ".join(b["modes"]), _installed(b)) for b in backends],
    )


def notation_entry(notation: Notation) -> dict[str, Any]:
    """The source of a notation, and the models that it defines: condition of a specification → words."""
    source, supports = notation.source, notation.supports
    return {
        "notation": notation.id,
        "authors": people(source.authors),
        "year": source.year,
        "title": source.title,
        "identifier": source.identifier,
        "provenance": counts(notation),
        **supports.words,
        "depth": supports.depth,
    }


def _backend(backend: Backend) -> dict[str, Any]:
    lacking = backend.lacking()
    return {
        "backend": backend.name,
        "framework": backend.framework,
        "modes": backend.modes,
        "dtypes": backend.dtypes,
        "installed": not lacking,
        "versions": versions(backend.packages),
        "remedy": backend.remedy() if lacking else None,
    }


def _installed(backend: dict[str, Any]) -> str:
    if not backend["installed"]:
        return f"missing: {backend['remedy']}"
    return ", ".join(f"{package} {version}" for package, version in backend["versions"].items())
