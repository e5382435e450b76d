"""Pad in all its modes."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.ops.convolution import torch_pads
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

_TORCH_MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@builds("Pad")
def pad(op: Operation) -> Value:
    value, mode = op.tensor(), op.attribute("mode", "constant")
    rank = op.rank(value)
    given = op.ints_of("pads", 1)
    assert given is not None
    axes = normalized_axes(op.ints(3) or list(range(rank)), rank)
    begins, ends = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        begins[axis], ends[axis] = given[index], given[index + len(axes)]
    if not any(begins) and not any(ends):
        return value
    if mode == "constant":
        return _constant_pad(op, value, begins, ends)
    return _copying_pad(op, value, begins, ends, mode)


def _constant_pad(op: Operation, value: Value, begins: list[int], ends: list[int]) -> Value:
    filler: float | int | bool = op.attribute("value", 0.0)
    if op.has(2):
        given = op.constant(2)
        assert given is not None
        filler = given.reshape(-1)[0].item()
    dtype = op.dtype(value)
    if dtype is torch.bool:
        return op.cast(op.call(F.pad, op.cast(value, torch.uint8), _short(begins, ends), value=int(filler)), dtype)
    return op.call(F.pad, value, _short(begins, ends), value=filler if dtype.is_floating_point else int(filler))


def _short(begins: list[int], ends: list[int]) -> list[int]:
    """Return F.pad's list without the leading axes that are not padded."""
    first = next(axis for axis in range(len(begins)) if begins[axis] or ends[axis])
    return torch_pads(begins[first:], ends[first:])


def _copying_pad(op: Operation, value: Value, begins: list[int], ends: list[int], mode: str) -> Value:
    shape = op.shape(value)
    crops = [(min(begin, 0), min(end, 0)) for begin, end in zip(begins, ends, strict=True)]
    if any(pair != (0, 0) for pair in crops):
        value = op.call(F.pad, value, torch_pads([a for a, _ in crops], [b for _, b in crops]))
        shape = op.shape(value)
        begins, ends = [max(begin, 0) for begin in begins], [max(end, 0) for end in ends]
    padded = [axis for axis in range(len(shape)) if begins[axis] or ends[axis]]
    if not padded:
        return value
    reach = {"reflect": 1, "wrap": 0, "edge": -(1 << 62)}[mode]
    fits = all(max(begins[axis], ends[axis]) <= shape[axis] - reach for axis in padded)
    spatial = len(shape) in (3, 4, 5) and min(padded) >= 2
    if fits and spatial and op.dtype(value).is_floating_point:
        pads = torch_pads(begins[2:], ends[2:])
        return op.call(F.pad, value, pads, mode=_TORCH_MODES[mode])
    for axis in padded:  # any rank, dtype or width: pick positions
        value = op.call(torch.index_select, value, axis, _positions(shape[axis], begins[axis], ends[axis], mode))
    return value


def _positions(size: int, begin: int, end: int, mode: str) -> Constant:
    positions = torch.arange(-begin, size + end)
    if mode == "edge":
        return Constant(positions.clamp(0, size - 1))
    if mode == "wrap":
        return Constant(positions.remainder(size))
    period = max(2 * (size - 1), 1)
    folded = positions.remainder(period)
    return Constant(torch.where(folded < size, folded, period - folded))
