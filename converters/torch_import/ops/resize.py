"""Resize and Upsample: torch's interpolation where it says exactly the same, constant matrices elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.ops.resize_weights import Axis, nearest_positions, weights
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

# the interpolations that converters know; cubic, antialiased and volume ones become matrices or gathers
_TORCH_NAMES = {
    ("nearest", 1): "nearest",
    ("nearest", 2): "nearest",
    ("linear", 1): "linear",
    ("linear", 2): "bilinear",
}
# torch computes its own coordinates in float32; weights that differ by less than this are the same weights
_SAME_WEIGHTS = 2e-4


@dataclass(frozen=True)
class _Plan:
    """A Resize with everything that older operator sets leave out filled in."""

    axes: tuple[Axis, ...]
    kernel: str
    coordinates: str
    rounding: str
    antialias: bool
    exclude_outside: bool
    cubic_a: float
    extrapolation: float

    def matrix(self, axis: Axis) -> torch.Tensor:
        if self.kernel == "nearest":
            return torch.eye(axis.size)[torch.from_numpy(nearest_positions(axis, self.coordinates, self.rounding))]
        matrix = weights(
            axis,
            self.coordinates,
            self.kernel,
            antialias=self.antialias,
            exclude_outside=self.exclude_outside,
            cubic_a=self.cubic_a,
        )
        return torch.from_numpy(matrix.astype(np.float32))

    @property
    def changed(self) -> list[int]:
        return [index for index, axis in enumerate(self.axes) if not self._keeps(axis)]

    def _keeps(self, axis: Axis) -> bool:
        return axis.size == axis.wanted and torch.equal(self.matrix(axis), torch.eye(axis.size))

    @property
    def has_outside(self) -> bool:
        return any(axis.outside(self.coordinates).any() for axis in self.axes)


@builds("Resize", "Upsample")
def resize(op: Operation) -> Value:
    value = op.tensor()
    dtype = op.dtype(value)
    plan = _plan(op, op.shape(value))
    changed = plan.changed
    if not changed:
        return value
    if plan.kernel == "nearest":
        return _outside(op, _interpolated(op, value, plan, changed) or _picked(op, value, plan, changed), plan)
    work = value if dtype.is_floating_point else op.cast(value, torch.float32)
    result = _interpolated(op, work, plan, changed) or _multiplied(op, work, plan, changed)
    result = _outside(op, result, plan)
    if dtype.is_floating_point:
        return result
    info = torch.iinfo(dtype)
    return op.cast(op.call(torch.clamp, result, info.min, info.max), dtype)


def _plan(op: Operation, shape: tuple[int, ...]) -> _Plan:
    rank = len(shape)
    axes = normalized_axes(op.attribute("axes") or list(range(rank)), rank)
    mode = op.attribute("mode", "nearest")
    is_old = op.opset < 11 or op.kind == "Upsample"  # positions were asymmetric, nearest rounded down
    region = None if op.opset < 11 else op.constant(1)
    coordinates = "asymmetric" if is_old else op.attribute("coordinate_transformation_mode", "half_pixel")
    scales, sizes = _scales(op, is_old), None if is_old else op.ints(3)
    if sizes:
        sizes, scales = _sized(op, [shape[axis] for axis in axes], sizes)
    if not scales:
        op.refuse("has neither scales nor sizes")
    built = [Axis(size, size, 1.0) for size in shape]
    regions = region.reshape(-1).tolist() if region is not None and region.numel() else None
    for index, axis in enumerate(axes):
        size = shape[axis]
        wanted = sizes[index] if sizes else int(np.floor(np.float32(size) * np.float32(scales[index])))
        if wanted <= 0:
            op.refuse("would give an empty picture")
        part = (regions[index], regions[index + len(axes)]) if regions else (0.0, 1.0)
        built[axis] = Axis(size, wanted, scales[index], part)
    return _Plan(
        axes=tuple(built),
        kernel={"bilinear": "linear", "trilinear": "linear"}.get(mode, mode),
        coordinates="half_pixel" if coordinates == "tf_half_pixel_for_nn" else coordinates,
        rounding="simple" if is_old else op.attribute("nearest_mode", "round_prefer_floor"),
        antialias=bool(op.attribute("antialias", 0)),
        exclude_outside=bool(op.attribute("exclude_outside", 0)),
        cubic_a=op.attribute("cubic_coeff_a", -0.75),
        extrapolation=op.attribute("extrapolation_value", 0.0),
    )


def _scales(op: Operation, is_old: bool) -> list[float] | None:
    if "scales" in op.attributes:
        return [float(item) for item in op.attributes["scales"]]
    tensor = op.constant(1 if is_old else 2)
    return [float(item) for item in tensor.reshape(-1).tolist()] if tensor is not None else None


def _sized(op: Operation, shape: list[int], sizes: list[int]) -> tuple[list[int], list[float]]:
    policy = op.attribute("keep_aspect_ratio_policy", "stretch")
    scales = [float(np.float32(wanted) / np.float32(size)) for wanted, size in zip(sizes, shape, strict=True)]
    if policy == "stretch":
        return sizes, scales
    scale = min(scales) if policy == "not_larger" else max(scales)
    return [int(np.floor(np.float32(scale) * np.float32(size) + np.float32(0.5))) for size in shape], [scale] * len(
        shape
    )


def _interpolated(op: Operation, value: Value, plan: _Plan, changed: list[int]) -> Value | None:
    """Return F.interpolate's result when its weights equal the plan's, None when no setting of it does."""
    spatial = plan.axes[2:]
    name = _TORCH_NAMES.get((plan.kernel, len(spatial)))
    if name is None or min(changed) < 2 or not op.dtype(value).is_floating_point:
        return None
    if plan.antialias:
        return None
    corners: tuple[bool | None, ...] = (None,) if plan.kernel == "nearest" else (False, True)
    targets = [plan.matrix(axis) for axis in spatial]
    for by_scale in (False, True):
        for corner in corners:
            if all(
                _matches(axis, target, name, corner, by_scale) for axis, target in zip(spatial, targets, strict=True)
            ):
                options: dict[str, Any] = {"size": [axis.wanted for axis in spatial]}
                if by_scale:
                    options = {"scale_factor": [axis.scale for axis in spatial]}
                return op.call(F.interpolate, value, **options, mode=name, align_corners=corner)
    return None


def _matches(axis: Axis, target: torch.Tensor, name: str, corners: bool | None, by_scale: bool) -> bool:
    """Whether torch's interpolation along one axis, tried on the unit vectors, has these weights."""
    has_short_cut = name == "nearest" or axis.wanted in (axis.size, 2 * axis.size)
    if by_scale and has_short_cut and axis.scale * axis.size != axis.wanted:
        return False  # torch forgets the scale then
    if by_scale and int(axis.size * axis.scale) != axis.wanted:
        return False
    options: dict[str, Any] = {"scale_factor": axis.scale} if by_scale else {"size": axis.wanted}
    base = "nearest" if name == "nearest" else "linear"
    actual = F.interpolate(torch.eye(axis.size)[None], **options, mode=base, align_corners=corners)[0]
    return actual.T.shape == target.shape and bool((actual.T - target).abs().max() < _SAME_WEIGHTS)


