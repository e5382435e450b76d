"""Conv and ConvTranspose, with stored or computed kernels."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import nn

from converters.torch_import.operation import Operation
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

_LAYERS: dict[str, tuple[Callable[..., nn.Module], ...]] = {
    "Conv": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    "ConvTranspose": (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Conv": (F.conv1d, F.conv2d, F.conv3d),
    "ConvTranspose": (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d),
}


def window(op: Operation, axes: int) -> tuple[list[int], list[int]]:
    """Return strides and dilations of a sliding window over `axes` axes."""
    return op.attribute("strides") or [1] * axes, op.attribute("dilations") or [1] * axes


def begin_end_pads(
    op: Operation, sizes: tuple[int, ...], kernel: list[int], strides: list[int], dilations: list[int]
) -> tuple[list[int], list[int]]:
    """Return the padding before and after each axis, computing it for `auto_pad`."""
    mode = op.attribute("auto_pad", "NOTSET")
    axes = len(sizes)
    if mode in ("NOTSET", ""):
        pads = op.attribute("pads") or [0] * (2 * axes)
        return list(pads[:axes]), list(pads[axes:])
    if mode == "VALID":
        return [0] * axes, [0] * axes
    begins, ends = [], []
    for size, length, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + (length - 1) * dilation + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begins.append(small if mode == "SAME_UPPER" else large)
        ends.append(large if mode == "SAME_UPPER" else small)
    return begins, ends


def torch_pads(begins: list[int], ends: list[int]) -> list[int]:
    """Return pads in F.pad's order: last axis first, begin and end of each axis together."""
    pairs = reversed(list(zip(begins, ends, strict=True)))
    return [pad for pair in pairs for pad in pair]


@builds("Conv")
def convolution(op: Operation) -> Value:
    value, weight, bias = op.tensor(0), op.tensor(1), op.optional(2)
    kernel = list(op.shape(weight)[2:])
    axes = len(kernel)
    if not 1 <= axes <= 3:
        op.refuse(f"slides over {axes} axes; one, two or three are possible")
    strides, dilations = window(op, axes)
    begins, ends = begin_end_pads(op, op.shape(value)[2:], kernel, strides, dilations)
    if begins != ends or min(begins) < 0:
        value = op.call(F.pad, value, torch_pads(begins, ends))
        begins = [0] * axes
    options = {"stride": tuple(strides), "padding": tuple(begins), "dilation": tuple(dilations)}
    return _apply(op, value, weight, bias, axes, options, transposed=False)


