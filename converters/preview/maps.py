"""Maps of what was lost, drawn over the frame: each crop's values warped to where the crop lies, as 8-bit grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from converters.face.align import inverse, scale_of
from converters.face.faces import Matrix
from converters.face.masks import box_mask
from converters.preview.region import Region
from converters.preview.request import Overlay

Grey = npt.NDArray[np.uint8]
"""Height x width, 0..255."""
Values = npt.NDArray[np.float32]
"""Height x width, from 0."""

HIGHEST: Mapping[Overlay, float] = MappingProxyType({Overlay.LPIPS: 0.1, Overlay.FLIP: 0.3, Overlay.DIFFERENCE: 32.0})
"""What the lightest colour stands for: fixed, so that one colour means the same in every frame. A place whose LPIPS
is .1, or whose FLIP is .3, is a loss that anybody sees; of the difference (0..255) 32 is an eighth of the way from
black to white."""

_EDGE = 0.3  # of a crop: where pasting fades out, the map fades too, for what it tells of is not in the frame


@dataclass(frozen=True)
class CropMap:
    """Where something was lost.

    Attributes:
        values: height x width, from 0.
        matrix: from the frame to these values.
        fades: towards the edge, as a pasted crop does.
    """

    values: Values
    matrix: Matrix
    fades: bool


def paint_maps(maps: Sequence[CropMap], highest: float, region: Region, target: Grey) -> None:
    """Draw maps where they lie in what is shown; where they overlap the larger loss shows.

    Args:
        maps: of one frame.
        highest: what becomes 255; more does, too.
        region: of the frame, as it is shown.
        target: height x width as shown; written over.
    """
    import cv2

    target[:] = 0
    shown = region.matrix()
    for each in maps:
        back = inverse(each.matrix)
        placed = shown[:, :2] @ back
        placed[:, 2] += shown[:, 2]
        grey = _grey(each, highest)
        grey, placed = _averaged(grey, placed)
        rows, columns = grey.shape
        corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]]) @ placed[:, :2].T + placed[:, 2]
        left, top = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, region.size)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, region.size)
        if left >= right or top >= bottom:
            continue
        placed[:, 2] -= (left, top)
        size = (int(right - left), int(bottom - top))
        part = target[top:bottom, left:right]
        np.maximum(part, cv2.warpAffine(grey, placed, size, flags=cv2.INTER_LINEAR), out=part)


def _grey(each: CropMap, highest: float) -> Grey:
    values = each.values * np.float32(255 / highest)
    if each.fades and each.values.shape[0] == each.values.shape[1]:
        values *= box_mask(each.values.shape[0], _EDGE)
    grey: Grey = np.clip(values, 0, 255).astype(np.uint8)
    return grey


def _averaged(grey: Grey, placed: Matrix) -> tuple[Grey, Matrix]:
    """Return a map that will shrink to half or less averaged first: bilinear reads four pixels and misses the rest."""
    import cv2

    box = min(int(1 / max(scale_of(placed), 1e-6) + 1e-6), *grey.shape)
    if box < 2:
        return grey, placed
    rows, columns = grey.shape[0] // box * box, grey.shape[1] // box * box
    small = cv2.resize(grey[:rows, :columns], (columns // box, rows // box), interpolation=cv2.INTER_AREA)
    placed = placed.copy()
    placed[:, 2] += placed[:, :2] @ np.full(2, (box - 1) / 2)
    placed[:, :2] *= box
    return np.asarray(small, np.uint8), placed


def box_of(grey: Grey) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the part of a map that is not 0; all 0 where there is none."""
    import cv2

    left, top, width, height = cv2.boundingRect(grey)
    return left, top, width, height


def paint_difference(original: memoryview, candidate: memoryview, highest: float, target: Grey) -> None:
    """Draw the mean absolute difference of red, green and blue of two pictures that are shown.

    Args:
        original, candidate: BGRA of the target's size.
        highest: what becomes 255, of 0..255; more does, too.
        target: height x width; written over.
    """
    import cv2

    shape = (*target.shape, 4)
    count = target.size * 4
    one, other = (np.frombuffer(each, np.uint8, count=count).reshape(shape) for each in (original, candidate))
    share = 255 / highest / 3
    # the fourth channel is 255 on both sides
    cv2.transform(cv2.absdiff(one, other), np.array([[share, share, share, 0.0]]), dst=target)
