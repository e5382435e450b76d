"""UltraFace (Linzaer), slim and RFB: boxes only, decoded inside the graph or, in some conversions, left as offsets."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from converters.face.detect.anchors import around_priors, priors
from converters.face.detect.base import Candidates, Detector, named, rows
from converters.face.detect.suppression import Boxes
from converters.face.faces import Points
from converters.runtimes.base import Arrays

STRIDES = (8, 16, 32, 64)
SIZES = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
_LEAST_BOXES = 0.99  # share of rows that are boxes, left before right and top before bottom, where they are decoded
# Where the mesh's five points lie in WIDER FACE boxes of frontal faces (medians of some 400), as fractions of the box.
_POINTS_IN_BOX = np.array([[0.27, 0.4], [0.73, 0.4], [0.5, 0.58], [0.27, 0.72], [0.73, 0.72]], np.float32)


class UltraFace(Detector):
    """Two outputs: scores of background and face (2), corners in fractions of the canvas or offsets from priors (4)."""

    usual_threshold = 0.7
    stretches: ClassVar[bool] = True

    def _bind(self, black: Arrays) -> None:
        self._size = np.array([self._canvas.width, self._canvas.height] * 2, np.float32)
        self._priors = priors(self._canvas.height, self._canvas.width, STRIDES, SIZES, evenly=True)
        scores, boxes = (named(black, len(self._priors), columns) for columns in (2, 4))
        if len(scores) != 1 or len(boxes) != 1 or len(black) != 2:
            raise self._unfit()
        self._scores, self._boxes = scores[0], boxes[0]
        corners = rows(black[self._boxes], 4)
        self._is_decoded = bool((corners[:, 2:] > corners[:, :2]).all(axis=1).mean() >= _LEAST_BOXES)

    def _decode(self, outputs: Arrays) -> Candidates:
        scores = rows(outputs[self._scores], 2)[:, 1]
        keep = scores >= self.threshold
        boxes = rows(outputs[self._boxes], 4)[keep]
        boxes = boxes * self._size if self._is_decoded else around_priors(boxes, self._priors[keep])
        boxes = boxes - np.float32(0.5)
        return Candidates(boxes, scores[keep], points_in(boxes))


def points_in(boxes: Boxes) -> Points:
    """Return where the five points usually lie in boxes of upright faces: count x 4 -> count x 5 x 2."""
    sizes = boxes[:, None, 2:] - boxes[:, None, :2]
    return boxes[:, None, :2] + sizes * _POINTS_IN_BOX
