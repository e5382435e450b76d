"""Taking image values at computed places: grid sampling, affine maps, boxes."""

from __future__ import annotations

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.ops.resizing import SAMPLING_MODES, grid_points
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count

_PADDING_MODES = ("constant", "border", "reflection", "symmetric")
_COORDINATES = ("unnormalized", "normalized_minus_one_to_one", "normalized_zero_to_one")
_BOXES = ("CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST", "CENTER_SIZE_HEIGHT_FIRST", "CENTER_SIZE_WIDTH_FIRST")


def _to_pixels(position: torch.Tensor, size: int, mode: str, align_corners: bool) -> torch.Tensor:
    if mode == "unnormalized":
        return position
    if mode == "normalized_minus_one_to_one":
        position = (position + 1) / 2
    return position * (size - 1) if align_corners else position * size - 0.5


def _reflected(position: torch.Tensor, low: float, high: float) -> torch.Tensor:
    span = high - low
    if span <= 0:
        return torch.zeros_like(position)
    folded = torch.remainder(position - low, 2 * span)
    return torch.where(folded > span, 2 * span - folded, folded) + low


def _inside(position: torch.Tensor, size: int, padding: str) -> torch.Tensor:
    position = torch.nan_to_num(position, nan=-1.0).clamp(-1e7, 1e7)
    if padding == "reflection":
        position = _reflected(position, 0, size - 1)
    elif padding == "symmetric":
        position = _reflected(position, -0.5, size - 0.5)
    return position if padding == "constant" else position.clamp(0, size - 1)


def _pick(x: torch.Tensor, row: torch.Tensor, column: torch.Tensor, outside: float) -> torch.Tensor:
    """Return x[b, :, row, column] for (B, P) rows and columns; `outside` where they are not in the image."""
    batch, channels, height, width = x.shape
    valid = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    index = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
    values = x.reshape(batch, channels, -1).gather(2, index.unsqueeze(1).expand(-1, channels, -1))
    return torch.where(valid.unsqueeze(1), values, torch.as_tensor(outside, dtype=x.dtype))


def sample(
    x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, padding: str, outside: float, nearest: bool
) -> torch.Tensor:
    """Return the values of images at given places.

    Args:
        x: (B, C, H, W).
        rows, columns: (B, P), in pixels, 0 at the centre of the first one.
        padding: one of "constant", "border", "reflection", "symmetric".
        outside: the value around the image for "constant".
        nearest: take the nearest pixel instead of interpolating.

    Returns:
        (B, C, P).
    """
    height, width = x.shape[2:]
    element_count([x.shape[0], x.shape[1], rows.shape[1]])
    rows, columns = _inside(rows, height, padding), _inside(columns, width, padding)
    if nearest:
        return _pick(x, rows.round(), columns.round(), outside)
    top, left = rows.floor(), columns.floor()
    down, right = (rows - top).unsqueeze(1), (columns - left).unsqueeze(1)
    upper = _pick(x, top, left, outside) * (1 - right) + _pick(x, top, left + 1, outside) * right
    lower = _pick(x, top + 1, left, outside) * (1 - right) + _pick(x, top + 1, left + 1, outside) * right
    return upper * (1 - down) + lower * down


@operator("resample")
def resample(call: Call) -> torch.Tensor:
    """The image at the given (x, y) coordinates."""
    x, coordinates = call.tensor("x"), call.floats("coordinates")
    if x.dim() != 4 or coordinates.dim() != 4 or coordinates.shape[3] != 2 or coordinates.shape[0] != x.shape[0]:
        raise BadInputError(f"The operator {call.operation.label} has inputs that do not belong together.")
    mode = call.choice("coordinates_mode", call.text("coordinates_mode"), _COORDINATES)
    padding = call.choice("padding_mode", call.text("padding_mode"), _PADDING_MODES)
    sampling = call.choice("sampling_mode", call.text("sampling_mode"), ("bilinear", "nearest"))
    aligned = call.flag("align_corners")
    batch, height, width, _two = coordinates.shape
    columns = _to_pixels(coordinates[..., 0], x.shape[3], mode, aligned).reshape(batch, -1)
    rows = _to_pixels(coordinates[..., 1], x.shape[2], mode, aligned).reshape(batch, -1)
    values = sample(x, rows, columns, padding, call.number("padding_value", 0.0), sampling == "nearest")
    return values.reshape(batch, x.shape[1], height, width)


