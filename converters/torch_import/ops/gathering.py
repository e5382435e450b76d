"""Picking and placing elements by index."""

from __future__ import annotations

import math
import operator

import torch

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value


def _counted_from_front(op: Operation, indices: Value, size: int) -> Value:
    """Return int64 indices that are not negative."""
    indices = op.cast(indices, torch.int64)
    if isinstance(indices, Constant):
        return Constant(torch.where(indices.tensor < 0, indices.tensor + size, indices.tensor))
    below = op.call(operator.lt, indices, 0)
    return op.call(torch.where, below, op.call(operator.add, indices, size), indices)


@builds("Gather")
def gather(op: Operation) -> Value:
    value, indices = op.tensor(0), op.tensor(1)
    axis = normalized_axes([op.attribute("axis", 0)], op.rank(value))[0]
    if not isinstance(indices, Constant) or bool((indices.tensor < 0).any()):
        indices = _counted_from_front(op, indices, op.size(value, axis))
    indices = op.cast(indices, torch.int64)
    if isinstance(indices, Constant) and indices.tensor.ndim == 0:
        return op.call(torch.select, value, axis, int(indices.tensor))
    if isinstance(indices, Constant) and indices.tensor.ndim == 1 and len(indices.tensor):
        numbers = indices.tensor.tolist()
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            index = (*([slice(None)] * axis), slice(numbers[0], numbers[-1] + 1))
            return op.call(operator.getitem, value, index)
    if op.rank(indices) == 1:
        return op.call(torch.index_select, value, axis, indices)
    picked = op.call(torch.index_select, value, axis, op.call("reshape", indices, (-1,)))
    shape = op.shape(value)
    return op.call("reshape", picked, (*shape[:axis], *op.shape(indices), *shape[axis + 1 :]))


@builds("GatherElements")
def gather_elements(op: Operation) -> Value:
    value = op.tensor(0)
    axis = normalized_axes([op.attribute("axis", 0)], op.rank(value))[0]
    indices = _counted_from_front(op, op.tensor(1), op.shape(value)[axis])
    return op.call(torch.gather, value, axis, indices)


@builds("GatherND")
def gather_nd(op: Operation) -> Value:
    value, indices, batch = op.tensor(0), op.cast(op.tensor(1), torch.int64), int(op.attribute("batch_dims", 0))
    shape, where = op.shape(value), op.shape(indices)
    depth = where[-1]
    rows = math.prod(shape[:batch])
    picked_sizes, rest = shape[batch : batch + depth], shape[batch + depth :]
    flat = op.call("reshape", value, (rows, math.prod(picked_sizes), *rest))
    positions = _flat_positions(op, indices, picked_sizes)
    positions = op.call("reshape", positions, (rows, -1) if rows else (0, 0))
    row = Constant(torch.arange(rows).reshape(rows, 1))
    picked = op.call(operator.getitem, flat, (row, positions))
    return op.call("reshape", picked, (*where[:-1], *rest))


def _flat_positions(op: Operation, indices: Value, sizes: tuple[int, ...]) -> Value:
    """Return the flat position that each index tuple (last axis) names."""
    limits = Constant(torch.tensor(sizes, dtype=torch.int64))
    strides = Constant(torch.tensor([math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]))
    below = op.call(operator.lt, indices, 0)
    counted = op.call(torch.where, below, op.call(operator.add, indices, limits), indices)
    return op.call(torch.sum, op.call(operator.mul, counted, strides), dim=-1)


_REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@builds("ScatterElements", "Scatter")
def scatter_elements(op: Operation) -> Value:
    value, updates = op.tensor(0), op.tensor(2)
    axis = normalized_axes([op.attribute("axis", 0)], op.rank(value))[0]
    indices = _counted_from_front(op, op.tensor(1), op.shape(value)[axis])
    kind = op.attribute("reduction", "none")
    if kind == "none":
        return op.call(torch.scatter, value, axis, indices, updates)
    return op.call(torch.scatter_reduce, value, axis, indices, updates, _REDUCTIONS[kind])


@builds("ScatterND")
def scatter_nd(op: Operation) -> Value:
    value, indices, updates = op.tensor(0), op.cast(op.tensor(1), torch.int64), op.tensor(2)
    shape = op.shape(value)
    depth = op.shape(indices)[-1]
    head, rest = math.prod(shape[:depth]), shape[depth:]
    width = math.prod(rest)
    flat = op.call("reshape", value, (head, width))
    positions = op.call("reshape", _flat_positions(op, indices, shape[:depth]), (-1, 1))
    count = math.prod(op.shape(indices)[:-1])
    rows = op.call("expand", positions, (count, width))
    changes = op.call("reshape", updates, (count, width))
    kind = op.attribute("reduction", "none")
    if kind == "none":
        result = op.call(torch.scatter, flat, 0, rows, changes)
    else:
        result = op.call(torch.scatter_reduce, flat, 0, rows, changes, _REDUCTIONS[kind])
    return op.call("reshape", result, shape)
