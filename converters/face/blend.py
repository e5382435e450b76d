"""How a drawn face meets the picture around it: on a small window of it, and never where the mask is zero."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from converters.errors import UsageError, did_you_mean
from converters.face.faces import Mask, Picture

Drawing = npt.NDArray[np.float32]
"""Height x width x 3, RGB, 0..255."""
Window = npt.NDArray[np.float32]
"""Scratch of a drawing's shape; its contents are lost."""

_POISSON_REGION: Final = 0.5  # the mask's value that is the border of what is cloned
_SMALLEST_REGION: Final = 3  # pixels: the solver needs an inside
_LEVELS: Final = 5
_SMALLEST_LEVEL: Final = 8  # pixels: below, a level is one colour
_FADE: Final = 4.0  # the last quarter of the mask brings what coarse levels spread back to nothing


class BlendMethod(StrEnum):
    """How a drawn face meets the picture."""

    FEATHER = "feather"
    POISSON = "poisson"
    PYRAMID = "pyramid"


def feather(window: Picture, drawing: Drawing, mask: Mask, scratch: Window) -> None:
    """Mix by the mask: window * (1 - m) + drawing * m, rounded. What FaceFusion does, which truncates instead.

    Truncation darkens by half a step on average; the two are at most one step apart.

    Args:
        window: height x width x 3, changed in place; any strides.
        drawing: 0..255; its contents are lost.
        mask: height x width, 0..1.
        scratch: of the drawing's shape.
    """
    import cv2

    shares = cv2.merge([mask, mask, mask], scratch)  # numpy is slow along an axis of three
    mixed = np.subtract(drawing, window, out=drawing)
    mixed *= shares
    mixed += window
    _write(mixed, window)


def poisson(window: Picture, drawing: Drawing, mask: Mask, scratch: Window) -> None:
    """Take over the drawing's edges and the picture's colours (Perez, Gangnet, Blake: Poisson Image Editing, 2003).

    The part where the mask is above one half is cloned whole; elsewhere nothing changes. Arguments as `feather`.
    """
    import cv2

    # the window with a rim of its own edge: a face that the picture's border cuts needs colours to meet there, too
    region = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    region[1:-1, 1:-1] = np.where(mask > _POISSON_REGION, np.uint8(255), np.uint8(0))
    # holes and single pixels at the very rim would touch the border of the framed window
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not rows.size or np.ptp(rows) < _SMALLEST_REGION or np.ptp(columns) < _SMALLEST_REGION:
        feather(window, drawing, mask, scratch)
        return
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    framed = cv2.copyMakeBorder(np.ascontiguousarray(window), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    source = cv2.copyMakeBorder(_rounded(drawing), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    middle = (left + (right - left) // 2, top + (bottom - top) // 2)
    # a copy: OpenCV 5.0 inverts the mask it is given, inside its bounding box
    cloned = np.asarray(cv2.seamlessClone(source, framed, region.copy(), middle, cv2.NORMAL_CLONE), np.uint8)
    np.copyto(window, cloned[1:-1, 1:-1], where=region[1:-1, 1:-1, None] > 0)


def pyramid(window: Picture, drawing: Drawing, mask: Mask, scratch: Window) -> None:
    """Mix coarse shades over a wide seam and fine detail over a narrow one.

    Burt, Adelson: A Multiresolution Spline with Application to Image Mosaics, 1983. Arguments as `feather`.
    """
    import cv2

    levels = int(np.log2(max(min(mask.shape) / _SMALLEST_LEVEL, 1)))
    scratch[...] = window
    # the mixture is linear in the difference, so one pyramid does for both pictures
    difference = np.subtract(drawing, scratch, out=drawing)
    weights = [mask]
    details: list[npt.NDArray[np.float32]] = []
    for _ in range(min(levels, _LEVELS)):
        smaller = _floats(cv2.pyrDown(difference))
        details.append(difference - _floats(cv2.pyrUp(smaller, dstsize=(difference.shape[1], difference.shape[0]))))
        weights.append(_floats(cv2.pyrDown(weights[-1])))
        difference = smaller
    result = difference * weights[-1][..., None]
    for detail, weight in zip(reversed(details), reversed(weights[:-1]), strict=True):
        coarse = _floats(cv2.pyrUp(result, dstsize=(detail.shape[1], detail.shape[0])))
        result = np.multiply(detail, weight[..., None], out=detail)
        result += coarse
    share = np.minimum(mask * np.float32(_FADE), np.float32(1))
    result *= share[..., None]
    scratch += result
    _write(np.maximum(scratch, np.float32(0), out=scratch), window)


def _floats(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return what OpenCV gave, of which it says no type."""
    return np.asarray(array, np.float32)


def _rounded(drawing: Drawing) -> Picture:
    import cv2

    return np.asarray(cv2.convertScaleAbs(drawing), np.uint8)


def _write(values: Window, window: Picture) -> None:
    """Round values that are not negative into a picture, saturating."""
    import cv2

    if window.strides[1:] == (3, 1):
        cv2.convertScaleAbs(values, window)
    else:
        window[...] = _rounded(values)


_METHODS: Final[dict[BlendMethod, Callable[[Picture, Drawing, Mask, Window], None]]] = {
    BlendMethod.FEATHER: feather,
    BlendMethod.POISSON: poisson,
    BlendMethod.PYRAMID: pyramid,
}


def blend_by(method: BlendMethod | str) -> Callable[[Picture, Drawing, Mask, Window], None]:
    """Return the function of a method; UsageError for an unknown one."""
    try:
        return _METHODS[BlendMethod(method)]
    except ValueError:
        raise UsageError(
            f"There is no way of blending {method!r}.", "", did_you_mean(str(method), BlendMethod)
        ) from None
