"""FLIP: what one notices when two pictures alternate on a screen, by the authors' own evaluator.

Andersson et al., "FLIP: A Difference Evaluator for Alternating Images", HPG 2020. It is the stricter of the two
perceptual measures: it sees a shift of brightness or colour that LPIPS forgives.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from converters.measure.pictures import AnyPicture, as_values, require_pair

PIXELS_PER_DEGREE = 67.0
"""A 0.7 m wide screen of 3840 pixels at 0.7 m, the authors' default. A phone held closely has more."""


def flip(
    reference: AnyPicture, test: AnyPicture, *, pixels_per_degree: float = PIXELS_PER_DEGREE
) -> tuple[float, npt.NDArray[np.float32]]:
    """Return the mean difference and the map of differences, each 0 (none) to 1.

    Args:
        reference, test: height x width x 3, sRGB, uint8 or 0..1 (clipped to it), of one size.
        pixels_per_degree: of the viewer's field of view; above 0.

    Returns:
        The mean, and height x width of float32.

    Raises:
        BadInputError: unequal sizes, or values that are not finite.
        ValueError: `pixels_per_degree` is not positive.
    """
    from flip_evaluator import evaluate  # ends the process for arguments it dislikes: they are checked here

    require_pair(reference, test, 1, "FLIP")
    if not pixels_per_degree > 0:
        raise ValueError(f"pixels_per_degree must be positive, not {pixels_per_degree}")
    pictures = [np.clip(as_values(picture), 0, 1) for picture in (reference, test)]
    errors, mean, _ = evaluate(
        *pictures, "LDR", inputsRGB=True, applyMagma=False, parameters={"ppd": float(pixels_per_degree)}
    )
    return float(mean), np.ascontiguousarray(errors[..., 0], np.float32)
