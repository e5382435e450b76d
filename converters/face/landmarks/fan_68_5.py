"""FaceFusion's fan_68_5: 68 points guessed from five, without a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converters.errors import UnsupportedError
from converters.face.align import TEMPLATES, inverse, similarity, transform
from converters.face.faces import Detection, Picture, Points
from converters.face.landmarks.base import COUNT, Landmarker
from converters.model.signature import TensorInfo
from converters.runtimes.base import Session


class Fan68Of5(Landmarker):
    """Five points, laid over the template ffhq_512 with a side of 1, become 68.

    The score is 0: it saw no picture, and five points taken from these are no better than the detector's.
    """

    def __init__(self, session: Session, tensor: TensorInfo, *, close: Callable[[], None] | None = None) -> None:
        super().__init__(close=close)
        self._session = session
        self._input = tensor.name
        shapes = [spec.shape for spec in (*session.inputs, *session.outputs)]
        if shapes != [(1, 5, 2), (1, COUNT, 2)]:
            raise UnsupportedError(
                f"{session.path.name} does not make 68 points of five.",
                f"Its shapes are {', '.join(map(str, shapes))}.",
            )
        self._output = session.outputs[0].name

    def _find(self, picture: Picture, detection: Detection) -> tuple[Points, float]:
        del picture  # the five points are all it takes
        matrix = similarity(detection.points, TEMPLATES["ffhq_512"])
        five = transform(detection.points, matrix)[None]
        points = self._session.run({self._input: five})[self._output].reshape(COUNT, 2)
        return transform(np.asarray(points, np.float32), inverse(matrix)), 0.0
