"""Changing the size of images: every way in which MIL places the grid points."""

from __future__ import annotations

import math

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count

SAMPLING_MODES = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS")


def grid_points(length: torch.Tensor, count: int, mode: str) -> torch.Tensor:
    """Return where `count` samples lie on an axis whose first element is at 0 and whose last is at `length`.

    Args:
        length: position of the last element (its size minus one), any shape, may be negative for a flipped box.
        count: of samples.
        mode: one of `SAMPLING_MODES`.

    Returns:
        Positions, float64, of `length`'s shape with one axis of `count` appended; not limited to the axis.
    """
    index = torch.arange(count, dtype=torch.float64)
    length = length.to(torch.float64).unsqueeze(-1)
    size = length + 1
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        if count == 1:
            return length / 2 if mode == "ALIGN_CORNERS" else torch.zeros_like(length)
        return index * length / (count - 1)  # the product first: whole positions must come out whole
    if mode == "DEFAULT":
        return index * size / count
    if mode == "OFFSET_CORNERS":
        spacing = length.clamp(min=1) / count
        return (index + 0.5) * spacing
    return (index + 0.5) * size / count - 0.5


def _axis_points(size: int, count: int, mode: str) -> torch.Tensor:
    return grid_points(torch.tensor(size - 1), count, mode).clamp(0, size - 1)


def resize_linearly(x: torch.Tensor, sizes: dict[int, int], mode: str) -> torch.Tensor:
    """Return `x` interpolated along the axes of `sizes` to those sizes."""
    _check_sizes(x, sizes)
    x = x.to(torch.float32) if not x.is_floating_point() else x
    for axis, count in sizes.items():
        points = _axis_points(x.shape[axis], count, mode)
        low = points.floor().long()
        high = (low + 1).clamp(max=x.shape[axis] - 1)
        part = (points - low).to(x.dtype).reshape([-1 if index == axis else 1 for index in range(x.dim())])
        below, above = x.index_select(axis, low), x.index_select(axis, high)
        x = torch.lerp(below, above, part)
    return x


def resize_to_nearest(x: torch.Tensor, sizes: dict[int, int], mode: str) -> torch.Tensor:
    """Return `x` with the nearest element repeated along the axes of `sizes` to those sizes.

    Args:
        x: any tensor.
        sizes: new sizes by axis.
        mode: one of `SAMPLING_MODES`, or "FLOOR" for element floor(i * old / new). DEFAULT is
            floor((i + 0.5) * old / new) here, as UNALIGN_CORNERS is.
    """
    _check_sizes(x, sizes)
    for axis, count in sizes.items():
        last = x.shape[axis] - 1
        if mode == "FLOOR":
            index = _axis_points(x.shape[axis], count, "DEFAULT").floor()
        else:
            points = _axis_points(x.shape[axis], count, "UNALIGN_CORNERS" if mode == "DEFAULT" else mode)
            index = (points + 0.5).floor()
        x = x.index_select(axis, index.long().clamp(max=last))
    return x


def _check_sizes(x: torch.Tensor, sizes: dict[int, int]) -> None:
    shape = [sizes.get(axis, size) for axis, size in enumerate(x.shape)]
    if any(size < 1 for size in sizes.values()) or 0 in x.shape:
        raise BadInputError(f"An image cannot be resized from {tuple(x.shape)} to {tuple(shape)}.")
    element_count(shape)


def _image(call: Call) -> torch.Tensor:
    x = call.tensor("x")
    if x.dim() < 3:
        raise BadInputError(f"The operator {call.operation.label} has an input of rank {x.dim()}.")
    return x


def _scaled_sizes(call: Call, x: torch.Tensor) -> dict[int, int]:
    factors = (call.number("scale_factor_height", 1.0), call.number("scale_factor_width", 1.0))
    if not all(math.isfinite(factor) and 0 < factor < 1e6 for factor in factors):
        raise BadInputError(f"The operator {call.operation.label} scales by {factors}.")
    # A factor such as 7/3 kept in single precision must still give 7 of 3.
    return {
        axis: math.floor(x.shape[axis] * factor + 1e-4)
        for axis, factor in zip((x.dim() - 2, x.dim() - 1), factors, strict=True)
    }


@operator("upsample_bilinear")
def upsample_bilinear(call: Call) -> torch.Tensor:
    """The last two axes scaled, with linear interpolation."""
    x = _image(call)
    aligned = call.flag("align_corners", True)
    half_pixel = call.flag("half_pixel_centers", not aligned)
    if aligned and half_pixel:
        raise BadInputError(f"The operator {call.operation.label} asks for aligned corners and for half pixels.")
    mode = "STRICT_ALIGN_CORNERS" if aligned else "UNALIGN_CORNERS" if half_pixel else "DEFAULT"
    return resize_linearly(x, _scaled_sizes(call, x), mode)


@operator("upsample_nearest_neighbor")
def upsample_nearest_neighbor(call: Call) -> torch.Tensor:
    """The last two axes scaled by repeating elements."""
    x = _image(call)
    return resize_to_nearest(x, _scaled_sizes(call, x), "FLOOR")


@operator("resize_bilinear")
def resize_bilinear(call: Call) -> torch.Tensor:
    """The last two axes brought to a size, with linear interpolation."""
    x = _image(call)
    mode = call.choice("sampling_mode", call.text("sampling_mode", "DEFAULT"), SAMPLING_MODES)
    return resize_linearly(x, _target_sizes(call, x), mode)


@operator("resize_nearest_neighbor")
def resize_nearest_neighbor(call: Call) -> torch.Tensor:
    """The last two axes brought to a size by repeating elements."""
    x = _image(call)
    return resize_to_nearest(x, _target_sizes(call, x), "DEFAULT")


def _target_sizes(call: Call, x: torch.Tensor) -> dict[int, int]:
    return {
        x.dim() - 2: call.integer("target_size_height", 1),
        x.dim() - 1: call.integer("target_size_width", 1),
    }


@operator("resize")
def resize(call: Call) -> torch.Tensor:
    """The last axes brought to the sizes at the end of `shape`, 0 for as they are."""
    x = call.tensor("x")
    shape, count = call.integers("shape"), call.integer("resized_dims")
    if not 0 <= count <= min(len(shape), x.dim()):
        raise BadInputError(f"The operator {call.operation.label} resizes {count} of {x.dim()} axes.")
    first = x.dim() - count
    sizes = {first + index: size or x.shape[first + index] for index, size in enumerate(shape[len(shape) - count :])}
    mode = call.choice("sampling_mode", call.text("sampling_mode", "DEFAULT"), SAMPLING_MODES)
    known = ("LINEAR", "NEAREST_NEIGHBOR")
    if call.choice("interpolation_mode", call.text("interpolation_mode", "LINEAR"), known) == "LINEAR":
        return resize_linearly(x, sizes, mode)
    return resize_to_nearest(x, sizes, mode)
