"""keras.io, code examples, *Variational AutoEncoder* (F. Chollet, 2020, Keras 3 version of 2024), in PyTorch.

Names are the page's; images are [batch, channel, height, width]. Added to it: sizes are arguments, a dense network
stands beside the convolutions, the noise `epsilon` can be an argument, and the decoder stops before the sigmoid, so
that nothing saturates. The loss is the batch mean of reconstruction_loss + kl_loss, minimised.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Sampling(nn.Module):
    """Uses (z_mean, z_log_var) to sample z, the vector encoding a digit."""

    def forward(self, z_mean: Tensor, z_log_var: Tensor, epsilon: Tensor | None = None) -> Tensor:
        """z_mean, z_log_var: [batch, latent]; epsilon: the same, drawn where it is not given → z: the same."""
        if epsilon is None:
            epsilon = torch.randn_like(z_mean)
        return z_mean + torch.exp(0.5 * z_log_var) * epsilon


class VAE(nn.Module):
    """`network` is `conv`, as published, or `mlp`: dense layers of the widths `hidden`, in reverse in the decoder."""

    def __init__(
        self,
        image_shape: Sequence[int] | None = (1, 28, 28),
        channels: Sequence[int] | None = (32, 64),
        hidden: Sequence[int] = (16,),
        latent_dim: int = 2,
        activation: str = "relu",
        network: str = "conv",
        data_dim: int = 784,
    ) -> None:
        """`image_shape`: channel, height, width; `channels`: of the encoder's convolutions. `mlp` reads neither."""
        super().__init__()
        self.activation = getattr(torch, activation)
        self.conv, self.deconv = nn.ModuleList(), nn.ModuleList()
        self.bottom: tuple[int, ...] = ()
        widths = (data_dim, *hidden)
        latent_widths = (latent_dim, *hidden[::-1])
        last: nn.Module = nn.Linear(latent_widths[-1], data_dim)
        if network == "conv":
            assert image_shape and channels
            halvings = 2 ** len(channels)
            self.bottom = (channels[-1], image_shape[1] // halvings, image_shape[2] // halvings)
            widths = (prod(self.bottom), *hidden)
            latent_widths = (latent_dim, prod(self.bottom))
            self.conv.extend(nn.Conv2d(i, o, 3, stride=2) for i, o in pairwise((image_shape[0], *channels)))
            self.deconv.extend(
                nn.ConvTranspose2d(i, o, 3, stride=2) for i, o in pairwise((channels[-1], *channels[::-1]))
            )
            last = nn.ConvTranspose2d(channels[0], image_shape[0], 3, padding=1)
        self.dense = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))
        self.z_mean = nn.Linear(hidden[-1], latent_dim)
        self.z_log_var = nn.Linear(hidden[-1], latent_dim)
        self.sampling = Sampling()
        self.latent_dense = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(latent_widths))
        self.reconstruction_logits = last  # the page gives this layer activation="sigmoid"

    def encoder(self, data: Tensor) -> tuple[Tensor, Tensor]:
        """data: [batch, channel, height, width] or [batch, data] → z_mean, z_log_var: [batch, latent] each."""
        x = data
        for layer in self.conv:
            # padding="same" at stride 2 is one zero after the image; torch's `padding` has one on each side
            x = self.activation(layer(F.pad(x, (0, 1, 0, 1))))
        x = x.flatten(1)
        for layer in self.dense:
            x = self.activation(layer(x))
        return self.z_mean(x), self.z_log_var(x)

    def decoder(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → reconstruction_logits: [batch, channel, height, width] or [batch, data]."""
        x = z
        for layer in self.latent_dense:
            x = self.activation(layer(x))
        if self.bottom:
            x = x.unflatten(1, self.bottom)
        for layer in self.deconv:
            x = self.activation(layer(x)[..., :-1, :-1])  # the transpose of the padding crops
        return self.reconstruction_logits(x)

    def forward(self, data: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """data: [batch, ...] → z_mean, z_log_var: [batch, latent], reconstruction, probabilities: as data."""
        z_mean, z_log_var = self.encoder(data)
        return z_mean, z_log_var, torch.sigmoid(self.decoder(self.sampling(z_mean, z_log_var)))

    def quantities(self, data: Tensor, epsilon: Tensor, from_logits: bool = True) -> dict[str, Tensor]:
        """data: [batch, ...], epsilon: [batch, latent] → what total_loss is the mean of, per datum."""
        z_mean, z_log_var = self.encoder(data)
        z = self.sampling(z_mean, z_log_var, epsilon)
        logits = self.decoder(z)
        if from_logits:
            cross_entropy = F.binary_cross_entropy_with_logits(logits, data, reduction="none")
        else:
            cross_entropy = F.binary_cross_entropy(torch.sigmoid(logits), data, reduction="none")
        reconstruction_loss = cross_entropy.flatten(1).sum(1)
        kl_loss = -0.5 * (1 + z_log_var - z_mean**2 - torch.exp(z_log_var))
        kl_loss = kl_loss.sum(1)
        return {
            "z_mean": z_mean,
            "z_log_var": z_log_var,
            "z": z,
            "reconstruction_logits": logits,
            "reconstruction": torch.sigmoid(logits),
            "reconstruction_loss": reconstruction_loss,
            "kl_loss": kl_loss,
            "total_loss": reconstruction_loss + kl_loss,
        }

    def quantities_as_published(self, data: Tensor, epsilon: Tensor) -> dict[str, Tensor]:
        """`quantities`, scored on probabilities: torch clamps their logarithm at -100."""
        return self.quantities(data, epsilon, from_logits=False)

    def objective(self, data: Tensor, epsilon: Tensor) -> Tensor:
        """data: [batch, ...], epsilon: [batch, latent] → total_loss, to be minimised: scalar."""
        return self.quantities(data, epsilon)["total_loss"].mean()

    def objective_as_published(self, data: Tensor, epsilon: Tensor) -> Tensor:
        """`objective`, scored on probabilities."""
        return self.quantities_as_published(data, epsilon)["total_loss"].mean()
