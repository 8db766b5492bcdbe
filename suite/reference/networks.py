"""The oracle's encoder and decoder, over nodes: what a specification's families have in common."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from .arithmetic import Selection
from .node import Node, Nodes
from .spec import Spec


def encode(spec: Spec, x: Node, w: Nodes) -> dict[str, Node]:
    """x [batch, data] → the heads of q(z|x) by name: `mean`, `log_variance` and what the covariance needs beside it."""
    return spec.families.posterior.encode(spec, x, w)


def decode(spec: Spec, z: Node, w: Nodes) -> dict[str, Node]:
    """z [..., batch, latent] → the heads of p(x|z) by name, each [..., batch, data]."""
    return spec.families.network.decode(spec, spec.families.latents.enter(spec, z, w), w)


def affine(a: Node, w: Nodes, name: str) -> Node:
    """[..., in] → [..., out] by `<name>.weight` and `<name>.bias`."""
    return a.linear(w[f"{name}.weight"]) + w[f"{name}.bias"]


def hidden(spec: Spec, entering: Node, w: Nodes, name: str) -> Node:
    """All hidden layers of a net, `<name>.<i>`, each with its activation."""
    for i in range(len(spec.hidden)):
        entering = spec.families.activation.hidden(entering, w, f"{name}.{i}")
    return entering


def layer_of(latents: Node, sizes: tuple[int, ...], i: int) -> Node:
    """The part of the latent axis that is layer i of layers of these sizes."""
    bounds = list(accumulate(sizes, initial=0))
    return latents.copy(Selection(np.arange(bounds[i], bounds[i + 1]), bounds[-1]))