@builds("ConvTranspose")
def transposed_convolution(op: Operation) -> Value:
    value, weight, bias = op.tensor(0), op.tensor(1), op.optional(2)
    kernel = list(op.shape(weight)[2:])
    axes = len(kernel)
    if not 1 <= axes <= 3:
        op.refuse(f"slides over {axes} axes; one, two or three are possible")
    strides, dilations = window(op, axes)
    extra = list(op.attribute("output_padding") or [0] * axes)
    sizes = op.shape(value)[2:]
    full = [
        stride * (size - 1) + (length - 1) * dilation + 1
        for size, length, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    wanted = _wanted_sizes(op, sizes, strides, full, extra)
    begins, ends = _transposed_pads(op, wanted, full, extra, axes)
    # torch pads both sides equally and then adds output_padding < stride at the end; crop what does not fit that
    padding = [max(min(begin, end), 0) for begin, end in zip(begins, ends, strict=True)]
    added = [max(pad - end + more, 0) for pad, end, more in zip(padding, ends, extra, strict=True)]
    if any(more >= max(stride, dilation) for more, stride, dilation in zip(added, strides, dilations, strict=True)):
        padding, added = [0] * axes, [0] * axes
    options = {
        "stride": tuple(strides),
        "padding": tuple(padding),
        "output_padding": tuple(added),
        "dilation": tuple(dilations),
    }
    produced = [
        stride * (size - 1) + (length - 1) * dilation + 1 - 2 * pad + more
        for size, length, stride, dilation, pad, more in zip(
            sizes, kernel, strides, dilations, padding, added, strict=True
        )
    ]
    crop_begin = [pad - begin for pad, begin in zip(padding, begins, strict=True)]
    crop_end = [target - size - change for target, size, change in zip(wanted, produced, crop_begin, strict=True)]
    grows = max(*crop_begin, *crop_end) > 0 and bias is not None
    result = _apply(op, value, weight, None if grows else bias, axes, options, transposed=True)
    if any(crop_begin) or any(crop_end):
        result = op.call(F.pad, result, torch_pads(crop_begin, crop_end))
    if grows and bias is not None:
        result = op.call(operator.add, result, op.call("reshape", bias, (1, -1, *([1] * axes))))
    return result


def _wanted_sizes(
    op: Operation, sizes: tuple[int, ...], strides: list[int], full: list[int], extra: list[int]
) -> list[int]:
    given = op.attribute("output_shape")
    if given:
        return list(given[-len(sizes) :])
    if op.attribute("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER"):
        return [size * stride for size, stride in zip(sizes, strides, strict=True)]
    pads = op.attribute("pads") or [0] * (2 * len(sizes))
    if op.attribute("auto_pad", "NOTSET") == "VALID":
        pads = [0] * (2 * len(sizes))
    return [
        size + more - begin - end
        for size, more, begin, end in zip(full, extra, pads[: len(sizes)], pads[len(sizes) :], strict=True)
    ]


def _transposed_pads(
    op: Operation, wanted: list[int], full: list[int], extra: list[int], axes: int
) -> tuple[list[int], list[int]]:
    mode = op.attribute("auto_pad", "NOTSET")
    if mode == "VALID" and not op.attribute("output_shape"):
        return [0] * axes, [0] * axes
    if not op.attribute("output_shape") and mode in ("NOTSET", ""):
        pads = op.attribute("pads") or [0] * (2 * axes)
        return list(pads[:axes]), list(pads[axes:])
    begins, ends = [], []
    for target, size, more in zip(wanted, full, extra, strict=True):
        total = size + more - target
        half = max(total, 0) // 2
        # an output larger than the kernel reaches grows at its end
        begin, end = (half, total - half) if mode == "SAME_UPPER" or total < 0 else (total - half, half)
        begins.append(begin)
        ends.append(end)
    return begins, ends


def _apply(
    op: Operation,
    value: Value,
    weight: Value,
    bias: Value | None,
    axes: int,
    options: dict[str, Any],
    *,
    transposed: bool,
) -> Value:
    groups = int(op.attribute("group", 1))
    if isinstance(weight, Constant) and (bias is None or isinstance(bias, Constant)):
        shape = weight.tensor.shape
        channels = (shape[0], shape[1] * groups) if transposed else (shape[1] * groups, shape[0])
        layer = _LAYERS[op.kind][axes - 1](
            *channels,
            tuple(shape[2:]),
            groups=groups,
            bias=bias is not None,
            device="meta",
            dtype=weight.tensor.dtype,
            **options,
        )
        path = op.module_path(weight)
        return op.module(layer, value, weights={"weight": weight, "bias": bias}, path=path)
    if transposed and not isinstance(weight, Constant):
        return _spread_convolution(op, value, weight, bias, groups, options)
    return op.call(_FUNCTIONS[op.kind][axes - 1], value, weight, bias, groups=groups, **options)


def _spread_convolution(
    op: Operation, value: Value, weight: Value, bias: Value | None, groups: int, options: dict[str, Any]
) -> Value:
    """Do a transposed convolution with a computed kernel as a plain one over a picture spread out with zeros.

    Core ML wants a transposed convolution's kernel stored; a plain convolution's may be computed.
    """
    into, out, *kernel = op.shape(weight)
    axes = len(kernel)
    for axis, stride in enumerate(options["stride"]):
        value = _with_zeros_between(op, value, axis + 2, stride)
    reach = [dilation * (length - 1) for dilation, length in zip(options["dilation"], kernel, strict=True)]
    begins = [size - pad for size, pad in zip(reach, options["padding"], strict=True)]
    ends = [begin + more for begin, more in zip(begins, options["output_padding"], strict=True)]
    value = op.call(F.pad, value, torch_pads(begins, ends))
    mirrored = op.call(torch.flip, weight, list(range(2, axes + 2)))
    if groups > 1:
        mirrored = op.call("reshape", mirrored, (groups, into // groups, out, *kernel))
        mirrored = op.call(torch.transpose, mirrored, 1, 2)
        mirrored = op.call("reshape", mirrored, (groups * out, into // groups, *kernel))
    else:
        mirrored = op.call(torch.transpose, mirrored, 0, 1)
    return op.call(_FUNCTIONS["Conv"][axes - 1], value, mirrored, bias, dilation=options["dilation"], groups=groups)


def _with_zeros_between(op: Operation, value: Value, axis: int, stride: int) -> Value:
    """Put stride - 1 zeros between the elements along an axis, none after the last; at most four axes at a time."""
    if stride == 1:
        return value
    shape = op.shape(value)
    rows, size, columns = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    lines = op.call("reshape", value, (rows, size, 1, columns))
    lines = op.call(F.pad, lines, [0, 0, 0, stride - 1])
    spread = op.call("reshape", lines, (*shape[:axis], size * stride, *shape[axis + 1 :]))
    return op.call("narrow", spread, axis, 0, (size - 1) * stride + 1)
