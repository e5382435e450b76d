"""Gathering from and scattering to computed positions."""

from __future__ import annotations

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count


def _positions(call: Call, indices: torch.Tensor, size: int) -> torch.Tensor:
    """Return indices as int64 counted from the front; refuse those outside, which Core ML leaves undefined."""
    indices = indices.long()
    if not call.flag("validate_indices"):
        indices = torch.where(indices < 0, indices + size, indices)
    if indices.numel() and bool(((indices < 0) | (indices >= size)).any()):
        raise BadInputError(f"The operator {call.operation.label} takes elements outside an axis of {size}.")
    return indices


def _batched(x: torch.Tensor, indices: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both with their first `count` axes, which must agree, made one."""
    if x.shape[:count] != indices.shape[:count]:
        raise BadInputError(f"Batch axes {tuple(x.shape[:count])} and {tuple(indices.shape[:count])} differ.")
    batch = x.shape[:count].numel()
    return x.reshape(batch, *x.shape[count:]), indices.reshape(batch, *indices.shape[count:])


@operator("gather")
def gather(call: Call) -> torch.Tensor:
    """Slices of x along an axis, in the order of the indices."""
    x = call.tensor("x")
    axis, batch_axes = call.axis("axis", x.dim(), 0), call.integer("batch_dims", 0)
    indices = _positions(call, call.tensor("indices"), x.shape[axis])
    if not 0 <= batch_axes <= min(axis, indices.dim()):
        raise BadInputError(f"The operator {call.operation.label} has {batch_axes} batch axes.")
    shape = [*x.shape[:axis], *indices.shape[batch_axes:], *x.shape[axis + 1 :]]
    element_count(shape)
    if batch_axes == 0:
        return x.index_select(axis, indices.reshape(-1)).reshape(shape)
    many, chosen = _batched(x, indices, batch_axes)
    parts = [part.index_select(axis - batch_axes, index.reshape(-1)) for part, index in zip(many, chosen, strict=True)]
    return torch.stack(parts).reshape(shape)


@operator("gather_along_axis")
def gather_along_axis(call: Call) -> torch.Tensor:
    """For each index the element of x at that place of the axis."""
    x = call.tensor("x")
    axis = call.axis("axis", x.dim(), 0)
    return x.gather(axis, _positions(call, call.tensor("indices"), x.shape[axis]))


@operator("gather_nd")
def gather_nd(call: Call) -> torch.Tensor:
    """Slices of x at the places that the last axis of the indices holds."""
    x, indices = call.tensor("x"), call.tensor("indices").long()
    batch_axes = call.integer("batch_dims", 0)
    depth = indices.shape[-1]
    if not 0 <= batch_axes < indices.dim() or depth + batch_axes > x.dim():
        raise BadInputError(f"The operator {call.operation.label} has indices deeper than its input.")
    shape = [*indices.shape[:-1], *x.shape[batch_axes + depth :]]
    element_count(shape)
    many, chosen = _batched(x, indices, batch_axes)
    linear = _linear_positions(call, chosen, many.shape[1 : 1 + depth])
    flat = many.reshape(many.shape[0], many.shape[1 : 1 + depth].numel(), -1)
    parts = [part.index_select(0, index.reshape(-1)) for part, index in zip(flat, linear, strict=True)]
    return torch.stack(parts).reshape(shape)


def _linear_positions(call: Call, indices: torch.Tensor, sizes: torch.Size) -> torch.Tensor:
    linear = torch.zeros(indices.shape[:-1], dtype=torch.int64)
    for axis, size in enumerate(sizes):
        linear = linear * size + _positions(call, indices[..., axis], size)
    return linear


def _scattered(call: Call, data: torch.Tensor, axis: int, index: torch.Tensor, updates: torch.Tensor) -> torch.Tensor:
    """Return `data` with `updates` combined into it at `index` (of the updates' shape) along `axis`."""
    known = ("update", "add", "sub", "mul", "div", "max", "min")
    mode = call.choice("mode", call.text("mode", "add"), known)
    if index.shape != updates.shape:
        raise BadInputError(f"The operator {call.operation.label} has {tuple(updates.shape)} updates for its indices.")
    updates = updates.to(data.dtype)
    if mode == "update":
        return data.scatter(axis, index, updates)
    if mode in ("add", "sub"):
        return data.scatter_add(axis, index, updates if mode == "add" else -updates)
    if mode in ("mul", "div"):
        wide = data if data.is_floating_point() else data.double()
        factors = updates.to(wide.dtype)
        factors = factors if mode == "mul" else torch.reciprocal(factors)
        return wide.scatter_reduce(axis, index, factors, "prod")
    return data.scatter_reduce(axis, index, updates, "amax" if mode == "max" else "amin")


@operator("scatter")
def scatter(call: Call) -> torch.Tensor:
    """data with slices along an axis combined with updates."""
    data, updates = call.tensor("data"), call.tensor("updates")
    axis = call.axis("axis", data.dim(), 0)
    indices = _positions(call, call.tensor("indices").reshape(-1), data.shape[axis])
    index = indices.reshape([-1 if other == axis else 1 for other in range(data.dim())])
    shape = [*data.shape[:axis], len(indices), *data.shape[axis + 1 :]]
    element_count(shape)
    return _scattered(call, data, axis, index.expand(shape), updates.reshape(shape))


@operator("scatter_along_axis")
def scatter_along_axis(call: Call) -> torch.Tensor:
    """data with single elements along an axis combined with updates."""
    data = call.tensor("data")
    axis = call.axis("axis", data.dim(), 0)
    index = _positions(call, call.tensor("indices"), data.shape[axis])
    return _scattered(call, data, axis, index, call.tensor("updates"))


@operator("scatter_nd")
def scatter_nd(call: Call) -> torch.Tensor:
    """data with the slices at the places of the indices' last axis combined with updates."""
    data, indices = call.tensor("data"), call.tensor("indices").long()
    depth = indices.shape[-1]
    if depth > data.dim():
        raise BadInputError(f"The operator {call.operation.label} has indices deeper than its input.")
    linear = _linear_positions(call, indices, data.shape[:depth]).reshape(-1, 1)
    flat = data.reshape(data.shape[:depth].numel(), data.shape[depth:].numel())
    element_count([len(linear), flat.shape[1]])
    updates = call.tensor("updates").reshape(len(linear), flat.shape[1])
    return _scattered(call, flat, 0, linear.expand(-1, flat.shape[1]), updates).reshape(data.shape)
