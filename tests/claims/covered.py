"""The lines of every implementation that no proof of claims runs, as JSON: `python covered.py BACKEND`.

A process of its own: a line of a module counts from its import on, and a worker runs with the same environment.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import coverage

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.claims.measure import gather
from elbostone.notations.registry import notations, packages


def missed(backend: str) -> dict[str, list[int]]:
    """Notation id → line numbers of its file for the backend's framework that were not run."""
    binding, framework = open_binding(backend, "cpu"), BACKENDS[backend].framework
    files = {name: notation.path.with_name(f"{framework}_vae.py") for name, notation in notations().items()}
    measured = coverage.Coverage(data_file=None, include=[str(file) for file in files.values()])
    measured.start()
    for name, notation in notations().items():
        gather(binding, notation, import_module(f"{packages()[name]}.{framework}_vae"))
    measured.stop()
    return {name: measured.analysis2(str(file))[3] for name, file in files.items()}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(missed(sys.argv[1])), encoding="utf-8")