def _picked(op: Operation, value: Value, plan: _Plan, changed: list[int]) -> Value:
    for index in changed:
        positions = nearest_positions(plan.axes[index], plan.coordinates, plan.rounding)
        value = op.call(torch.index_select, value, index, Constant(torch.from_numpy(positions)))
    return value


def _multiplied(op: Operation, value: Value, plan: _Plan, changed: list[int]) -> Value:
    """Multiply each changed axis by its matrix."""
    dtype, rank = op.dtype(value), len(plan.axes)
    for index in changed:
        matrix = plan.matrix(plan.axes[index]).to(dtype)
        if index == rank - 1:
            value = op.call(torch.matmul, value, Constant(matrix.T.contiguous()))
        elif index == rank - 2:
            value = op.call(torch.matmul, Constant(matrix), value)
        else:
            last = op.call(torch.transpose, value, index, rank - 1)
            value = op.call(torch.matmul, last, Constant(matrix.T.contiguous()))
            value = op.call(torch.transpose, value, index, rank - 1)
    return value


def _outside(op: Operation, value: Value, plan: _Plan) -> Value:
    """Put the extrapolation value wherever a coordinate of any axis lies outside the input."""
    if not plan.has_outside:
        return value
    rank = len(plan.axes)
    mask = torch.zeros([1] * rank, dtype=torch.bool)
    for index, axis in enumerate(plan.axes):
        outside = torch.from_numpy(axis.outside(plan.coordinates))
        mask = mask | outside.reshape([-1 if place == index else 1 for place in range(rank)])
    return op.call(torch.masked_fill, value, Constant(mask), plan.extrapolation)
