"""Pyro: `model` and `guide` of its VAE tutorial, and `SVI`; the encoder's second head is a log-variance here."""

from __future__ import annotations

from itertools import count
from typing import Any

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, JitTrace_ELBO, Trace_ELBO, TraceMeanField_ELBO
from torch import Tensor, nn

from ...backends.base import Binding
from ...reference.problem import Problem
from ...reference.spec import Spec
from ..measure.training import ADAM
from .base import (
    DECODER_HIDDEN,
    DECODER_LOGITS,
    ENCODER_HIDDEN,
    ENCODER_LOG_VARIANCE,
    ENCODER_MEAN,
    Array,
    LibraryRun,
    float32,
)
from .on_torch import TorchRun

# Pyro keeps parameters by name in a store of the whole process: models of the same name would share parameters.
NUMBERS = count()
LOSSES = {"Trace_ELBO": Trace_ELBO, "TraceMeanField_ELBO": TraceMeanField_ELBO, "JitTrace_ELBO": JitTrace_ELBO}


class Encoder(nn.Module):
    """x: [batch, data] → mean and scale: [batch, latent] each."""

    def __init__(self, spec: Spec):
        super().__init__()
        hidden = spec.hidden[0]
        self.fc1 = nn.Linear(spec.data_dim, hidden)
        self.fc21, self.fc22 = nn.Linear(hidden, spec.latent_dim), nn.Linear(hidden, spec.latent_dim)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.relu(self.fc1(x))
        return self.fc21(hidden), torch.exp(0.5 * self.fc22(hidden))


class Decoder(nn.Module):
    """z: [batch, latent] → probabilities: [batch, data]."""

    def __init__(self, spec: Spec):
        super().__init__()
        hidden = spec.hidden[0]
        self.fc1, self.fc21 = nn.Linear(spec.latent_dim, hidden), nn.Linear(hidden, spec.data_dim)
        self.relu, self.sigmoid = nn.ReLU(), nn.Sigmoid()

    def forward(self, z: Tensor) -> Tensor:
        probabilities: Tensor = self.sigmoid(self.fc21(self.relu(self.fc1(z))))
        return probabilities


class VAE(nn.Module):
    """p(x|z) p(z) as `model`, q(z|x) as `guide`."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.encoder, self.decoder, self.z_dim = Encoder(spec), Decoder(spec), spec.latent_dim
        self.number = next(NUMBERS)

    def model(self, x: Tensor) -> None:
        pyro.module(f"decoder_{self.number}", self.decoder)
        with pyro.plate("data", x.shape[0]):
            z_loc = torch.zeros(x.shape[0], self.z_dim, dtype=x.dtype, device=x.device)
            z_scale = torch.ones(x.shape[0], self.z_dim, dtype=x.dtype, device=x.device)
            z = pyro.sample("latent", dist.Normal(z_loc, z_scale).to_event(1))
            loc_img = self.decoder(z)
            pyro.sample("obs", dist.Bernoulli(loc_img, validate_args=False).to_event(1), obs=x)

    def guide(self, x: Tensor) -> None:
        pyro.module(f"encoder_{self.number}", self.encoder)
        with pyro.plate("data", x.shape[0]):
            z_loc, z_scale = self.encoder(x)
            pyro.sample("latent", dist.Normal(z_loc, z_scale).to_event(1))


class PyroRun(TorchRun):
    """`SVI` of a VAE on a problem's data."""

    def __init__(self, problem: Problem, loss: str):
        self.vae = VAE(problem.spec)
        encoder, decoder = self.vae.encoder, self.vae.decoder
        linear = {
            ENCODER_HIDDEN: encoder.fc1,
            ENCODER_MEAN: encoder.fc21,
            ENCODER_LOG_VARIANCE: encoder.fc22,
            DECODER_HIDDEN: decoder.fc1,
            DECODER_LOGITS: decoder.fc21,
        }
        super().__init__(linear, float32(problem.weights))
        self.x = torch.tensor(problem.x, dtype=torch.float32)
        self.shape = len(problem.x), problem.spec.latent_dim
        self.svi = SVI(self.vae.model, self.vae.guide, self.adam(), loss=LOSSES[loss]())

    def adam(self) -> Any:
        return pyro.optim.Adam({"lr": ADAM.learning_rate})

    def noise(self) -> Array:
        unit = dist.Normal(torch.zeros(self.shape), torch.ones(self.shape)).to_event(1)
        return self.replay(unit.rsample)

    def restore(self) -> None:
        self.put_weights()
        self.svi.optim = self.adam()


class PyroEvaluation(PyroRun):
    """`SVI.evaluate_loss`."""

    def __call__(self) -> Any:
        return self.svi.evaluate_loss(self.x)

    def first_moments(self) -> dict[str, Array]:
        return {}


class PyroTraining(PyroRun):
    """`SVI.step`."""

    def __call__(self) -> Any:
        return self.svi.step(self.x)

    def first_moments(self) -> dict[str, Array]:
        return self.moments_of(lambda parameter: self.svi.optim.optim_objs[parameter].state[parameter])


def open_run(binding: Binding, problem: Problem, stage: str, variant: str) -> LibraryRun:
    """A stage of Pyro by one of its losses."""
    return PyroEvaluation(problem, variant) if stage == "elbo" else PyroTraining(problem, variant)
