"""Which part of a frame is shown, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from converters.face.faces import Face, Matrix
from converters.preview.display import MOST_PIXELS, handed
from converters.preview.request import Look

_ROOM = 2.0  # the side of the close-up, in sides of the face's box
_USUAL_SIDE = 512  # of a close-up for which no size was asked
_INERTIA = 0.8  # how much of the last place is kept: the picture follows the face without trembling with it
_FOLLOWED = 0.5  # of the close-up's side: whoever is further away than that is somebody else, or sat down elsewhere


@dataclass(frozen=True)
class Region:
    """A part of a picture in whole pixels, and the size it is shown at.

    Attributes:
        left, top, right, bottom: of the part; right and bottom not included.
        size: width and height it is shown at.
    """

    left: int
    top: int
    right: int
    bottom: int
    size: tuple[int, int]

    def matrix(self) -> Matrix:
        """Return the way from the picture's pixels to those shown; a pixel is an area, not a point."""
        across = self.size[0] / (self.right - self.left)
        down = self.size[1] / (self.bottom - self.top)
        return np.array(
            [
                [across, 0.0, (0.5 - self.left) * across - 0.5],
                [0.0, down, (0.5 - self.top) * down - 0.5],
            ]
        )


def whole(frame: tuple[int, int], look: Look) -> Region:
    """Return all of a frame (width and height), as large as the look allows."""
    return Region(0, 0, *frame, handed(frame, (look.width, look.height)))


def close_up_side(look: Look) -> int:
    """Return the side of a close-up, in pixels shown; the same for every frame, so that panes stand still."""
    return min(look.width or _USUAL_SIDE, look.height or _USUAL_SIDE, int(MOST_PIXELS**0.5))


class CloseUp:
    """Follows the largest face from frame to frame, calmly."""

    def __init__(self) -> None:
        self._place: tuple[float, float, float] | None = None

    def region(self, faces: Sequence[Face], frame: tuple[int, int], look: Look) -> Region:
        """Return a square around the largest face.

        Args:
            faces: of the frame, the largest first; without one the last place is kept, at first the middle.
            frame: its width and height.
            look: says how large it is shown.
        """
        if faces:
            self._follow(_place_of(faces[0]))
        if self._place is None:
            self._place = (frame[0] / 2, frame[1] / 2, min(frame))
        across, down, wanted = self._place
        side = max(1, min(round(wanted), *frame))
        left = min(max(round(across - side / 2), 0), frame[0] - side)
        top = min(max(round(down - side / 2), 0), frame[1] - side)
        shown = close_up_side(look)
        return Region(left, top, left + side, top + side, (shown, shown))

    def _follow(self, place: tuple[float, float, float]) -> None:
        last = self._place
        if last is not None and max(abs(place[0] - last[0]), abs(place[1] - last[1])) < _FOLLOWED * last[2]:
            place = (
                _INERTIA * last[0] + (1 - _INERTIA) * place[0],
                _INERTIA * last[1] + (1 - _INERTIA) * place[1],
                _INERTIA * last[2] + (1 - _INERTIA) * place[2],
            )
        self._place = place

    def reset(self) -> None:
        """Forget where the face was: what follows is another clip."""
        self._place = None


def _place_of(face: Face) -> tuple[float, float, float]:
    left, top, right, bottom = face.detection.box
    return (left + right) / 2, (top + bottom) / 2, _ROOM * max(right - left, bottom - top)
