"""Colour of a face: CIE L*a*b*, and skin tone as individual typology angle.

ITA = arctan((L* - 50) / b*) in degrees, on three patches of skin: both cheeks and the forehead. Six groups after
Chardin, Bies and Schlossman, "Skin colour typology and suntanning pathways", International Journal of Cosmetic Science
13, 1991, as used by Del Bino and Bernerd, "Variations in skin colour and the biological consequences of ultraviolet
radiation exposure", British Journal of Dermatology 169, 2013. They measured with an instrument of its own light; a
photograph has whatever light there was, so its angle says how skin looks in it, not how it is.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from converters.face.faces import Picture, Points

Lab = npt.NDArray[np.float32]
"""Height x width x 3: L* 0..100, a*, b*; white is D65."""

# IEC 61966-2-1: linear sRGB to XYZ, each row divided by the white's.
_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE: Final = _TO_XYZ.sum(axis=1)
_KNEE: Final = (6 / 29) ** 3
_WHITES: Final = (slice(36, 42), slice(42, 48), slice(60, 68))
"""Landmarks around both eyes and between the lips."""
_BRIGHTEST: Final = 92  # percentile
_LEAST_CHROMA: Final = 3.0
"""b* below which a patch has no colour of skin: grey pictures, blue light."""


class Tone(StrEnum):
    """How skin looks in a picture, by its typology angle."""

    VERY_LIGHT = "very light"
    LIGHT = "light"
    INTERMEDIATE = "intermediate"
    TAN = "tan"
    BROWN = "brown"
    DARK = "dark"


_ABOVE: Final = (
    (55.0, Tone.VERY_LIGHT),
    (41.0, Tone.LIGHT),
    (28.0, Tone.INTERMEDIATE),
    (10.0, Tone.TAN),
    (-30.0, Tone.BROWN),
)


def tone_of(angle: float) -> Tone:
    """Return the group of a typology angle in degrees; a limit belongs to the darker group, -30 to brown."""
    if angle == _ABOVE[-1][0]:
        return Tone.BROWN
    return next((tone for above, tone in _ABOVE if angle > above), Tone.DARK)


def lab_of(picture: Picture) -> Lab:
    """Return a picture (height x width x 3, sRGB, 0..255) in CIE 1976 L*a*b*, white D65."""
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)
    xyz = linear[picture] @ (_TO_XYZ / _WHITE[:, None]).T.astype(np.float32)
    roots = np.where(xyz > _KNEE, np.cbrt(xyz), xyz * np.float32((29 / 6) ** 2 / 3) + np.float32(4 / 29))
    x, y, z = roots[..., 0], roots[..., 1], roots[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def typology_angle(lightness: float, yellowness: float) -> float | None:
    """Return the individual typology angle in degrees, None where there is no colour of skin (b* under 3).

    Args:
        lightness: L*.
        yellowness: b*.
    """
    if not yellowness >= _LEAST_CHROMA:
        return None
    return math.degrees(math.atan((lightness - 50) / yellowness))


def skin_angle(lab: Lab, middles: Points, radius: float) -> float | None:
    """Return the typology angle of a face: the middle one of its patches', so that hair on one of them does not count.

    Args:
        lab: of the picture.
        middles: patches x 2, pixels; patches outside the picture are left out.
        radius: half a patch's side, pixels.

    Returns:
        Degrees; None where most patches have no colour of skin.
    """
    angles = [typology_angle(float(middle[0]), float(middle[2])) for middle in _medians(lab, middles, radius)]
    known = [angle for angle in angles if angle is not None]
    if 2 * len(known) <= len(angles):
        return None
    return float(np.median(known))


def skin_to_white(lab: Lab, middles: Points, radius: float, landmarks: Points) -> float | None:
    """Return the luminance of skin over that of the brightest twelfth of eyes and mouth.

    Args:
        lab, middles, radius: as for `skin_angle`.
        landmarks: 68 x 2, pixels.

    Returns:
        Above 0; None where nothing is seen of one of them.
    """
    import cv2

    region = np.zeros(lab.shape[:2], np.uint8)
    for part in _WHITES:
        cv2.fillPoly(region, [np.rint(landmarks[part]).astype(np.int32)], (1,))
    around = cv2.dilate(region, np.ones((3, 3), np.uint8)) > 0
    seen = lab[..., 0][around]
    skin = _medians(lab, middles, radius)
    if not len(seen) or not skin:
        return None
    white = _luminance(float(np.percentile(seen, _BRIGHTEST)))
    return float(np.median([_luminance(float(middle[0])) for middle in skin])) / white if white > 0 else None


def _luminance(lightness: float) -> float:
    root = (lightness + 16) / 116
    return root**3 if root > 6 / 29 else max((root - 4 / 29) * 3 * (6 / 29) ** 2, 0.0)


def _medians(lab: Lab, middles: Points, radius: float) -> list[npt.NDArray[np.float32]]:
    """Return L*, a*, b* of every patch that lies in the picture."""
    height, width = lab.shape[:2]
    found = []
    for x, y in middles:
        left, right = max(round(float(x - radius)), 0), min(round(float(x + radius)) + 1, width)
        top, bottom = max(round(float(y - radius)), 0), min(round(float(y + radius)) + 1, height)
        if right - left >= radius and bottom - top >= radius:
            found.append(np.median(lab[top:bottom, left:right].reshape(-1, 3), axis=0))
    return found
