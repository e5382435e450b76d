"""The one way to find 68 points on a face: a Landmarker, whatever model is behind it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

import numpy as np

from converters.closing import Closing
from converters.face.align import TEMPLATES, inverse, similarity, transform, warp
from converters.face.faces import Crop, Detection, Landmarks, Matrix, Picture, Points, five_of_68
from converters.face.tensors import ImageInput
from converters.model.signature import TensorInfo
from converters.runtimes.base import Arrays, Session

GOOD: Final = 0.5
"""FaceFusion's limit: landmarks that score more decide how a face is aligned."""
COUNT: Final = 68
_DOWN_OVER_ACROSS = 1.05  # of a face that looks straight ahead
_LARGEST = 1e5  # pixels: what lies farther away comes from a broken model


class Landmarker(Closing):
    """Finds the 68 points of a detected face, in iBUG's order. Not for several threads at once: buffers are reused.

    Args:
        close: called once by `close`.
    """

    def __init__(self, *, close: Callable[[], None] | None = None) -> None:
        self._close = close

    def landmarks(self, picture: Picture, detection: Detection) -> Landmarks:
        """Return the points of one face in the picture's pixels.

        A model that gives no usable numbers yields the usual places of the points around the detection, score 0.

        Args:
            picture: height x width x 3, RGB, 0..255.
            detection: finite, as a `Detector` gives it.

        Raises:
            BadInputError: the detection's points are no face's, or the runtime stopped.
            ValueError: no such picture; a bug of the caller.
        """
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
            raise ValueError(f"no RGB picture: {picture.dtype} of shape {picture.shape}")
        points, score = self._find(picture, detection)
        if not math.isfinite(score) or not np.isfinite(points).all() or np.abs(points).max() > _LARGEST:
            return Landmarks(usual_68(detection.points), 0.0)
        return Landmarks(points.astype(np.float32, copy=False), min(max(float(score), 0.0), 1.0))

    @abstractmethod
    def _find(self, picture: Picture, detection: Detection) -> tuple[Points, float]:
        """Return 68 x 2 points in the picture's pixels and a score, whatever the model gave."""

    def close(self) -> None:
        """Free the model; closing twice is harmless."""
        close, self._close = self._close, None
        if close is not None:
            close()


class CropLandmarker(Landmarker):
    """Cuts a square out of the picture, shows it to a model and takes the points back.

    Args:
        session: the open model.
        tensor: its picture input, square and static.
        close: called once by `close`.

    Raises:
        UnsupportedError: the model's input is no such picture, or its outputs are others.
    """

    def __init__(self, session: Session, tensor: TensorInfo, *, close: Callable[[], None] | None = None) -> None:
        super().__init__(close=close)
        self._session = session
        self._input = ImageInput(tensor, session.path.name)
        self.side = self._input.side
        self._crop: Crop = np.zeros((self.side, self.side, 3), np.float32)
        self._bind({name: values.shape for name, values in self._run(self._crop).items()})

    @abstractmethod
    def _bind(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Find the outputs by the shapes that a black crop gave; raise UnsupportedError when they are others."""

    @abstractmethod
    def _matrix(self, detection: Detection) -> Matrix:
        """Return the matrix from the picture to the crop."""

    @abstractmethod
    def _decode(self, outputs: Arrays) -> tuple[Points, float | None]:
        """Return 68 x 2 points in crop pixels (the first pixel's centre is (0, 0)) and the model's score.

        None where the model gives none: then the score is how well the points agree with the detector's, 1 minus
        their mean distance in face sizes.
        """

    def _prepared(self, crop: Crop) -> Crop:
        """Return the crop as the model likes it."""
        return crop

    def _run(self, crop: Crop) -> Arrays:
        return self._session.run({self._input.name: self._input.filled(crop)})

    def _find(self, picture: Picture, detection: Detection) -> tuple[Points, float]:
        matrix = self._matrix(detection)
        crop = self._prepared(warp(picture, matrix, self.side, self._crop))
        with np.errstate(all="ignore"):  # numbers of a broken model
            in_crop, score = self._decode(self._run(crop))
        if not np.isfinite(in_crop).all() or np.abs(in_crop).max() > _LARGEST:
            return in_crop, math.nan
        points = transform(in_crop, inverse(matrix))
        return points, agreement(points, detection.points) if score is None else score


def alignment_points(detection: Detection, landmarks: Landmarks | None) -> Points:
    """Return the five points (5 x 2) to align a face by: the landmarks' where they are good, else the detector's."""
    if landmarks is None or landmarks.score <= GOOD:
        return detection.points
    return five_of_68(landmarks.points)


def agreement(points: Points, five: Points) -> float:
    """Return 1 minus the mean distance, in face sizes, of 68 points' five (68 x 2) from a detector's (5 x 2)."""
    distance = np.linalg.norm(five_of_68(points) - five, axis=1).mean()
    return 1 - float(distance) / max(size_of(five), 1.0)


def square(middle: Points, side_in_picture: float, angle: float, side: int) -> Matrix:
    """Return the matrix that takes a turned square of a picture to an upright crop.

    Args:
        middle: (x, y) of the square, pixels.
        side_in_picture: pixels; at least one is taken.
        angle: radians by which the square is turned, positive where its upper edge falls to the right.
        side: of the crop, pixels.
    """
    scale = side / max(float(side_in_picture), 1.0)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    # edges of pixels, not centres, lie on edges of the square
    return np.column_stack([turn, np.full(2, (side - 1) / 2) - turn @ np.asarray(middle, np.float64)])


def face_square(points: Points, sides: float, down: float, side: int) -> Matrix:
    """Return the matrix to a square around a face, upright and the same whatever detector drew the box.

    Args:
        points: 5 x 2, of the face.
        sides: of the square, in eyes-to-mouth distances.
        down: where its middle lies: 0 between the eyes, 1 at the mouth.
        side: of the crop, pixels.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    return square(eyes + down * (mouth - eyes), sides * size_of(points), roll(points), side)


def size_of(points: Points) -> float:
    """Return how large a face is, in pixels: eyes to mouth, or eye to eye where that is longer (5 x 2).

    A turned head narrows the one, a nodding head shortens the other.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down, across = np.linalg.norm(mouth - eyes), np.linalg.norm(points[1] - points[0])
    return float(max(down, across * _DOWN_OVER_ACROSS))


def roll(points: Points) -> float:
    """Return by how much a face is turned clockwise, radians, from its five points (5 x 2).

    From both ways that a face is long, eye to eye and eyes to mouth, so that a turned head still gives an angle.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across, down = points[1] - points[0], mouth - eyes
    return float(np.arctan2(across[1] - down[0], across[0] + down[1]))


def usual_68(points: Points) -> Points:
    """Return where the 68 points usually are, given the five of a face: 5 x 2 -> 68 x 2.

    Raises:
        BadInputError: as `similarity` does.
    """
    from converters.face.landmarks.usual_points import USUAL_68

    return transform(USUAL_68, inverse(similarity(points, TEMPLATES["ffhq_512"])))
