"""YuNet (Wu, Peng, Yu, 2023): one anchor per cell, scores of class and of objectness."""

from __future__ import annotations

import numpy as np

from converters.face.detect.anchors import grid
from converters.face.detect.base import Candidates, Detector, named, rows
from converters.runtimes.base import Arrays

STRIDES = (8, 16, 32)
_LARGEST_EXPONENT = 10.0  # e^10 strides: wider than any canvas


class YuNet(Detector):
    """Twelve outputs: class, objectness, box and points of three maps; the score is class times objectness."""

    def _bind(self, black: Arrays) -> None:
        height, width = self._canvas.height, self._canvas.width
        self._maps = []
        for stride in STRIDES:
            places = grid(height, width, stride, 1)
            names = {columns: named(black, len(places), columns) for columns in (1, 4, 10)}
            # class and objectness look the same, and their product does not mind which is which
            if [len(found) for found in names.values()] != [2, 1, 1]:
                raise self._unfit()
            self._maps.append((stride, places, names))

    def _decode(self, outputs: Arrays) -> Candidates:
        boxes, scores, points = [], [], []
        for stride, places, names in self._maps:
            first, second = (np.clip(rows(outputs[name], 1)[:, 0], 0, 1) for name in names[1])
            certain = first * second
            keep = certain >= self.threshold
            corner = places[keep]
            box = rows(outputs[names[4][0]], 4)[keep]
            middle = corner + box[:, :2] * stride
            half = np.exp(np.minimum(box[:, 2:], _LARGEST_EXPONENT)) * (stride / 2)
            five = rows(outputs[names[10][0]], 10)[keep].reshape(-1, 5, 2)
            scores.append(certain[keep])
            boxes.append(np.concatenate([middle - half, middle + half], axis=1).astype(np.float32))
            points.append(corner[:, None] + five * stride)
        return Candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))
