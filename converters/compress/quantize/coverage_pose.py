"""How a head is turned, from its landmarks: scaled orthographic projection of an average head, in least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from converters.face.faces import Points, five_of_68
from converters.face.landmarks.base import roll

# The left half (as seen) of an average head that looks straight ahead, by the numbers of the usual 68 landmarks: right,
# down, away from the viewer; in distances between the eyes, from the middle between them. The mean of 1,138 portraits
# as the carried face mesh sees them, turned alike (generalised Procrustes analysis) and made symmetric.
_HALF: Final = {
    **{0: (-1.11, 0.06, 0.87), 1: (-1.1, 0.28, 0.96), 2: (-1.07, 0.75, 0.96), 3: (-1.0, 1.0, 0.89)},
    **{4: (-0.9, 1.21, 0.74), 5: (-0.78, 1.36, 0.58), 6: (-0.5, 1.59, 0.34), 7: (-0.2, 1.73, 0.14)},
    **{8: (0.0, 1.75, 0.11), 17: (-0.9, -0.21, 0.08), 18: (-0.79, -0.3, -0.06), 19: (-0.64, -0.35, -0.16)},
    **{20: (-0.45, -0.34, -0.26), 21: (-0.22, -0.32, -0.3), 27: (0.0, -0.06, -0.27), 28: (0.0, 0.18, -0.41)},
    **{29: (0.0, 0.4, -0.58), 30: (0.0, 0.54, -0.61), 31: (-0.26, 0.67, -0.24), 32: (-0.13, 0.73, -0.29)},
    **{33: (0.0, 0.73, -0.31), 36: (-0.71, 0.0, 0.09), 37: (-0.6, -0.06, -0.02), 38: (-0.44, -0.06, -0.05)},
    **{39: (-0.27, 0.03, 0.0), 40: (-0.41, 0.05, -0.02), 41: (-0.57, 0.05, 0.0)},
}
_RIGHT_OF: Final = {
    **{place: 16 - place for place in range(8)},
    **{place: 43 - place for place in range(17, 22)},
    **{31: 35, 32: 34, 36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46},
}
HEAD: Final = np.array(
    [
        point
        for _, point in sorted(
            [*_HALF.items(), *((_RIGHT_OF[place], (-x, y, z)) for place, (x, y, z) in _HALF.items() if x)]
        )
    ],
    np.float64,
)
"""48 x 3: all landmarks but the mouth's, which moves."""
FRONTAL: Final = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.54, -0.61], [-0.49, 1.0, 0.09], [0.49, 1.0, 0.09]], np.float64
)
"""5 x 3: eye, eye, nose, mouth corner, mouth corner of the same head."""
_FARTHEST: Final = 75.0
"""Degrees: beyond it one half of the points is hidden, and guessed by whoever gave them."""


@dataclass(frozen=True)
class Pose:
    """Angles of a head in degrees; all near 0 where it looks straight at the camera.

    Attributes:
        yaw: positive where the face is turned to the viewer's right.
        pitch: positive where it looks up.
        roll: positive where the head leans clockwise, as the viewer sees it.
    """

    yaw: float
    pitch: float
    roll: float


def pose_of(points: Points) -> Pose | None:
    """Return how a face is turned; None for points that are no face's.

    The first step of DeMenthon and Davis, "Model-Based Object Pose in 25 Lines of Code", International Journal of
    Computer Vision 15, 1995: the two upper rows of the rotation, times the scale, are least-squares solutions.

    Yaw agrees with the mesh's own depths (correlation .998 over the 1,138 portraits). Pitch depends on how a face is
    built, too: take it for right within ten degrees from 68 points, fifteen from five.

    Args:
        points: 68 x 2 or 5 x 2, pixels; left before right.
    """
    seen = np.asarray(points, np.float64)
    if seen.shape not in ((68, 2), (5, 2)):
        raise ValueError(f"68 or five points are needed, not {seen.shape}")
    if not np.isfinite(seen).all() or np.ptp(seen) == 0:
        return None
    angle = roll(np.asarray(points if len(points) == 5 else five_of_68(points), np.float32))
    model = FRONTAL if len(seen) == 5 else HEAD
    seen = seen[: len(model)]
    upright = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    centred = (seen - seen.mean(axis=0)) @ upright.T
    model = model - model.mean(axis=0)
    rows = np.linalg.lstsq(model, centred, rcond=None)[0].T
    lengths = np.linalg.norm(rows, axis=1)
    if not (lengths > 1e-9 * np.ptp(seen)).all():
        return None
    across, down = rows / lengths[:, None]
    away = np.cross(across, down)
    # the nearest rotation to three rows that need not be quite perpendicular
    left, _, right = np.linalg.svd(np.stack([across, down, away]))
    forward = -(left @ right)[:, 2]
    yaw = math.degrees(math.atan2(float(forward[0]), -float(forward[2])))
    pitch = math.degrees(math.asin(float(np.clip(-forward[1], -1, 1))))
    if max(abs(yaw), abs(pitch)) > _FARTHEST:
        return None
    return Pose(yaw, pitch, math.degrees(angle))
