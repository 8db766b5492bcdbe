"""The clamps of a published form, where weights are so far off that they are reached."""

from importlib import import_module

import pytest
from claims.clamps import NOTATION, wrong_clamps

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages

FILES = ("torch", "keras-torch")
"""A backend for each file; a process of tests has no float64 on JAX."""


@pytest.mark.parametrize("backend", [pytest.param(name, marks=pytest.mark.backend(name)) for name in FILES])
def test_the_vamp_priors_code_clamps_where_it_says(backend: str) -> None:
    module = import_module(f"{packages()[NOTATION]}.{BACKENDS[backend].framework}_vae")
    assert not list(wrong_clamps(open_binding(backend, "cpu"), notations()[NOTATION], module))
