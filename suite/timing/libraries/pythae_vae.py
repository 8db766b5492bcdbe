"""pythae: `VAE` with a custom encoder and decoder, as in its documentation, and the step of `BaseTrainer`."""

from __future__ import annotations

import logging
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler, TrainingCallback
from torch import nn

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


class Encoder(BaseEncoder):
    """x: [batch, data] → embedding (the mean), log_covariance: [batch, latent]."""

    def __init__(self, data: int, hidden: int, latent: int):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(data, hidden), nn.ReLU())
        self.embedding, self.log_var = nn.Linear(hidden, latent), nn.Linear(hidden, latent)

    def forward(self, x: torch.Tensor) -> ModelOutput:
        h = self.hidden(x)
        return ModelOutput(embedding=self.embedding(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """z: [batch, latent] → reconstruction, probabilities: [batch, data]."""

    def __init__(self, data: int, hidden: int, latent: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, data), nn.Sigmoid())

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z))


class OneBatch(list[Any]):
    """A loader of one batch in memory, so that the step is timed, and no DataLoader."""

    def __init__(self, inputs: Any, dataset: Any):
        super().__init__([inputs])
        self.dataset = dataset


class PythaeRun(TorchRun):
    """A VAE of pythae on a problem's data."""

    def __init__(self, problem: Problem):
        spec = problem.spec
        self.model = _model(spec)
        encoder, decoder = self.model.encoder, self.model.decoder
        linear = {
            ENCODER_HIDDEN: encoder.hidden[0],
            ENCODER_MEAN: encoder.embedding,
            ENCODER_LOG_VARIANCE: encoder.log_var,
            DECODER_HIDDEN: decoder.layers[0],
            DECODER_LOGITS: decoder.layers[2],
        }
        super().__init__(linear, float32(problem.weights))
        self.shape = len(problem.x), spec.latent_dim
        x = torch.tensor(problem.x, dtype=torch.float32)
        self.dataset = BaseDataset(x, torch.zeros(len(x)))
        self.inputs = {"data": x}

    def noise(self) -> Array:
        return self.replay(lambda: torch.randn_like(torch.empty(self.shape)))


class PythaeForward(PythaeRun):
    """`model(inputs)` as the trainer's `eval_step` calls it."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self.model.eval()

    def __call__(self) -> Any:
        with torch.no_grad():
            return self.model(self.inputs).loss

    def restore(self) -> None:
        self.put_weights()

    def first_moments(self) -> dict[str, Array]:
        return {}


class PythaeTraining(PythaeRun):
    """`BaseTrainer.train_step` over one batch, without progress bars."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        logging.getLogger("pythae.trainers.base_trainer.base_trainer").setLevel(logging.WARNING)
        batch = len(problem.x)
        config = BaseTrainerConfig(
            num_epochs=1,
            learning_rate=ADAM.learning_rate,
            per_device_train_batch_size=batch,
            optimizer_cls="Adam",
            no_cuda=True,
        )
        self.trainer = BaseTrainer(self.model, self.dataset, training_config=config)
        self.trainer.train_loader = OneBatch(self.inputs, self.dataset)
        self.trainer.callback_handler = CallbackHandler([TrainingCallback()], self.model)
        self.trainer.set_optimizer()

    def __call__(self) -> Any:
        return self.trainer.train_step(epoch=1)

    def restore(self) -> None:
        self.put_weights()
        self.trainer.set_optimizer()

    def first_moments(self) -> dict[str, Array]:
        return self.moments_of(lambda parameter: self.trainer.optimizer.state[parameter])


def open_run(binding: Binding, problem: Problem, stage: str, variant: str) -> LibraryRun:
    """A stage of pythae; each has one variant."""
    return PythaeForward(problem) if stage == "elbo" else PythaeTraining(problem)


def _model(spec: Spec) -> Any:
    config = VAEConfig(input_dim=(spec.data_dim,), latent_dim=spec.latent_dim, reconstruction_loss="bce")
    sizes = spec.data_dim, spec.hidden[0], spec.latent_dim
    return VAE(config, encoder=Encoder(*sizes), decoder=Decoder(*sizes))
