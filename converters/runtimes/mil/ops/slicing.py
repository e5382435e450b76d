"""Parts of tensors: slices, splits, and putting parts together."""

from __future__ import annotations

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count


def _ranges(call: Call, shape: torch.Size) -> list[range]:
    """Return the positions that `begin`, `end`, `stride` and the masks choose on each axis."""
    rank = len(shape)
    begin, end = call.integers("begin"), call.integers("end")
    stride = call.integers("stride", [1] * rank)
    if not len(begin) == len(end) == len(stride) == rank:
        raise BadInputError(f"The operator {call.operation.label} slices another rank than its input's.")
    from_start, to_end = call.flags("begin_mask", rank), call.flags("end_mask", rank)
    single = call.flags("squeeze_mask", rank)
    ranges: list[range] = []
    for axis, size in enumerate(shape):
        if stride[axis] == 0:
            raise BadInputError(f"The operator {call.operation.label} has a stride of zero.")
        if single[axis]:
            first = 0 if from_start[axis] else begin[axis]
            if not -size <= first < size:
                raise BadInputError(f"The operator {call.operation.label} takes element {first} of {size}.")
            ranges.append(range(first % size, first % size + 1))
            continue
        chosen = slice(None if from_start[axis] else begin[axis], None if to_end[axis] else end[axis], stride[axis])
        ranges.append(range(*chosen.indices(size)))
    return ranges


def _take(x: torch.Tensor, axis: int, positions: range) -> torch.Tensor:
    if positions.step < 0:
        return x.index_select(axis, torch.tensor(list(positions), dtype=torch.int64))
    index: list[slice] = [slice(None)] * x.dim()
    index[axis] = slice(positions.start, max(positions.stop, positions.start), positions.step)
    return x[tuple(index)]


@operator("slice_by_index")
def slice_by_index(call: Call) -> torch.Tensor:
    """x[begin:end:stride], as numpy slices."""
    x = call.tensor("x")
    squeezed = call.flags("squeeze_mask", x.dim())
    for axis, positions in enumerate(_ranges(call, x.shape)):
        x = _take(x, axis, positions)
    return x.reshape([size for axis, size in enumerate(x.shape) if not squeezed[axis]])


@operator("slice_update")
def slice_update(call: Call) -> torch.Tensor:
    """x with x[begin:end:stride] replaced."""
    x = call.tensor("x").clone()
    ranges = _ranges(call, x.shape)
    update = call.tensor("update").reshape([len(positions) for positions in ranges]).to(x.dtype)
    index = [
        torch.tensor(list(positions), dtype=torch.int64).reshape(
            [-1 if other == axis else 1 for other in range(x.dim())]
        )
        for axis, positions in enumerate(ranges)
    ]
    x[tuple(index)] = update
    return x


@operator("slice_by_size")
def slice_by_size(call: Call) -> torch.Tensor:
    """x from `begin` on, `size` elements of each axis, -1 for all that follow."""
    x = call.tensor("x")
    begin, size = call.integers("begin"), call.integers("size")
    if not len(begin) == len(size) == x.dim():
        raise BadInputError(f"The operator {call.operation.label} slices another rank than its input's.")
    for axis, (start, count) in enumerate(zip(begin, size, strict=True)):
        first = start + x.shape[axis] if start < 0 else start
        length = x.shape[axis] - first if count == -1 else count
        x = x.narrow(axis, first, length)
    return x


@operator("split")
def split(call: Call) -> tuple[torch.Tensor, ...]:
    """x cut along an axis, evenly or into given sizes."""
    x = call.tensor("x")
    axis = call.axis("axis", x.dim())
    if "split_sizes" in call:
        return torch.split(x, call.integers("split_sizes"), axis)
    parts = call.integer("num_splits")
    if parts < 1 or x.shape[axis] % parts:
        raise BadInputError(f"The operator {call.operation.label} cuts {x.shape[axis]} into {parts} equal parts.")
    return torch.split(x, x.shape[axis] // parts, axis)


@operator("concat")
def concat(call: Call) -> torch.Tensor:
    """Tensors one after the other along an axis, or interleaved."""
    values = call.tensors("values")
    if values[0].dim() == 0:
        return torch.stack(values)
    axis = call.axis("axis", values[0].dim())
    if call.flag("interleave"):
        stacked = torch.stack(values, axis + 1)
        return stacked.flatten(axis, axis + 1)
    return torch.cat(values, axis)


@operator("stack")
def stack(call: Call) -> torch.Tensor:
    """Tensors one after the other along a new axis."""
    return torch.stack(call.tensors("values"), call.integer("axis"))


@operator("tile")
def tile(call: Call) -> torch.Tensor:
    """x repeated along each axis."""
    x, repeats = call.tensor("x"), call.integers("reps")
    if len(repeats) != x.dim() or any(count < 1 for count in repeats):
        raise BadInputError(f"The operator {call.operation.label} repeats by {repeats}.")
    element_count([size * count for size, count in zip(x.shape, repeats, strict=True)])
    return x.repeat(repeats)
