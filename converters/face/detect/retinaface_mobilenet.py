"""RetinaFace with MobileNet 0.25 (biubug6): offsets from prior boxes."""

from __future__ import annotations

import numpy as np

from converters.face.detect.anchors import OFFSET_UNIT, around_priors, priors
from converters.face.detect.base import Candidates, Detector, named, rows
from converters.runtimes.base import Arrays

STRIDES = (8, 16, 32)
SIZES = ((16, 32), (64, 128), (256, 512))


class RetinaFaceMobileNet(Detector):
    """Three outputs over all priors: boxes (4), scores of background and face (2, after softmax), points (10)."""

    def _bind(self, black: Arrays) -> None:
        self._priors = priors(self._canvas.height, self._canvas.width, STRIDES, SIZES)
        names = {columns: named(black, len(self._priors), columns) for columns in (2, 4, 10)}
        if any(len(found) != 1 for found in names.values()):
            raise self._unfit()
        self._names = {columns: found[0] for columns, found in names.items()}

    def _decode(self, outputs: Arrays) -> Candidates:
        scores = rows(outputs[self._names[2]], 2)[:, 1]
        keep = scores >= self.threshold
        places = self._priors[keep]
        boxes = around_priors(rows(outputs[self._names[4]], 4)[keep], places)
        five = rows(outputs[self._names[10]], 10)[keep].reshape(-1, 5, 2)
        points = places[:, None, :2] + five * OFFSET_UNIT * places[:, None, 2:]
        return Candidates(boxes, scores[keep], points.astype(np.float32))
