"""How are sites replaced in Pyro? The functions that `guided` needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyro
import torch
from pyro.infer import Trace_ELBO
from pyro.poutine.messenger import Messenger

from .guided import Cut, Library
from .subject import Subject
from .torch_model import TorchRunner


class _Handler(Messenger):
    """Replaces sites. It is the innermost handler: first before a site is drawn, and last after it."""

    def __init__(self, cut: Cut):
        super().__init__()
        self.cut = cut

    def _pyro_sample(self, message: Any) -> None:
        self.cut.swap(message, lambda fn: fn.sample())

    def _pyro_post_sample(self, message: Any) -> None:
        self.cut.keep(message)


def _sites(function: Callable[..., Any], x: Any) -> dict[str, dict[str, Any]]:
    nodes = pyro.poutine.trace(function).get_trace(x).nodes
    plain = (name for name, site in nodes.items() if site["type"] == "sample")
    return {name: nodes[name] for name in plain if type(nodes[name]["fn"]).__name__ != "_Subsample"}


def _loss(
    model: Callable[..., Any],
    guide: Callable[..., Any],
    x: Any,
    in_model: Mapping[str, tuple[Any, Any]],
    in_guide: Mapping[str, tuple[Any, Any]],
) -> Any:
    drawn = Cut(in_guide)
    return Trace_ELBO().differentiable_loss(
        lambda data: _under(model, Cut(in_model, drawn.own), data), lambda data: _under(guide, drawn, data), x
    )


def _under(function: Callable[..., Any], cut: Cut, x: Any) -> None:
    with _Handler(cut):
        function(x)


def _runs(function: Callable[[Any], Any], owner: Any) -> TorchRunner:
    return TorchRunner(Subject(owner, lambda x, training: function(x), None, ""))


LIBRARY = Library(_sites, _loss, torch.tensor, _runs, lambda function: function)
