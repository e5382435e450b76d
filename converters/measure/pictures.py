"""What every measure of two pictures asks of them first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError

AnyPicture = npt.NDArray[Any]
"""Height x width x 3, RGB: uint8 0..255, or floating point 0..1."""
Values = npt.NDArray[np.float32]
"""Height x width x 3, RGB, 0..1."""


def require_pair(one: AnyPicture, other: AnyPicture, least_side: int, measure: str) -> None:
    """Refuse two arrays that are no pair of pictures.

    Args:
        one, other: pictures.
        least_side: smallest height and width that the measure is defined for.
        measure: its name, for the sentence.

    Raises:
        BadInputError: unequal sizes, too small, or values that are not finite.
        ValueError: no picture at all (shape or dtype), a bug of the caller.
    """
    for picture in (one, other):
        if picture.ndim != 3 or picture.shape[2] != 3 or not (picture.dtype == np.uint8 or picture.dtype.kind == "f"):
            raise ValueError(f"no picture: {picture.dtype} of shape {picture.shape}")
    if one.shape != other.shape:
        sizes = " and ".join(f"{picture.shape[1]} x {picture.shape[0]}" for picture in (one, other))
        raise BadInputError(f"{measure} compares pictures of one size, not {sizes}.", "", "Resize one of them.")
    if min(one.shape[:2]) < least_side:
        raise BadInputError(
            f"{measure} needs pictures of at least {least_side} x {least_side} pixels, "
            f"not {one.shape[1]} x {one.shape[0]}."
        )
    for picture in (one, other):
        # The largest of an array with a NaN is NaN: two passes, no array of booleans.
        if picture.dtype.kind == "f" and not np.isfinite([picture.min(), picture.max()]).all():
            raise BadInputError(f"{measure} cannot judge a picture with values that are not finite.")


def as_values(picture: AnyPicture) -> Values:
    """Return a picture as contiguous float32, 0..1."""
    if picture.dtype == np.uint8:
        return np.multiply(picture, np.float32(1 / 255), dtype=np.float32)
    return np.ascontiguousarray(picture, np.float32)
