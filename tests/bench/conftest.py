"""The harness is tested on torch, unless a test is of another backend."""

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.get_closest_marker("backend") is None:
        item.add_marker(pytest.mark.backend("torch"))
