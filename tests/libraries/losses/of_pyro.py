"""pyro-ppl as installed: its Trace_ELBO on a VAE as its tutorial writes one, with and without an annealed KL."""

import pyro
import pyro.distributions as dist
import torch
from torch import nn


class VAE(nn.Module):
    def __init__(self, z_dim=5, hidden=20, annealed=1.0):
        super().__init__()
        self.z_dim, self.annealed = z_dim, annealed
        self.hidden, self.loc, self.scale = nn.Linear(30, hidden), nn.Linear(hidden, z_dim), nn.Linear(hidden, z_dim)
        self.decoder = nn.Sequential(nn.Linear(z_dim, hidden), nn.Softplus(), nn.Linear(hidden, 30))

    def model(self, x):
        pyro.module("decoder", self.decoder)
        with pyro.plate("data", x.shape[0]):
            z_loc = x.new_zeros(x.shape[0], self.z_dim)
            with pyro.poutine.scale(scale=self.annealed):
                z = pyro.sample("z", dist.Normal(z_loc, torch.ones_like(z_loc)).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=self.decoder(z), validate_args=False).to_event(1), obs=x)

    def guide(self, x):
        pyro.module("encoder", self.hidden)
        with pyro.plate("data", x.shape[0]), pyro.poutine.scale(scale=self.annealed):
            h = nn.functional.softplus(self.hidden(x))
            pyro.sample("z", dist.Normal(self.loc(h), self.scale(h).exp()).to_event(1))


class AnnealedInTheModelAlone(VAE):
    """Wrong: log q keeps its weight of 1."""

    def guide(self, x):
        with pyro.plate("data", x.shape[0]):
            h = nn.functional.softplus(self.hidden(x))
            pyro.sample("z", dist.Normal(self.loc(h), self.scale(h).exp()).to_event(1))


class Softened(VAE):
    """Right: the standard deviation is a softplus of the head, or what is given, with an ε."""

    def __init__(self, made=nn.functional.softplus):
        super().__init__()
        self.made = made

    def guide(self, x):
        pyro.module("encoder", self.hidden)
        with pyro.plate("data", x.shape[0]):
            h = nn.functional.softplus(self.hidden(x))
            pyro.sample("z", dist.Normal(self.loc(h), self.made(self.scale(h)) + 1e-5).to_event(1))
