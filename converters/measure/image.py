"""PSNR and SSIM: how near two pictures are pixel by pixel, and in local structure."""

from __future__ import annotations

import math

import numpy as np

from converters.measure.pictures import AnyPicture, Values, as_values, require_pair

_WINDOW = 11
_SIGMA = 1.5
# (0.01 L)² and (0.03 L)² with L = 1, Wang's constants.
_STABLE_MEAN = 0.01**2
_STABLE_VARIANCE = 0.03**2


def psnr(reference: AnyPicture, test: AnyPicture) -> float:
    """Return the peak signal-to-noise ratio in dB over all pixels and channels; infinite for equal pictures.

    Args:
        reference, test: height x width x 3, RGB, uint8 or 0..1, of one size. The peak is 1.

    Raises:
        BadInputError: unequal sizes, or values that are not finite.
    """
    require_pair(reference, test, 1, "PSNR")
    difference = as_values(reference) - as_values(test)
    mean_square = float(np.mean(np.square(difference), dtype=np.float64))
    return -10 * math.log10(mean_square) if mean_square > 0 else math.inf


def ssim(reference: AnyPicture, test: AnyPicture) -> float:
    """Return the structural similarity, -1 to 1, 1 for equal pictures.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004: a Gaussian window of
    11 x 11 and sigma 1.5, weighted variances, only where the window lies inside the picture. Each of the three channels
    by itself, then their mean.

    Args:
        reference, test: height x width x 3, RGB, uint8 or 0..1, of one size from 11 x 11.

    Raises:
        BadInputError: unequal sizes, too small, or values that are not finite.
    """
    require_pair(reference, test, _WINDOW, "SSIM")
    one, other = as_values(reference), as_values(test)
    mean_one, mean_other = _blurred(one), _blurred(other)
    both = mean_one * mean_other
    squares = mean_one * mean_one + mean_other * mean_other
    covariance = _blurred(one * other) - both
    variances = _blurred(one * one + other * other) - squares
    likeness = (2 * both + _STABLE_MEAN) * (2 * covariance + _STABLE_VARIANCE)
    likeness /= (squares + _STABLE_MEAN) * (variances + _STABLE_VARIANCE)
    return float(np.mean(likeness, dtype=np.float64))


def _blurred(values: Values) -> Values:
    import cv2

    margin = _WINDOW // 2
    blurred = cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _SIGMA)
    return np.asarray(blurred[margin:-margin, margin:-margin], np.float32)
