"""Draw what was found on a picture, and several pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converters.face.faces import Face, Picture

_BOX = (80, 220, 120)
_FIVE = (255, 90, 60)
_MANY = (70, 170, 255)
_PAPER = 245
_GAP = 8


def draw_faces(picture: Picture, faces: Sequence[Face], labels: Sequence[str] | None = None) -> None:
    """Draw boxes, points and labels into a picture in place.

    Args:
        picture: height x width x 3, RGB.
        faces: of it.
        labels: one for each; None for identities and scores.
    """
    import cv2

    thickness = max(1, round(max(picture.shape[:2]) / 600))
    for face, name in zip(faces, labels if labels is not None else map(_label, faces), strict=True):
        box = np.clip(np.round(face.detection.box), -(1 << 20), 1 << 20).astype(int)
        left, top, right, bottom = (int(value) for value in box)
        cv2.rectangle(picture, (left, top), (right, bottom), _BOX, thickness, cv2.LINE_AA)
        size = max((bottom - top) / 300, 0.35)
        place = (left, top - 4 * thickness)
        cv2.putText(picture, name, place, cv2.FONT_HERSHEY_SIMPLEX, size, _BOX, thickness, cv2.LINE_AA)
        if face.landmarks is not None:
            _dots(picture, face.landmarks.points, _MANY, max(1, (bottom - top) // 120))
        _dots(picture, face.points, _FIVE, max(2, (bottom - top) // 50))


def _label(face: Face) -> str:
    score = f"{face.detection.score:.2f}"
    return score if face.identity is None else f"{face.identity}: {score}"


def _dots(
    picture: Picture,
    points: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    colour: tuple[int, int, int],
    radius: int,
) -> None:
    import cv2

    for x, y in np.clip(np.round(points), -(1 << 20), 1 << 20).astype(int).tolist():
        cv2.circle(picture, (x, y), radius, colour, -1, cv2.LINE_AA)


def contact_sheet(pictures: Sequence[Picture | None], columns: int, side: int = 256) -> Picture:
    """Return pictures side by side, each fitted into a square, row by row.

    Args:
        pictures: any sizes; None leaves a place empty.
        columns: of the sheet.
        side: of a square, pixels.
    """
    import cv2

    rows = -(-len(pictures) // columns)
    step = side + _GAP
    sheet = np.full((rows * step + _GAP, columns * step + _GAP, 3), _PAPER, np.uint8)
    for place, picture in enumerate(pictures):
        if picture is None:
            continue
        height, width = picture.shape[:2]
        scale = side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        fitted = cv2.resize(picture, size, interpolation=method)
        top = _GAP + place // columns * step + (side - size[1]) // 2
        left = _GAP + place % columns * step + (side - size[0]) // 2
        sheet[top : top + size[1], left : left + size[0]] = fitted
    return sheet
