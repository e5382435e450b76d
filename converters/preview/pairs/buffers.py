"""Arrays that are used again, in two sets that take turns: what one frame got is good while the next is treated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from converters.face.faces import Crop, Picture


class Buffers:
    """Keeps the arrays of two frames."""

    def __init__(self) -> None:
        self._sets: tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]] = ({}, {})
        self._turn = 0

    def next_frame(self) -> None:
        """Begin a frame: its arrays are those of the frame before the last one."""
        self._turn = 1 - self._turn

    def copy_of(self, frame: Picture, name: str) -> Picture:
        """Return a copy of a picture in the array of that name."""
        copy = self._array(name, frame.shape, np.uint8)
        np.copyto(copy, frame)
        return copy

    def crop(self, name: str, side: int) -> Crop:
        """Return side x side x 3 of any contents; one array for each name."""
        return self._array(name, (side, side, 3), np.float32)

    def _array(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> npt.NDArray[Any]:
        kept = self._sets[self._turn]
        array = kept.get(name)
        if array is None or array.shape != shape:
            array = kept[name] = np.empty(shape, dtype)
        return array
