"""Transposed convolutions as ordinary ones: each phase of the output's grid is a small convolution of the input.

oneDNN has no fast transposed convolution with a stride in bfloat16: it takes twice the time of float32, where products
take half.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


class Phases(nn.Module):
    """A transposed convolution of stride s as one convolution to s² channels for each, and a shuffle of pixels.

    Output pixel s·i + p takes the taps p, p + s, … of the kernel, so that all pixels of phase p are one convolution of
    the input at stride 1. The kernel is rearranged at every call: weights stay the layer's own, and may be trained.

    Args:
        layer: as `can_be_phases` accepts it.
    """

    def __init__(self, layer: nn.ConvTranspose2d):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.stride, self.kernel = layer.stride[0], layer.kernel_size[0]
        self.taps = -(-self.kernel // self.stride)

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, in, height, width] → [batch, out, (height − 1) · s + k, (width − 1) · s + k]."""
        s, taps = self.stride, self.taps
        inputs, outputs = self.weight.shape[:2]
        more = taps * s - self.kernel
        kernel = functional.pad(self.weight, (0, more, 0, more)).view(inputs, outputs, taps, s, taps, s)
        # A convolution reads the input forwards where its transpose writes the output forwards: taps are reversed.
        kernel = kernel.flip(2, 4).permute(1, 3, 5, 0, 2, 4).reshape(outputs * s * s, inputs, taps, taps)
        bias = None if self.bias is None else self.bias.repeat_interleave(s * s)
        y = functional.pixel_shuffle(functional.conv2d(x, kernel, bias, padding=taps - 1), s)
        height, width = ((size - 1) * s + self.kernel for size in x.shape[2:])
        return y[..., :height, :width]


def can_be_phases(module: nn.Module) -> bool:
    """Whether a module is a transposed convolution with a stride, square and without padding, dilation or groups."""
    if not isinstance(module, nn.ConvTranspose2d):
        return False
    plain = module.padding == module.output_padding == (0, 0) and module.dilation == (1, 1) and module.groups == 1
    square = len(set(module.stride)) == len(set(module.kernel_size)) == 1
    return plain and square and module.stride[0] > 1


def in_phases(model: nn.Module) -> nn.Module:
    """The model with its strided transposed convolutions replaced, in place; weights keep their attribute paths.

    Raises:
        ValueError: it has none.
    """
    found = [name for name, module in model.named_modules() if can_be_phases(module)]
    if not found:
        raise ValueError(f"{type(model).__name__} has no strided transposed convolution that could be made of phases")
    for name in found:
        model.set_submodule(name, Phases(cast(nn.ConvTranspose2d, model.get_submodule(name))))
    return model
