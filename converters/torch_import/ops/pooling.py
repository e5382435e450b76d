"""Pooling windows and global pooling."""

from __future__ import annotations

import math
import operator

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling

from converters.torch_import.operation import Operation
from converters.torch_import.ops.convolution import begin_end_pads, torch_pads, window
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

_MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_AVERAGE = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


class _Window:
    """Geometry of one pooling node: kernel, strides, dilations, pads and the pads that ceil_mode adds."""

    def __init__(self, op: Operation, value: Value) -> None:
        self.sizes = op.shape(value)[2:]
        self.axes = len(self.sizes)
        if not 1 <= self.axes <= 3:
            op.refuse(f"slides over {self.axes} axes; one, two or three are possible")
        self.kernel: list[int] = list(op.attribute("kernel_shape"))
        self.strides, self.dilations = window(op, self.axes)
        self.begins, self.ends = begin_end_pads(op, self.sizes, self.kernel, self.strides, self.dilations)
        is_explicit = op.attribute("auto_pad", "NOTSET") in ("NOTSET", "")
        self.extra = [0] * self.axes
        if op.attribute("ceil_mode", 0) and is_explicit:
            self.extra = [self._ceil_pad(axis) for axis in range(self.axes)]

    def _ceil_pad(self, axis: int) -> int:
        """Return how much more must be added at the end so that the last, incomplete window is taken too."""
        reach = (self.kernel[axis] - 1) * self.dilations[axis] + 1
        padded = self.sizes[axis] + self.begins[axis] + self.ends[axis]
        count = math.ceil((padded - reach) / self.strides[axis]) + 1
        if (count - 1) * self.strides[axis] >= self.sizes[axis] + self.begins[axis]:
            count -= 1  # a window must start inside the input or the padding before it
        return max((count - 1) * self.strides[axis] + reach - padded, 0)

    @property
    def total_ends(self) -> list[int]:
        return [end + extra for end, extra in zip(self.ends, self.extra, strict=True)]

    @property
    def fits_torch(self) -> bool:
        """Whether torch's own symmetric padding, at most half the kernel, says the same."""
        return self.begins == self.total_ends and all(
            0 <= pad <= length // 2 for pad, length in zip(self.begins, self.kernel, strict=True)
        )

    def is_padded(self) -> bool:
        return any(self.begins) or any(self.total_ends)


@builds("MaxPool")
def max_pool(op: Operation) -> list[Value | None]:
    value, dtype = op.tensor(), op.dtype(op.tensor())
    geometry = _Window(op, value)
    wants_indices = len(op.outputs) > 1 and bool(op.outputs[1])
    source: Value = value
    if not dtype.is_floating_point:
        source = op.cast(value, torch.float32)  # int8 and uint8 only: exact
    padding = geometry.begins
    if not geometry.fits_torch:
        source = op.call(F.pad, source, torch_pads(geometry.begins, geometry.total_ends), value=-math.inf)
        padding = [0] * geometry.axes
    function = _MAX[geometry.axes - 1]
    options = {"stride": geometry.strides, "padding": padding, "dilation": geometry.dilations}
    result = op.call(function, source, geometry.kernel, **options)
    if not wants_indices:
        return [op.cast(result, dtype)]
    indices = _indices(op, source, geometry, padding, options)
    return [op.cast(result, dtype), indices]


def _indices(
    op: Operation, source: Value, geometry: _Window, padding: list[int], options: dict[str, list[int]]
) -> Value:
    """Return the flat position of every maximum in the whole input, as ONNX counts it."""
    function = (F.max_pool1d_with_indices, F.max_pool2d_with_indices, F.max_pool3d_with_indices)[geometry.axes - 1]
    local = op.item(op.call(function, source, geometry.kernel, **options), 1)
    batch, channels = op.shape(source)[:2]
    padded, sizes = op.shape(source)[2:], geometry.sizes
    begins = geometry.begins if padding != geometry.begins else [0] * geometry.axes
    order = list(range(geometry.axes))
    if op.attribute("storage_order", 0):
        order.reverse()
    position: Value | None = None
    for axis in range(geometry.axes):
        below = math.prod(padded[axis + 1 :])
        coordinate = op.call(torch.div, local, below, rounding_mode="floor")
        coordinate = op.call(torch.remainder, coordinate, padded[axis])
        coordinate = op.call(operator.sub, coordinate, begins[axis])
        weight = math.prod(sizes[other] for other in order[order.index(axis) + 1 :])
        part = op.call(operator.mul, coordinate, weight)
        position = part if position is None else op.call(operator.add, position, part)
    assert position is not None
    planes = torch.arange(batch * channels).reshape(batch, channels, *([1] * geometry.axes)) * math.prod(sizes)
    return op.call(operator.add, position, Constant(planes))


