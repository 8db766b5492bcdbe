"""An epoch as pytorch/examples, vae/main.py, trains: images through Pillow and a DataLoader, plain Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isqrt, prod
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, Dataset

from ...backends.base import Array, Tensor
from .training import Epoch, Training


class Digits(Dataset[tuple[Tensor, int]]):
    """What `torchvision.datasets.MNIST` with the transform `ToTensor()` does with each image.

    Args:
        images: [data count, *axes], unsigned bytes.
    """

    def __init__(self, images: Array):
        size = prod(images.shape[1:])
        side = isqrt(size)
        rows = images.shape[-2] if images.ndim > 2 else side if side * side == size else 1
        self.data = torch.from_numpy(np.array(images).reshape(len(images), rows, size // rows))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """[1, height, width] in [0, 1], and a label, which nobody reads."""
        image = Image.fromarray(self.data[index].numpy())  # "so that it is consistent with all other datasets"
        pixels = torch.from_numpy(np.array(image, copy=True))
        pixels = pixels.view(image.height, image.width, 1).permute(2, 0, 1).contiguous()
        return pixels.to(torch.float32).div(255), 0


class _Indices(Dataset[int]):
    """The index of each image in its place."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


class _Draws(TorchFunctionMode):
    """Keeps what `torch.randn` and `torch.randn_like` return."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (torch.randn, torch.randn_like):
            self.drawn.append(result)
        return result


class PublishedEpoch(Epoch):
    """Passes of `train` in pytorch/examples, vae/main.py; a last batch that is not full is dropped.

    Nothing is recorded while a pass runs: `order` and `noise` draw again from the generators' states at its start.

    Args:
        training: plain Adam on the published objective; its step is called without noise, so that the model draws.
        published: the objective as published, of (x, None).
        images: [data count, *axes], unsigned bytes.
        batch: images per step.
        device: where the steps are.
    """

    def __init__(
        self, training: Training, published: Callable[[Tensor, Any], Tensor], images: Array, batch: int, device: str
    ):
        self.training, self.published, self.device = training, published, torch.device(device)
        self.axes, self.batch = images.shape[1:], batch
        self.steps = len(images) // batch
        self.dataset = Digits(images)
        # The file's own settings, as far as they are not those of an accelerator.
        workers = {"num_workers": 1, "pin_memory": True} if device == "cuda" else {}
        self.loader = DataLoader(self.dataset, batch_size=batch, shuffle=True, drop_last=True, **workers)  # type: ignore[arg-type]  # a dictionary of two types
        self.state = self._state()

    def run(self) -> Tensor:
        self.state = self._state()
        train_loss = 0.0
        for data, _ in self.loader:
            x = data.to(self.device).view(self.batch, *self.axes)
            train_loss += self.training.step(x, None).item()
        return torch.tensor(train_loss)

    def restore(self, weights: Mapping[str, Array]) -> None:
        self.training.restore(weights)

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)  # of a GPU's generator too

    def order(self) -> Array:
        with self._replayed():
            return np.stack([rows.numpy() for rows in self._rows()])

    def noise(self) -> Array:
        draws = _Draws()
        with self._replayed(), torch.no_grad():
            for rows in self._rows():
                x = torch.stack([self.dataset[int(row)][0] for row in rows]).view(self.batch, *self.axes)
                with draws:
                    self.published(x.to(self.device), None)
        if len(draws.drawn) != self.steps:
            raise ValueError(f"{len(draws.drawn)} draws of noise in {self.steps} steps: expected one per step")
        drawn: Array = torch.stack(draws.drawn).cpu().numpy()
        return drawn.reshape(self.steps, self.batch, -1)

    def _rows(self) -> DataLoader[int]:
        """The indices of each batch. It draws from torch's generator what the loader of the images draws."""
        return DataLoader(_Indices(len(self.dataset)), batch_size=self.batch, shuffle=True, drop_last=True)

    def _state(self) -> tuple[Tensor, Tensor | None]:
        on_device = torch.cuda.get_rng_state() if self.device.type == "cuda" else None
        return torch.get_rng_state(), on_device

    @contextmanager
    def _replayed(self) -> Iterator[None]:
        """The generators as they were before the latest pass; afterwards, as they were before this."""
        state, on_device = self.state
        with torch.random.fork_rng(devices=[] if on_device is None else [torch.cuda.current_device()]):
            torch.set_rng_state(state)
            if on_device is not None:
                torch.cuda.set_rng_state(on_device)
            yield
