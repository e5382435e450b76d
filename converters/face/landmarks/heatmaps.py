"""2DFAN-4 (Bulat and Tzimiropoulos, 2017) and peppa_wutz: points on a grid of 64 x 64, as FaceFusion uses them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from converters.errors import UnsupportedError
from converters.face.faces import Crop, Detection, Matrix, Points
from converters.face.landmarks.base import COUNT, CropLandmarker, roll, square
from converters.face.scratch import Scratch
from converters.runtimes.base import Arrays

_GRID = 64
_BOX_IN_CROP = 195 / 256  # the longer side of the face's box, in sides of the crop
_DARK = 30.0  # mean lightness (Lab, 0..255) of crops whose contrast is raised
_CLIP_LIMIT = 2.0
_scratch = Scratch()


class HeatmapLandmarker(CropLandmarker):
    """68 rows of x, y, score on the grid."""

    sure: ClassVar[float]
    """Mean score of a perfect face."""

    def _bind(self, shapes: dict[str, tuple[int, ...]]) -> None:
        tables = [name for name, shape in shapes.items() if int(np.prod(shape)) == COUNT * 3]
        if len(tables) != 1:
            raise UnsupportedError(
                f"{self._session.path.name} does not give 68 points with a score each.",
                f"It gives {', '.join(map(str, shapes.values()))}.",
            )
        self._table = tables[0]
        self._heatmaps = next((name for name, shape in shapes.items() if shape == (1, COUNT, _GRID, _GRID)), "")

    def _matrix(self, detection: Detection) -> Matrix:
        left, top, right, bottom = detection.box
        middle = np.array([(left + right) / 2, (top + bottom) / 2], np.float32)
        quarter = np.pi / 2
        angle = round(roll(detection.points) / quarter) * quarter
        return square(middle, max(right - left, bottom - top) / _BOX_IN_CROP, angle, self.side)

    def _prepared(self, crop: Crop) -> Crop:
        import cv2

        pixels = _scratch.picture("pixels", self.side, self.side)
        np.multiply(crop, np.float32(255), out=pixels, casting="unsafe")
        lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB, dst=_scratch.picture("lab", self.side, self.side))
        if lab[..., 0].mean() >= _DARK:
            return crop
        lab[..., 0] = cv2.createCLAHE(clipLimit=_CLIP_LIMIT).apply(np.ascontiguousarray(lab[..., 0]))
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).astype(np.float32) / np.float32(255)

    def _decode(self, outputs: Arrays) -> tuple[Points, float | None]:
        rows = outputs[self._table].reshape(COUNT, 3).astype(np.float32)
        peaks = outputs[self._heatmaps].astype(np.float32).max(axis=(2, 3)) if self._heatmaps else rows[:, 2]
        return rows[:, :2] * (self.side / _GRID), float(peaks.mean()) / self.sure


class TwoDFan(HeatmapLandmarker):
    """2DFAN-4: the score is the mean height of the heat maps' peaks."""

    sure = 0.9


class PeppaWutz(HeatmapLandmarker):
    """peppa_wutz: the score is the mean of the points' own."""

    sure = 0.95
