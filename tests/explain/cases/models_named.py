"""Right models of torch, whose tensors have their names in a dict, a named tuple, a layer's attribute, or nowhere."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn


class Out(NamedTuple):
    x_hat: torch.Tensor
    m: torch.Tensor
    lv: torch.Tensor


class Keyed(nn.Module):
    """A dict."""

    def __init__(self, width=11, latent=3):
        super().__init__()
        self.fc_mean, self.fc_logvar = nn.Linear(width, latent), nn.Linear(width, latent)
        self.dec = nn.Linear(latent, width)

    def forward(self, x):
        return {"mean": self.fc_mean(x), "log_variance": self.fc_logvar(x)}

    def decoded(self, q):
        return self.dec(q[0] + torch.randn_like(q[0]) * torch.exp(0.5 * q[1]))

    def kl(self, q):
        return 0.5 * torch.sum(q[0] ** 2 + q[1].exp() - q[1] - 1)

    def loss(self, x):
        q = [*self(x).values()]
        return F.binary_cross_entropy_with_logits(self.decoded(q), x, reduction="sum") + self.kl(q)


class OfLayers(Keyed):
    """Nothing but the layers' own names."""

    def forward(self, x):
        return {0: self.fc_mean(x), 1: self.fc_logvar(x)}


class Tupled(OfLayers):
    """A named tuple, whose names go before the layers'."""

    def loss(self, x):
        q = [*self(x).values()]
        out = Out(self.decoded(q), *q)
        return F.binary_cross_entropy_with_logits(out.x_hat, x, reduction="sum") + self.kl(q)


class Reused(OfLayers):
    """A name that two tensors have had says less than the second one's own."""

    def forward(self, x):
        out = self.fc_mean(x)
        mu = out
        out = self.fc_logvar(x)
        logvar = out
        return {0: mu, 1: logvar + 0.0}


class Nowhere(Keyed):
    """One layer puts out both."""

    def __init__(self):
        super().__init__()
        self.both = nn.Linear(11, 6)

    def forward(self, x):
        return dict(enumerate(self.both(x).chunk(2, 1)))
