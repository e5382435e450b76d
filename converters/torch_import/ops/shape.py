"""Shapes and views: reshape, transpose, slice, split, concatenate and their like."""

from __future__ import annotations

import math
import operator

import torch

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value


@builds("Shape")
def shape_of(op: Operation) -> Value:
    shape = op.shape(op.tensor())
    rank = len(shape)
    start, end = op.attribute("start", 0), op.attribute("end", rank)
    first, last = (min(max(axis + rank if axis < 0 else axis, 0), rank) for axis in (start, end))
    return Constant(torch.tensor(shape[first:last], dtype=torch.int64))


@builds("Size")
def size_of(op: Operation) -> Value:
    return Constant(torch.tensor(math.prod(op.shape(op.tensor())), dtype=torch.int64))


@builds("Reshape")
def reshape(op: Operation) -> Value:
    value, wanted = op.tensor(), op.ints(1)
    assert wanted is not None
    if not op.attribute("allowzero", 0) and 0 in wanted:
        shape = op.shape(value)
        wanted = [shape[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    if -1 in wanted and op.fact(value).shape is not None:
        rest = -math.prod(wanted)
        wanted = [math.prod(op.shape(value)) // rest if size == -1 and rest else size for size in wanted]
    return op.call("reshape", value, tuple(wanted))


@builds("Flatten")
def flatten(op: Operation) -> Value:
    shape = op.shape(op.tensor())
    axis = op.attribute("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return op.call("reshape", op.tensor(), (math.prod(shape[:axis]), math.prod(shape[axis:])))


@builds("Transpose")
def transpose(op: Operation) -> Value:
    axes = op.attribute("perm") or list(reversed(range(op.rank(op.tensor()))))
    return op.call("permute", op.tensor(), tuple(axes))


@builds("Squeeze")
def squeeze(op: Operation) -> Value:
    value, axes = op.tensor(), op.ints_of("axes", 1)
    if axes is not None and op.fact(value).sizes is None:
        return op.call("squeeze", value, tuple(axes))
    shape = op.shape(value)
    gone = normalized_axes(axes, len(shape)) if axes is not None else [a for a, size in enumerate(shape) if size == 1]
    if any(shape[axis] != 1 for axis in gone):
        op.refuse("squeezes an axis that is longer than one")
    return op.call("reshape", value, tuple(size for axis, size in enumerate(shape) if axis not in gone))


@builds("Unsqueeze")
def unsqueeze(op: Operation) -> Value:
    value, axes = op.tensor(), op.ints_of("axes", 1)
    if axes is None:
        op.refuse("does not say which axes to add")
    added = sorted(normalized_axes(axes, op.rank(value) + len(axes)))
    if op.fact(value).sizes is None:
        for axis in added:
            value = op.call(torch.unsqueeze, value, axis)
        return value
    shape = list(op.shape(value))
    for axis in added:
        shape.insert(axis, 1)
    return op.call("reshape", value, tuple(shape))


@builds("Concat")
def concatenate(op: Operation) -> Value:
    values = [op.tensor(index) for index in range(len(op.inputs))]
    return op.call(torch.cat, values, op.attribute("axis", 1)) if len(values) > 1 else values[0]


@builds("Slice")
def slice_axes(op: Operation) -> Value:
    value = op.tensor()
    starts, ends = op.ints_of("starts", 1), op.ints_of("ends", 2)
    assert starts is not None
    assert ends is not None
    axes = normalized_axes(op.ints_of("axes", 3) or list(range(len(starts))), op.rank(value))
    steps = op.ints_of("steps", 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = op.size(value, axis)
        value = _sliced(op, value, axis, range(*slice(start, end, step).indices(size)), size)
    return value


def _sliced(op: Operation, value: Value, axis: int, kept: range, size: int) -> Value:
    if kept == range(size):
        return value
    if kept.step < 0:
        value = op.call(torch.flip, value, [axis])
        kept = range(size - 1 - kept.start, size - 1 - kept.stop, -kept.step)
    index = (*([slice(None)] * axis), slice(kept.start, max(kept.stop, kept.start), kept.step))
    return op.call(operator.getitem, value, index)


@builds("Split")
def split(op: Operation) -> list[Value]:
    value, axis = op.tensor(), op.attribute("axis", 0)
    size = op.shape(value)[axis]
    lengths = op.ints_of("split", 1)
    if lengths is None:
        count = len(op.outputs)
        chunk = -(-size // count)
        lengths = [min(chunk, size - chunk * index) for index in range(count)]
    parts = op.call(torch.split, value, lengths, axis)
    return [op.item(parts, index) for index in range(len(lengths))]


@builds("Expand")
def expand(op: Operation) -> Value:
    value, wanted = op.tensor(), op.ints(1)
    assert wanted is not None
    shape = torch.broadcast_shapes(op.shape(value), tuple(wanted))  # type: ignore[no-untyped-call]
    return value if shape == op.shape(value) else op.call("expand", value, tuple(shape))


@builds("Tile")
def tile(op: Operation) -> Value:
    repeats = op.ints(1)
    assert repeats is not None
    return op.call("repeat", op.tensor(), tuple(repeats))


@builds("DepthToSpace")
def depth_to_space(op: Operation) -> Value:
    value, block = op.tensor(), int(op.attribute("blocksize"))
    if op.attribute("mode", "DCR") == "CRD":
        return op.call(torch.pixel_shuffle, value, block)
    batch, channels, height, width = op.shape(value)
    split_up = op.call("reshape", value, (batch, block, block, channels // block**2, height, width))
    moved = op.call("permute", split_up, (0, 3, 4, 1, 5, 2))
    return op.call("reshape", moved, (batch, channels // block**2, height * block, width * block))


@builds("SpaceToDepth")
def space_to_depth(op: Operation) -> Value:
    value, block = op.tensor(), int(op.attribute("blocksize"))
    batch, channels, height, width = op.shape(value)
    split_up = op.call("reshape", value, (batch, channels, height // block, block, width // block, block))
    is_depth_last = op.attribute("mode", "DCR") == "CRD"
    moved = op.call("permute", split_up, (0, 1, 3, 5, 2, 4) if is_depth_last else (0, 3, 5, 1, 2, 4))
    return op.call("reshape", moved, (batch, channels * block**2, height // block, width // block))
