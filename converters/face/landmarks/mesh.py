"""The 468-point face mesh (Kartynnik et al., 2019), as MediaPipe publishes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from converters.errors import UnsupportedError
from converters.face.detect.blazeface import picture_input
from converters.face.faces import Detection, Matrix, Points
from converters.face.landmarks.base import CropLandmarker, face_square
from converters.face.landmarks.mesh_points import IBUG_68
from converters.model.signature import TensorInfo
from converters.runtimes.base import Arrays, Session

FILE: Final = "face_landmark.tflite"
_NUMBERS = 468 * 3
# MediaPipe cuts 1.5 times the box of its own detector. These give the same square from the points, on the average of
# frontal faces, with any detector.
_SIDES, _DOWN = 3.3, 0.5


class FaceMesh(CropLandmarker):
    """A square around the face, turned upright by the roll of its points; the score is the presence of a face."""

    def _bind(self, shapes: dict[str, tuple[int, ...]]) -> None:
        names = {int(np.prod(shape)): name for name, shape in shapes.items()}
        if sorted(names) != [1, _NUMBERS]:
            raise UnsupportedError(
                f"{self._session.path.name} is no face mesh.", f"It gives {', '.join(map(str, shapes.values()))}."
            )
        self._points, self._presence = names[_NUMBERS], names[1]

    def _matrix(self, detection: Detection) -> Matrix:
        return face_square(detection.points, _SIDES, _DOWN, self.side)

    def _decode(self, outputs: Arrays) -> tuple[Points, float | None]:
        mesh = outputs[self._points].reshape(468, 3)[:, :2].astype(np.float32)
        logit = float(np.clip(outputs[self._presence].reshape(-1)[0], -80, 80))
        # the model counts from the corner of the first pixel
        return mesh[IBUG_68] - np.float32(0.5), float(1 / (1 + np.exp(-logit)))


def mesh_input(session: Session) -> TensorInfo:
    """Return the input of the carried mesh: NHWC, RGB, 0..1."""
    return replace(picture_input(session), value_range=(0.0, 1.0), mean=(0.0,) * 3, std=(1.0,) * 3)
