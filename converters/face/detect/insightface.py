"""RetinaFace and SCRFD of InsightFace: distances from anchors on three maps."""

from __future__ import annotations

import numpy as np

from converters.face.detect.anchors import grid
from converters.face.detect.base import Candidates, Detector, named, rows
from converters.runtimes.base import Arrays

STRIDES = (8, 16, 32)
ANCHORS = 2


class InsightFaceDetector(Detector):
    """Nine outputs: scores, boxes and points of three maps. A distance is in units of its map's stride."""

    def _bind(self, black: Arrays) -> None:
        height, width = self._canvas.height, self._canvas.width
        self._maps = []
        for stride in STRIDES:
            places = grid(height, width, stride, ANCHORS)
            names = {columns: named(black, len(places), columns) for columns in (1, 4, 10)}
            if any(len(found) != 1 for found in names.values()):
                raise self._unfit()
            self._maps.append((stride, places, names[1][0], names[4][0], names[10][0]))

    def _decode(self, outputs: Arrays) -> Candidates:
        boxes, scores, points = [], [], []
        for stride, places, score, box, point in self._maps:
            certain = rows(outputs[score], 1)[:, 0]
            keep = certain >= self.threshold
            middle = places[keep]
            reach = rows(outputs[box], 4)[keep] * stride
            scores.append(certain[keep])
            boxes.append(np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], axis=1))
            points.append((rows(outputs[point], 10)[keep] * stride).reshape(-1, 5, 2) + middle[:, None])
        return Candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))
