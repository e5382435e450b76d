"""Make pictures fit for the screen: small enough for the pane, in the order of bytes that Qt draws as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from converters.face.faces import Picture

BYTES = 4
"""Of a pixel: blue, green, red, 255, as Qt's RGB32 lies in memory."""
MOST_PIXELS = 3840 * 2160
"""Of a picture that is handed over: three slots of two such pictures and a map are 224 MB."""


def fitting(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the same shape within `most` (width and height, 0: any); never larger than `size`."""
    shares = [limit / length for length, limit in zip(size, most, strict=True) if limit]
    share = min([1.0, *shares])
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def handed(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the same shape within `most` (width and height, 0: any) and `MOST_PIXELS`."""
    width, height = fitting(size, most)
    share = (MOST_PIXELS / (width * height)) ** 0.5
    return (width, height) if share >= 1 else (max(1, int(width * share)), max(1, int(height * share)))


def put(picture: Picture, size: tuple[int, int], memory: memoryview) -> None:
    """Write a picture into memory as BGRA of some size.

    Args:
        picture: height x width x 3, RGB; any strides.
        size: width and height wanted.
        memory: at least width * height * `BYTES` bytes.
    """
    import cv2

    width, height = size
    target: npt.NDArray[Any] = np.frombuffer(memory, np.uint8, count=width * height * BYTES)
    target = target.reshape(height, width, BYTES)
    if (picture.shape[1], picture.shape[0]) != size:
        is_smaller = width < picture.shape[1]
        # an area's mean where pixels go away: anything else would show a pattern that is not there
        way = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
        picture = cv2.resize(picture, size, interpolation=way).astype(np.uint8, copy=False)
    cv2.cvtColor(picture, cv2.COLOR_RGB2BGRA, dst=target)
