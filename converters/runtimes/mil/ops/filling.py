"""Tensors made from little: constants, ranges, masks, orders."""

from __future__ import annotations

import math

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import TORCH, element_count


def _filled(call: Call, shape: list[int]) -> torch.Tensor:
    element_count(shape)
    value = call.number("value", 0.0)
    dtype = TORCH[call.declared.dtype]
    return torch.full(shape, value if dtype.is_floating_point else int(value), dtype=dtype)


@operator("fill")
def fill(call: Call) -> torch.Tensor:
    """A tensor of a given shape and one value."""
    return _filled(call, call.integers("shape"))


@operator("fill_like")
def fill_like(call: Call) -> torch.Tensor:
    """A tensor of another's shape and one value."""
    return _filled(call, list(call.tensor("ref_tensor").shape))


@operator("shape")
def shape_of(call: Call) -> torch.Tensor:
    """The sizes of x."""
    return torch.tensor(list(call.tensor("x").shape), dtype=torch.int64)


@operator("range_1d")
def range_1d(call: Call) -> torch.Tensor:
    """start, start + step, … up to, not including, end."""
    start, end, step = call.tensor("start"), call.tensor("end"), call.tensor("step")
    first, last, by = float(start.item()), float(end.item()), float(step.item())
    if by == 0 or not all(math.isfinite(value) for value in (first, last, by)):
        raise BadInputError(f"The operator {call.operation.label} counts by {by}.")
    count = max(0, math.ceil((last - first) / by))
    element_count([count])
    return first + torch.arange(count, dtype=torch.float64) * by


@operator("one_hot")
def one_hot(call: Call) -> torch.Tensor:
    """on_value where the new axis' position equals the index, off_value elsewhere."""
    indices, size = call.tensor("indices").long(), call.integer("one_hot_vector_size")
    axis = call.normal_axis(call.integer("axis", -1), indices.dim() + 1)
    element_count([*indices.shape, size])
    positions = torch.arange(size).reshape([-1 if other == axis else 1 for other in range(indices.dim() + 1)])
    chosen = indices.unsqueeze(axis) == positions
    dtype = TORCH[call.declared.dtype]
    on_value = torch.as_tensor(call.number("on_value", 1.0)).to(dtype)
    return torch.where(chosen, on_value, torch.as_tensor(call.number("off_value", 0.0)).to(dtype))


@operator("non_zero")
def non_zero(call: Call) -> torch.Tensor:
    """The positions of the elements that are not zero, one a row."""
    return torch.nonzero(call.tensor("x"))


@operator("band_part")
def band_part(call: Call) -> torch.Tensor:
    """The matrix with everything outside a band around its diagonal set to zero."""
    x = call.tensor("x")
    lower, upper = call.integer("lower", -1), call.integer("upper", -1)
    offset = torch.arange(x.shape[-2]).unsqueeze(1) - torch.arange(x.shape[-1])
    keep = torch.ones_like(offset, dtype=torch.bool)
    if lower >= 0:
        keep &= offset <= lower
    if upper >= 0:
        keep &= -offset <= upper
    return torch.where(keep, x, torch.zeros_like(x))


@operator("cumsum")
def cumsum(call: Call) -> torch.Tensor:
    """Running sums along an axis."""
    x = call.tensor("x")
    axis = call.axis("axis", x.dim(), 0)
    backwards = call.flag("reverse")
    x = torch.flip(x, [axis]) if backwards else x
    total = torch.cumsum(x, axis)
    total = total - x if call.flag("exclusive") else total
    return torch.flip(total, [axis]) if backwards else total


@operator("argsort")
def argsort(call: Call) -> torch.Tensor:
    """The order that sorts x along an axis; equal elements stay in order."""
    x = call.tensor("x")
    axis = call.axis("axis", x.dim(), -1)
    return torch.sort(x, dim=axis, descending=not call.flag("ascending"), stable=True).indices


@operator("topk")
def topk(call: Call) -> tuple[torch.Tensor, ...]:
    """The k largest (or smallest) elements along an axis, in order, and their positions."""
    x = call.tensor("x")
    axis, k = call.axis("axis", x.dim(), -1), call.integer("k", 1)
    if not 0 <= k <= x.shape[axis]:
        raise BadInputError(f"The operator {call.operation.label} takes {k} of {x.shape[axis]} elements.")
    values, indices = torch.sort(x, dim=axis, descending=not call.flag("ascending"), stable=True)
    results = (values.narrow(axis, 0, k), indices.narrow(axis, 0, k))
    return results[: len(call.operation.outputs)]
