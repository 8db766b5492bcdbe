"""Transposed convolutions in forms that oneDNN computes faster; what they compute, and their weights, stay the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import cast

from torch import Tensor, nn
from torch.nn import functional


class WholeStrides(nn.Module):
    """A transposed convolution of stride s that asks for an output of whole strides, and crops what is too much.

    For these alone oneDNN 3.12 takes its `brg_deconv`, as `ONEDNN_VERBOSE=1` shows; for other sizes `conv:any`, in
    twice the time in float32 and 17 times in bfloat16 (AVX-512).

    Args:
        layer: as `leaves_part_of_a_stride` accepts it.
    """

    def __init__(self, layer: nn.ConvTranspose2d):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.stride, self.padding = layer.stride, cast(tuple[int, int], layer.padding)
        self.more = tuple(_missing(layer))

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, in, height, width] → [batch, out, height', width'] as the layer has them."""
        more = self.more
        y = functional.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding, more)
        return y[..., : y.shape[2] - more[0], : y.shape[3] - more[1]]


class ShiftedSum(nn.Module):
    """A transposed convolution of stride 1 to few channels: one product with all taps of the kernel, then their sum.

    A convolution to one channel leaves the columns of a matrix kernel empty; the taps fill them. They are added in the
    dtype of the weights: below float32, sums of rounded terms would round again.

    Args:
        layer: as `has_few_taps` accepts it.
    """

    def __init__(self, layer: nn.ConvTranspose2d):
        super().__init__()
        assert layer.bias is not None
        self.weight, self.bias = layer.weight, layer.bias
        self.padding = cast(tuple[int, int], layer.padding)

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, in, height, width] → [batch, out, height', width'] as the layer has them."""
        outputs, rows, columns = self.weight.shape[1:]
        taps = x.permute(0, 2, 3, 1) @ self.weight.flip(2, 3).flatten(1)
        taps = taps.to(self.weight.dtype).view(*taps.shape[:3], outputs, rows * columns)
        # Output pixel o takes tap k of input pixel o + padding − k, or of the input with a margin, tap reversed, o + k.
        top, left = rows - 1 - self.padding[0], columns - 1 - self.padding[1]
        taps = functional.pad(taps, (0, 0, 0, 0, left, left, top, top))
        height, width = taps.shape[1] - rows + 1, taps.shape[2] - columns + 1
        y = self.bias
        for i, j in product(range(rows), range(columns)):
            y = y + taps[:, i : i + height, j : j + width, :, i * columns + j]
        return y.permute(0, 3, 1, 2)


def leaves_part_of_a_stride(module: nn.Module) -> bool:
    """Whether a module is a transposed convolution whose output is no whole number of strides."""
    if not isinstance(module, nn.ConvTranspose2d) or set(module.output_padding) != {0}:
        return False
    return set(module.dilation) == {1} and module.groups == 1 and any(_missing(module))


def has_few_taps(module: nn.Module) -> bool:
    """Whether a module is a transposed convolution of stride 1 with fewer taps, of all outputs, than input channels."""
    if not isinstance(module, nn.ConvTranspose2d) or module.bias is None:
        return False
    plain = {*module.stride, *module.dilation, module.groups} == {1} and set(module.output_padding) == {0}
    margins = zip(module.kernel_size, cast(tuple[int, int], module.padding), strict=True)
    return plain and all(p < k for k, p in margins) and module.weight[0].numel() < module.in_channels


def _missing(layer: nn.ConvTranspose2d) -> list[int]:
    """Rows and columns from a layer's output to whole strides: s · (input − 1) + kernel − 2 · padding is its size."""
    sizes = zip(layer.kernel_size, cast(tuple[int, int], layer.padding), layer.stride, strict=True)
    return [(2 * padding - kernel) % stride for kernel, padding, stride in sizes]


def replaced(
    model: nn.Module, accepts: Callable[[nn.Module], bool], form: Callable[[nn.ConvTranspose2d], nn.Module]
) -> nn.Module:
    """The model with the layers that are accepted in another form, in place; weights keep their attribute paths.

    Raises:
        ValueError: it has none.
    """
    found = [name for name, module in model.named_modules() if accepts(module)]
    if not found:
        raise ValueError(f"{type(model).__name__}: no layer for which {accepts.__name__} holds")
    for name in found:
        model.set_submodule(name, form(cast(nn.ConvTranspose2d, model.get_submodule(name))))
    return model
