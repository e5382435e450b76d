"""Convolutions and their transposes."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count

PAD_TYPES = ("valid", "same", "same_lower", "custom")


def same_padding(size: int, extent: int, stride: int, *, lower: bool = False) -> tuple[int, int]:
    """Return the padding before and after one axis that makes ceil(size / stride) outputs.

    Args:
        size: of the axis.
        extent: of the dilated kernel.
        stride: of the kernel.
        lower: put the odd element before the axis, not after it.
    """
    if stride < 1:
        raise BadInputError(f"A window cannot move by {stride}.")
    total = max(0, (-(-size // stride) - 1) * stride + extent - size)
    before = total - total // 2 if lower else total // 2
    return before, total - before


def paddings(call: Call, sizes: list[int], extents: list[int], strides: list[int]) -> list[tuple[int, int]]:
    """Return the padding before and after each spatial axis that the operator asks for."""
    pad_type = call.choice("pad_type", call.text("pad_type", "valid"), PAD_TYPES)
    if pad_type == "valid":
        return [(0, 0)] * len(sizes)
    if pad_type == "custom":
        pad = call.integers("pad", [0] * (2 * len(sizes)))
        if len(pad) != 2 * len(sizes):
            raise BadInputError(f"The operator {call.operation.label} has {len(pad)} paddings.")
        return list(zip(pad[0::2], pad[1::2], strict=True))
    lower = pad_type == "same_lower"
    return [
        same_padding(size, extent, stride, lower=lower)
        for size, extent, stride in zip(sizes, extents, strides, strict=True)
    ]


def pad_spatially(x: torch.Tensor, pads: list[tuple[int, int]], value: float) -> torch.Tensor:
    """Return `x` with its last axes padded; negative paddings crop."""
    if not any(before or after for before, after in pads):
        return x
    sizes = [size + before + after for size, (before, after) in zip(x.shape[-len(pads) :], pads, strict=True)]
    element_count([*x.shape[: -len(pads)], *sizes])
    return F.pad(x, [amount for pair in reversed(pads) for amount in pair], value=value)


def _per_axis(call: Call, name: str, count: int) -> list[int]:
    values = call.integers(name, [1] * count)
    if len(values) != count or any(value < 1 for value in values):
        raise BadInputError(f"The operator {call.operation.label} has the impossible {name} {values}.")
    return values


@operator("conv")
def conv(call: Call) -> torch.Tensor:
    """Convolution over 1 to 3 spatial axes, with constant or computed weights."""
    x, weight = call.tensor("x"), call.tensor("weight")
    count = _spatial_axes(call, x, weight)
    strides, dilations = _per_axis(call, "strides", count), _per_axis(call, "dilations", count)
    extents = _extents(weight, dilations)
    pads = paddings(call, list(x.shape[2:]), extents, strides)
    function = (F.conv1d, F.conv2d, F.conv3d)[count - 1]
    symmetric = all(before == after >= 0 for before, after in pads)
    if not symmetric:
        x = pad_spatially(x, pads, 0.0)
    inside = [before for before, _after in pads] if symmetric else [0] * count
    element_count([size + 2 * pad for size, pad in zip(x.shape[2:], inside, strict=True)])
    result: torch.Tensor = function(x, weight, _bias(call), strides, inside, dilations, call.integer("groups", 1))
    return result


@operator("conv_transpose")
def conv_transpose(call: Call) -> torch.Tensor:
    """Transposed convolution over 1 to 3 spatial axes."""
    x, weight = call.tensor("x"), call.tensor("weight")
    count = _spatial_axes(call, x, weight)
    strides, dilations = _per_axis(call, "strides", count), _per_axis(call, "dilations", count)
    groups = call.integer("groups", 1)
    extents = _extents(weight, dilations)
    full_sizes = [
        (size - 1) * stride + extent for size, stride, extent in zip(x.shape[2:], strides, extents, strict=True)
    ]
    element_count([x.shape[0], weight.shape[1] * max(groups, 1), *full_sizes])
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[count - 1]
    full = function(x, weight, None, strides, 0, 0, groups, dilations)
    pads = _transposed_paddings(call, list(x.shape[2:]), full_sizes, extents, strides)
    # Where the output reaches further than the kernel did, nothing was added: zeros.
    result = pad_spatially(full, [(-before, -after) for before, after in pads], 0.0)
    bias = _bias(call)
    return result if bias is None else result + bias.reshape(-1, *[1] * count)


def _transposed_paddings(
    call: Call, sizes: list[int], full_sizes: list[int], extents: list[int], strides: list[int]
) -> list[tuple[int, int]]:
    """Return what to cut before and after each axis of the full result; negative to extend it."""
    pad_type = call.choice("pad_type", call.text("pad_type", "valid"), PAD_TYPES)
    wanted = call.integers("output_shape")[2:] if "output_shape" in call else None
    if wanted is not None and len(wanted) != len(sizes):
        raise BadInputError(f"The operator {call.operation.label} has an output shape of another rank.")
    if pad_type == "custom":
        pad = call.integers("pad", [0] * (2 * len(sizes)))
        if len(pad) != 2 * len(sizes):
            raise BadInputError(f"The operator {call.operation.label} has {len(pad)} paddings.")
        before = pad[0::2]
        after = pad[1::2]
    elif pad_type == "valid":
        before, after = [0] * len(sizes), [0] * len(sizes)
    else:
        goal = wanted or [size * stride for size, stride in zip(sizes, strides, strict=True)]
        lower = pad_type == "same_lower"
        before = [
            same_padding(size, extent, stride, lower=lower)[0]
            for size, extent, stride in zip(goal, extents, strides, strict=True)
        ]
        after = [full - start - size for full, start, size in zip(full_sizes, before, goal, strict=True)]
    if wanted is not None:
        after = [full - start - size for full, start, size in zip(full_sizes, before, wanted, strict=True)]
    return list(zip(before, after, strict=True))


def _spatial_axes(call: Call, x: torch.Tensor, weight: torch.Tensor) -> int:
    count = x.dim() - 2
    if not 1 <= count <= 3 or weight.dim() != x.dim():
        raise BadInputError(
            f"The operator {call.operation.label} has an input of rank {x.dim()} and weights of rank {weight.dim()}."
        )
    return count


def _extents(weight: torch.Tensor, dilations: list[int]) -> list[int]:
    return [(size - 1) * dilation + 1 for size, dilation in zip(weight.shape[2:], dilations, strict=True)]


def _bias(call: Call) -> torch.Tensor | None:
    bias = call.optional("bias")
    return None if bias is None else bias.reshape(-1)
