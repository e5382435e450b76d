"""Where on its canvas each row of a detector's output stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Anchors = npt.NDArray[np.float32]

# What the training of SSD-like detectors divided offsets and logarithms of sizes by ("variances").
OFFSET_UNIT, SIZE_UNIT = 0.1, 0.2
_LARGEST_LOGARITHM = 10.0


def grid(height: int, width: int, stride: int, per_cell: int, offset: float = 0.0) -> Anchors:
    """Return the places (x, y) of a feature map's cells, row by row, `per_cell` times each: count x 2, canvas pixels.

    A map of a canvas whose side is no multiple of the stride has a cell for the rest.

    Args:
        height, width: of the canvas.
        stride: pixels from cell to cell.
        offset: of the place in its cell, in cells: 0.5 for the middle.
    """
    rows, columns = -(-height // stride), -(-width // stride)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    cells = (np.stack([x, y], axis=-1).reshape(-1, 2) + np.float32(offset)) * stride
    return np.repeat(cells, per_cell, axis=0)


def ssd_places(side: int, strides: Sequence[int], per_layer: int) -> Anchors:
    """Return the anchor places of MediaPipe's SSD anchor calculator with fixed anchor sizes: count x 2, canvas pixels.

    Layers of the same stride share one feature map: each cell has `per_layer` anchors for every one of them, all in
    its middle.

    Args:
        side: of the square canvas.
        strides: of every layer; equal ones stand next to each other.
        per_layer: anchors a layer gives a cell: one per aspect ratio, and one for the interpolated scale.
    """
    layers = {stride: per_layer * strides.count(stride) for stride in strides}
    return np.concatenate([grid(side, side, stride, per_cell, 0.5) for stride, per_cell in layers.items()])


def priors(
    height: int, width: int, strides: Sequence[int], sizes: Sequence[Sequence[int]], *, evenly: bool = False
) -> Anchors:
    """Return prior boxes: count x 4, middle x, middle y, width, height in canvas pixels.

    Args:
        height, width: of the canvas.
        strides: of each feature map.
        sizes: sides of the square priors at every cell of that map.
        evenly: spread a map's cells over the canvas instead of letting the last ones hang over its edge.
    """
    boxes = []
    for stride, sides in zip(strides, sizes, strict=True):
        places = grid(height, width, stride, len(sides), 0.5)
        if evenly:
            places *= np.array([width / (-(-width // stride) * stride), height / (-(-height // stride) * stride)])
        side = np.resize(np.array(sides, np.float32), len(places))
        boxes.append(np.column_stack([places, side, side]))
    return np.concatenate(boxes).astype(np.float32)


def around_priors(offsets: npt.NDArray[np.float32], places: Anchors) -> Anchors:
    """Return the boxes (count x 4: left, top, right, bottom) that a detector's offsets mean.

    Args:
        offsets: count x 4, of the middle in sizes of the prior and of the sizes' logarithms, as trained.
        places: count x 4, priors as from `priors`.
    """
    middle = places[:, :2] + offsets[:, :2] * OFFSET_UNIT * places[:, 2:]
    half = places[:, 2:] * np.exp(np.minimum(offsets[:, 2:] * SIZE_UNIT, _LARGEST_LOGARITHM)) / 2
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
