"""GridSample on pictures (4-D) and volumes (5-D), AffineGrid."""

from __future__ import annotations

import itertools
import math
import operator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling

from converters.torch_import.operation import Operation
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

_MODES = {"linear": "bilinear", "bilinear": "bilinear", "nearest": "nearest", "cubic": "bicubic", "bicubic": "bicubic"}


def _check(attributes: dict[str, Any], _opset: int) -> str:
    mode = attributes.get("mode", "linear")
    return "" if mode in _MODES else f"samples in the unknown mode {mode!r}"


@builds("GridSample", check=_check)
def grid_sample(op: Operation) -> Value:
    value, grid = op.tensor(0), op.tensor(1)
    mode = _MODES[op.attribute("mode", "linear")]
    padding, corners = op.attribute("padding_mode", "zeros"), bool(op.attribute("align_corners", 0))
    rank = op.rank(value)
    if rank not in (4, 5):
        op.refuse(f"samples a tensor with {rank} axes; four or five are possible")
    if rank == 4:
        return op.call(F.grid_sample, value, grid, mode=mode, padding_mode=padding, align_corners=corners)
    if mode == "bicubic":
        op.refuse("samples a volume with cubic interpolation")
    if padding == "reflection":
        return op.call(F.grid_sample, value, grid, mode=mode, padding_mode=padding, align_corners=corners)
    return _volume(op, value, grid, nearest=mode == "nearest", border=padding == "border", corners=corners)


def _volume(op: Operation, value: Value, grid: Value, *, nearest: bool, border: bool, corners: bool) -> Value:
    """Sample a volume with gathers and sums: no converter knows torch's own 5-D sampler."""
    batch, channels, *sizes = op.shape(value)
    targets = op.shape(grid)[1:-1]
    count = math.prod(targets)
    flat = op.call("reshape", value, (batch, channels, math.prod(sizes)))
    places = []
    for axis, size in enumerate(sizes):  # the grid's last axis counts x, y, z: the reverse of D, H, W
        coordinate = op.call("reshape", op.call(torch.select, grid, -1, 2 - axis), (batch, 1, count))
        shifted = op.call(operator.add, coordinate, 1.0)
        if corners:
            place = op.call(operator.mul, shifted, (size - 1) / 2)
        else:
            place = op.call(operator.sub, op.call(operator.mul, shifted, size / 2), 0.5)
        places.append(op.call(torch.clamp, place, 0.0, float(size - 1)) if border else place)
    if nearest:
        rounded = [op.call(torch.round, place) for place in places]
        sampled = _corner(op, flat, rounded, sizes, channels)
    else:
        sampled = _blend(op, flat, places, sizes, channels)
    return op.call("reshape", sampled, (batch, channels, *targets))


def _blend(op: Operation, flat: Value, places: list[Value], sizes: list[int], channels: int) -> Value:
    lower = [op.call(torch.floor, place) for place in places]
    upper = [op.call(operator.add, floor, 1.0) for floor in lower]
    above = [op.call(operator.sub, place, floor) for place, floor in zip(places, lower, strict=True)]
    below = [op.call(operator.sub, 1.0, part) for part in above]
    total: Value | None = None
    for corner in itertools.product((0, 1), repeat=3):
        picked = [(upper if side else lower)[axis] for axis, side in enumerate(corner)]
        parts = [(above if side else below)[axis] for axis, side in enumerate(corner)]
        weight = op.call(operator.mul, op.call(operator.mul, parts[0], parts[1]), parts[2])
        term = op.call(operator.mul, _corner(op, flat, picked, sizes, channels), weight)
        total = term if total is None else op.call(operator.add, total, term)
    assert total is not None
    return total


def _corner(op: Operation, flat: Value, places: list[Value], sizes: list[int], channels: int) -> Value:
    """Return the voxels at whole-numbered places (batch, channels, count); zero outside the volume."""
    position: Value | None = None
    inside: Value | None = None
    for place, size in zip(places, sizes, strict=True):
        kept = op.call(torch.clamp, place, 0.0, float(size - 1))
        within = op.call(operator.eq, kept, place)
        index = op.call("to", kept, torch.int64)
        inside = within if inside is None else op.call(torch.logical_and, inside, within)
        position = index if position is None else op.call(operator.add, op.call(operator.mul, position, size), index)
    assert position is not None
    assert inside is not None
    batch, _, count = op.shape(position)
    voxels = op.call(torch.gather, flat, 2, op.call("expand", position, (batch, channels, count)))
    return op.call(operator.mul, voxels, op.cast(inside, op.dtype(flat)))


@builds("AffineGrid")
def affine_grid(op: Operation) -> Value:
    theta, size = op.tensor(0), op.ints(1)
    assert size is not None
    corners = bool(op.attribute("align_corners", 0))
    spatial = size[2:]
    lines = []
    for length in reversed(spatial):  # x, y, z
        line = torch.linspace(-1, 1, length) if corners else (torch.arange(length) * 2 + 1) / length - 1
        lines.append(line if length > 1 or not corners else torch.zeros(1))
    grids = torch.meshgrid(*reversed(lines), indexing="ij")
    points = torch.stack([*reversed(grids), torch.ones(spatial)], dim=-1).reshape(1, -1, len(spatial) + 1)
    matrix = op.call(torch.transpose, theta, 1, 2)
    moved = op.call(torch.matmul, Constant(points.to(op.dtype(theta))), matrix)
    return op.call("reshape", moved, (size[0], *spatial, len(spatial)))
