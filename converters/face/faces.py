"""What the stages of the face pipeline hand to one another: plain data.

A picture is height x width x 3, RGB, uint8, 0..255. A point is (x, y) in pixels of its picture; the centre of the
first pixel is (0, 0), as OpenCV counts. "Left" is the viewer's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""Height x width x 3, RGB, 0..255."""
Crop = npt.NDArray[np.float32]
"""Side x side x 3, RGB, 0..1: an aligned face."""
Mask = npt.NDArray[np.float32]
"""Height x width, 0..1."""
Points = npt.NDArray[np.float32]
"""Count x 2."""
Matrix = npt.NDArray[np.float64]
"""2 x 3, affine: crop point = matrix @ (x, y, 1)."""
Embedding = npt.NDArray[np.float32]
"""Raw, as the recogniser gave it (length 512 for ArcFace and the demo embedder); not normalised."""

# The usual 68 points: which of them make the five that faces are aligned by.
_LEFT_EYE, _RIGHT_EYE = slice(36, 42), slice(42, 48)
_NOSE, _MOUTH_LEFT, _MOUTH_RIGHT = 30, 48, 54


def five_of_68(points: Points) -> Points:
    """Return eye, eye, nose, mouth corner, mouth corner (left before right) of 68 landmarks (68 x 2 -> 5 x 2)."""
    return np.stack(
        [
            points[_LEFT_EYE].mean(axis=0),
            points[_RIGHT_EYE].mean(axis=0),
            points[_NOSE],
            points[_MOUTH_LEFT],
            points[_MOUTH_RIGHT],
        ]
    ).astype(np.float32)


@dataclass(frozen=True)
class Detection:
    """One face as a detector sees it.

    Attributes:
        box: left, top, right, bottom in pixels; may reach outside the picture.
        score: 0..1.
        points: 5 x 2, eye, eye, nose, mouth corner, mouth corner; estimated from the box where the detector has none.
    """

    box: tuple[float, float, float, float]
    score: float
    points: Points

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        left, top, right, bottom = self.box
        return max(right - left, 0.0) * max(bottom - top, 0.0)


@dataclass(frozen=True)
class Landmarks:
    """The 68 points of one face.

    Attributes:
        points: 68 x 2.
        score: 0..1, how sure the landmarker is.
    """

    points: Points
    score: float


@dataclass(frozen=True)
class Face:
    """Everything known about one face in one picture.

    Attributes:
        detection: as the detector saw it.
        points: 5 x 2, the points to align by: from the landmarks where they are good, else the detector's.
        landmarks: None where no landmarker ran.
        embedding: None where no embedder ran.
        identity: the tracker's number, the same in every frame; None where nothing tracks.
    """

    detection: Detection
    points: Points
    landmarks: Landmarks | None = None
    embedding: Embedding | None = None
    identity: int | None = None
