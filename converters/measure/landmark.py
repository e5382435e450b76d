"""Landmark displacement: how far a face's points moved, as a fraction of the distance between its eyes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError

# The outer corners of the two eyes among the usual 68 points, as the 300-W benchmark normalises.
_OUTER_CORNERS = (36, 45)
_COUNT = 68


def displacement(reference: npt.NDArray[np.floating], test: npt.NDArray[np.floating]) -> float:
    """Return the mean distance of 68 points from where they were, over the distance of the outer eye corners.

    0 when nothing moved; 0.01 is about a pixel in a face of 250 pixels. (Sagonas et al., 300 Faces in-the-Wild, 2013.)

    Args:
        reference, test: 68 x 2 each, in pixels of the same picture.

    Raises:
        BadInputError: points that are not finite, or a reference whose eyes lie on one spot.
        ValueError: other shapes, a bug of the caller.
    """
    one, other = np.asarray(reference, np.float64), np.asarray(test, np.float64)
    if one.shape != (_COUNT, 2) or other.shape != (_COUNT, 2):
        raise ValueError(f"68 x 2 points are needed, not {one.shape} and {other.shape}")
    left, right = _OUTER_CORNERS
    eyes = float(np.linalg.norm(one[left] - one[right]))
    moved = float(np.mean(np.linalg.norm(one - other, axis=1)))
    if not math.isfinite(moved) or not eyes > 0:
        raise BadInputError("These landmarks are no face.", "They are not finite, or both eyes lie on one spot.")
    return moved / eyes