@builds("AveragePool")
def average_pool(op: Operation) -> Value:
    value = op.tensor()
    geometry = _Window(op, value)
    counts_padding = bool(op.attribute("count_include_pad", 0))
    plain = set(geometry.dilations) == {1}
    if plain and geometry.fits_torch and (counts_padding or not any(geometry.begins) or not any(geometry.extra)):
        function = _AVERAGE[geometry.axes - 1]
        return (
            op.call(function, value, geometry.kernel, geometry.strides, geometry.begins, False, counts_padding)
            if not any(geometry.extra)
            else _counted(op, value, geometry, counts_padding)
        )
    return _counted(op, value, geometry, counts_padding)


def _counted(op: Operation, value: Value, geometry: _Window, counts_padding: bool) -> Value:
    """Average as sum times one over the number of elements that count, which is a constant picture."""
    sums = _window_sums(op, value, geometry)
    shape = op.shape(value)
    if counts_padding:
        ones = torch.nn.functional.pad(
            torch.ones(geometry.sizes), torch_pads(geometry.begins, geometry.ends), value=1.0
        )
        begins, ends = [0] * geometry.axes, geometry.extra
    else:
        ones, begins, ends = torch.ones(geometry.sizes), geometry.begins, geometry.total_ends
    counted = F.pad(ones, torch_pads(begins, ends))[None, None].to(torch.float64)
    counts = _sum_pool(counted, tuple(geometry.kernel), tuple(geometry.strides), tuple(geometry.dilations))
    factor = (1.0 / counts).to(op.dtype(value))
    del shape
    return op.call(operator.mul, sums, Constant(factor))


def _window_sums(op: Operation, value: Value, geometry: _Window) -> Value:
    padded = value
    if geometry.is_padded():
        padded = op.call(F.pad, value, torch_pads(geometry.begins, geometry.total_ends))
    if set(geometry.dilations) == {1}:
        mean = op.call(_AVERAGE[geometry.axes - 1], padded, geometry.kernel, geometry.strides)
        return op.call(operator.mul, mean, float(math.prod(geometry.kernel)))
    channels = op.shape(value)[1]
    ones = Constant(torch.ones((channels, 1, *geometry.kernel), dtype=op.dtype(value)))
    function = (F.conv1d, F.conv2d, F.conv3d)[geometry.axes - 1]
    return op.call(function, padded, ones, None, geometry.strides, [0] * geometry.axes, geometry.dilations, channels)


def _sum_pool(
    value: torch.Tensor, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> torch.Tensor:
    function = (F.conv1d, F.conv2d, F.conv3d)[len(kernel) - 1]
    ones = torch.ones((1, 1, *kernel), dtype=value.dtype)
    return function(value, ones, None, strides, 0, dilations)


@builds("LpPool")
def lp_pool(op: Operation) -> Value:
    value, order = op.tensor(), int(op.attribute("p", 2))
    geometry = _Window(op, value)
    absolute = op.call(torch.abs, value)
    powered = absolute if order == 1 else op.call(torch.pow, absolute, order)
    sums = _window_sums(op, powered, geometry)
    return sums if order == 1 else op.call(torch.pow, sums, 1.0 / order)


@builds("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(op: Operation) -> Value:
    value = op.tensor()
    axes = list(range(2, op.rank(value)))
    if op.kind == "GlobalAveragePool":
        return op.call(torch.mean, value, dim=axes, keepdim=True)
    if op.kind == "GlobalMaxPool":
        return op.call(torch.amax, value, dim=axes, keepdim=True)
    order = int(op.attribute("p", 2))
    sums = op.call(torch.sum, op.call(torch.pow, op.call(torch.abs, value), order), dim=axes, keepdim=True)
    return op.call(torch.pow, sums, 1.0 / order)
