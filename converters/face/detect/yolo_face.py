"""YOLOFace 8n (derronqi): one table of boxes and points, decoded inside the graph."""

from __future__ import annotations

import numpy as np

from converters.face.detect.base import Candidates, Detector
from converters.runtimes.base import Arrays

_COLUMNS = 20  # middle x, middle y, width, height, score, five times x, y, certainty


class YoloFace(Detector):
    """One output 1 x 20 x anchors, in canvas pixels."""

    def _bind(self, black: Arrays) -> None:
        self._table, table = next(iter(black.items()))
        if len(black) != 1 or table.ndim != 3 or table.shape[:2] != (1, _COLUMNS):
            raise self._unfit()

    def _decode(self, outputs: Arrays) -> Candidates:
        table = outputs[self._table][0]
        keep = table[4] >= self.threshold
        rows = table[:, keep].T.astype(np.float32)
        middle, half = rows[:, 0:2], rows[:, 2:4] / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1)
        return Candidates(boxes, rows[:, 4], rows[:, 5:].reshape(-1, 5, 3)[..., :2])
