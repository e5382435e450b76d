"""PFLD (Guo et al., 2019) with 68 or 98 points."""

from __future__ import annotations

from typing import Final

import numpy as np

from converters.errors import UnsupportedError
from converters.face.faces import Detection, Matrix, Points
from converters.face.landmarks.base import CropLandmarker, face_square
from converters.runtimes.base import Arrays

# about 1.1 times the longer side of a WIDER FACE box; the model minds little, but a turned head it likes upright
_SIDES, _DOWN = 2.8, 0.45
# Which of WFLW's 98 points are iBUG's 68: jaw, brows (upper edge), nose, eyes without the middle of each lid, lips.
IBUG_OF_98: Final = np.array(
    [
        *(*range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60)),
        *(60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75, *range(76, 96)),
    ],
    np.intp,
)


class Pfld(CropLandmarker):
    """One output of (x, y) in fractions of the crop. The model does not say how sure it is."""

    def _bind(self, shapes: dict[str, tuple[int, ...]]) -> None:
        name, shape = next(iter(shapes.items()))
        if len(shapes) != 1 or int(np.prod(shape)) not in (136, 196):
            raise UnsupportedError(
                f"{self._session.path.name} does not give 68 or 98 points.",
                f"It gives {', '.join(map(str, shapes.values()))}.",
            )
        self._points = name

    def _matrix(self, detection: Detection) -> Matrix:
        return face_square(detection.points, _SIDES, _DOWN, self.side)

    def _decode(self, outputs: Arrays) -> tuple[Points, float | None]:
        points = outputs[self._points].reshape(-1, 2).astype(np.float32) * self.side - np.float32(0.5)
        return points[IBUG_OF_98] if len(points) == 98 else points, None
