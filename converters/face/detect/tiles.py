"""Parts of a large picture, for faces that vanish when the whole is shrunk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.face.detect.suppression import Boxes

_LEAST_SHRINKING = 1.5  # a picture that is shrunk by less keeps its faces
_SHARED = 0.25  # of a tile lies in its neighbour, so that no face of a quarter tile is cut
_MOST_ACROSS = 3


@dataclass(frozen=True)
class Tile:
    """A part of a picture: pixels, right and bottom not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def rows(self) -> slice:
        """Of the picture's array."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Of the picture's array."""
        return slice(self.left, self.right)

    def holds(self, boxes: Boxes, height: int, width: int) -> npt.NDArray[np.bool_]:
        """Return which boxes (count x 4, picture pixels) no inner edge cuts: their neighbour shows the others whole.

        Args:
            height, width: of the picture, whose own edges may cut.
        """
        left = (boxes[:, 0] >= self.left) | (self.left == 0)
        top = (boxes[:, 1] >= self.top) | (self.top == 0)
        right = (boxes[:, 2] < self.right) | (self.right == width)
        bottom = (boxes[:, 3] < self.bottom) | (self.bottom == height)
        return np.asarray(left & top & right & bottom)


def tiles(height: int, width: int, canvas_height: int, canvas_width: int) -> tuple[Tile, ...]:
    """Return overlapping parts that a canvas shows at about half the shrinking or less; () where the whole is enough.

    At most three across and three down: a face smaller than that allows is too small to swap.
    """
    shrinking = max(height / canvas_height, width / canvas_width)
    if shrinking < _LEAST_SHRINKING:
        return ()
    side = max(min(height, width) / 2, max(height, width) / (_MOST_ACROSS * (1 - _SHARED) + _SHARED), 1)
    return tuple(
        Tile(left, top, right, bottom) for top, bottom in _spans(height, side) for left, right in _spans(width, side)
    )


def _spans(length: int, side: float) -> list[tuple[int, int]]:
    """Return the fewest spans of a side that cover a length and share enough, evenly spread."""
    if length <= side:
        return [(0, length)]
    step = side * (1 - _SHARED)
    count = 1 + max(1, -int(-(length - side) // step))
    starts = [round(place * (length - side) / (count - 1)) for place in range(count)]
    return [(start, min(length, start + round(side))) for start in starts]
