"""Pooling over windows."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.ops.convolution import pad_spatially, paddings
from converters.runtimes.mil.registry import operator


class _Windows:
    """Where the windows of a pooling operator lie.

    Attributes:
        kernel, strides: per spatial axis.
        pads: declared padding before and after each axis.
        reach: what must be added behind each axis (negative: cut off) so that the last window ends there.
        counts: outputs per axis.
    """

    def __init__(self, call: Call, x: torch.Tensor) -> None:
        count = x.dim() - 2
        if not 1 <= count <= 3:
            raise BadInputError(f"The operator {call.operation.label} has an input of rank {x.dim()}.")
        self.kernel = call.integers("kernel_sizes")
        self.strides = call.integers("strides", [1] * count)
        lengths_differ = len(self.kernel) != count or len(self.strides) != count
        if lengths_differ or min(self.kernel) < 1 or min(self.strides) < 1:
            raise BadInputError(f"The operator {call.operation.label} has impossible windows.")
        sizes = list(x.shape[2:])
        self.pads = paddings(call, sizes, self.kernel, self.strides)
        ceil_mode = call.flag("ceil_mode")
        self.counts: list[int] = []
        self.reach: list[int] = []
        for size, (before, after), kernel, stride in zip(sizes, self.pads, self.kernel, self.strides, strict=True):
            room = size + before + after - kernel
            windows = room // stride + 1
            if ceil_mode:
                windows = -(-room // stride) + 1
                if (windows - 1) * stride >= size + (before + after) / 2 and before + after > 0:
                    windows -= 1
            if windows < 1 or before < 0 or after < 0:
                raise BadInputError(f"The operator {call.operation.label} has windows larger than its input.")
            self.counts.append(windows)
            self.reach.append((windows - 1) * stride + kernel - size - before)

    def padded(self, x: torch.Tensor, value: float) -> torch.Tensor:
        """Return `x` with everything around it that windows reach."""
        around = [(before, reach) for (before, _after), reach in zip(self.pads, self.reach, strict=True)]
        return pad_spatially(x, around, value)

    def divisors(self, x: torch.Tensor, exclude_padding: bool) -> torch.Tensor:
        """Return by how much the sum of each window is to be divided, shaped to broadcast over the output."""
        result = torch.ones(())
        axes = zip(x.shape[2:], self.pads, self.kernel, self.strides, self.counts, strict=True)
        for index, (size, (before, after), kernel, stride, windows) in enumerate(axes):
            start = torch.arange(windows) * stride - before
            lowest, highest = (0, size) if exclude_padding else (-before, size + after)
            inside = (start + kernel).clamp(max=highest) - start.clamp(min=lowest)
            shape = [1] * len(self.counts)
            shape[index] = windows
            result = result * inside.clamp(min=1).reshape(shape)
        return result


def _window_sums(windows: _Windows, x: torch.Tensor) -> torch.Tensor:
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(windows.kernel) - 1]
    return function(windows.padded(x, 0.0), windows.kernel, windows.strides) * math.prod(windows.kernel)


@operator("avg_pool")
def avg_pool(call: Call) -> torch.Tensor:
    """The mean of each window, with or without the padding in it."""
    x = call.tensor("x")
    windows = _Windows(call, x)
    return _window_sums(windows, x) / windows.divisors(x, call.flag("exclude_padding_from_average"))


@operator("l2_pool")
def l2_pool(call: Call) -> torch.Tensor:
    """The root of the sum of squares of each window."""
    x = call.tensor("x")
    return torch.sqrt(_window_sums(_Windows(call, x), torch.square(x)))


@operator("max_pool")
def max_pool(call: Call) -> torch.Tensor:
    """The largest element of each window."""
    x = call.tensor("x")
    windows = _Windows(call, x)
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(windows.kernel) - 1]
    result: torch.Tensor = function(windows.padded(x, -math.inf), windows.kernel, windows.strides)
    return result