@operator("affine")
def affine(call: Call) -> torch.Tensor:
    """The image under an affine map of normalised coordinates."""
    x, matrix = call.tensor("x"), call.tensor("transform_matrix")
    height, width = call.integer("output_height"), call.integer("output_width")
    if x.dim() != 4 or matrix.dim() != 2 or matrix.shape[1] != 6 or height < 1 or width < 1:
        raise BadInputError(f"The operator {call.operation.label} has inputs that do not belong together.")
    element_count([x.shape[0], x.shape[1], height, width])
    aligned = call.flag("align_corners", True)
    call.choice("sampling_mode", call.text("sampling_mode", "bilinear").lower(), ("bilinear",))
    mode = call.choice("coordinates_mode", call.text("coordinates_mode", _COORDINATES[1]).lower(), _COORDINATES[1:2])
    padding = call.choice("padding_mode", call.text("padding_mode", "constant").lower(), _PADDING_MODES)

    def axis(count: int) -> torch.Tensor:
        if aligned:
            return torch.linspace(-1, 1, count) if count > 1 else torch.zeros(1)
        return (torch.arange(count) * 2 + 1) / count - 1

    y, horizontal = torch.meshgrid(axis(height), axis(width), indexing="ij")
    ones = torch.stack([horizontal.reshape(-1), y.reshape(-1), torch.ones(height * width)])
    moved = (matrix.reshape(-1, 2, 3) @ ones).expand(x.shape[0], -1, -1)
    columns = _to_pixels(moved[:, 0], x.shape[3], mode, aligned)
    rows = _to_pixels(moved[:, 1], x.shape[2], mode, aligned)
    values = sample(x, rows, columns, padding, call.number("padding_value", 0.0), nearest=False)
    return values.reshape(x.shape[0], x.shape[1], height, width)


@operator("crop_resize")
def crop_resize(call: Call) -> torch.Tensor:
    """Boxes cut out of images and brought to one size."""
    x = call.tensor("x")
    height, width = call.integer("target_height", 1), call.integer("target_width", 1)
    if x.dim() != 4 or height < 1 or width < 1:
        raise BadInputError(f"The operator {call.operation.label} has an input of rank {x.dim()}.")
    if "roi" in call:
        return _crop_rois(call, x, height, width)
    boxes = call.floats("boxes").reshape(-1, 4)
    given = call.optional("box_indices")
    images = torch.arange(boxes.shape[0]) if given is None else given.reshape(-1).long()
    return _crop(call, x, boxes, images, height, width)


def _crop_rois(call: Call, x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    roi = call.floats("roi")
    boxes = roi.reshape(roi.shape[0], -1)
    if boxes.shape[1] == 5:
        images = boxes[:, 0].long()
        return _crop(call, x, boxes[:, 1:], images, height, width).unsqueeze(1)
    if boxes.shape[1] != 4:
        raise BadInputError(f"The operator {call.operation.label} has boxes of {boxes.shape[1]} numbers.")
    count, batch = boxes.shape[0], x.shape[0]
    every_box = boxes.repeat_interleave(batch, 0)
    values = _crop(call, x, every_box, torch.arange(batch).repeat(count), height, width)
    return values.reshape(count, batch, *values.shape[1:])


def _crop(
    call: Call, x: torch.Tensor, boxes: torch.Tensor, images: torch.Tensor, height: int, width: int
) -> torch.Tensor:
    """Return (N, C, height, width): box i cut out of image `images[i]`."""
    if images.shape[0] != boxes.shape[0] or bool(((images < 0) | (images >= x.shape[0])).any()):
        raise BadInputError(f"The operator {call.operation.label} takes boxes from images that do not exist.")
    element_count([boxes.shape[0], x.shape[1], height, width])
    element_count([boxes.shape[0], *x.shape[1:]])
    order = call.choice("box_coordinate_mode", call.text("box_coordinate_mode", _BOXES[0]), _BOXES)
    mode = call.choice("sampling_mode", call.text("sampling_mode", "DEFAULT"), SAMPLING_MODES)
    first, second, third, fourth = (boxes * call.number("spatial_scale", 1.0)).unbind(1)
    if order.endswith("WIDTH_FIRST"):
        first, second, third, fourth = second, first, fourth, third
    if order.startswith("CENTER"):
        first, second, third, fourth = first - third / 2, second - fourth / 2, first + third / 2, second + fourth / 2
    top, left, bottom, right = first, second, third, fourth
    if call.flag("normalized_coordinates"):
        top, bottom = top * (x.shape[2] - 1), bottom * (x.shape[2] - 1)
        left, right = left * (x.shape[3] - 1), right * (x.shape[3] - 1)
    rows = top.unsqueeze(1) + grid_points(bottom - top, height, mode)
    columns = left.unsqueeze(1) + grid_points(right - left, width, mode)
    every_row = rows.unsqueeze(2).expand(-1, -1, width).reshape(len(boxes), -1).float()
    every_column = columns.unsqueeze(1).expand(-1, height, -1).reshape(len(boxes), -1).float()
    outside = call.number("pad_value", 0.0)
    beyond = (every_row < 0) | (every_row > x.shape[2] - 1) | (every_column < 0) | (every_column > x.shape[3] - 1)
    values = sample(x[images], every_row, every_column, "border", outside, nearest=False)
    values = torch.where(beyond.unsqueeze(1), torch.as_tensor(outside, dtype=values.dtype), values)
    return values.reshape(len(boxes), x.shape[1], height, width)
