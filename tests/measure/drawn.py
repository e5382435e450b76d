"""Pairs of drawn pictures that differ by as much as a test wants."""

from __future__ import annotations

import cv2
import numpy as np

from converters.samples import Picture, draw_picture


def portrait(seed: int = 1, side: int = 128) -> Picture:
    """Return a drawn portrait, side x side."""
    return np.asarray(cv2.resize(draw_picture(seed), (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def blurred(picture: Picture, sigma: float) -> Picture:
    """Return the picture out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def noisy(picture: Picture, deviation: float, seed: int = 0) -> Picture:
    """Return the picture with noise of `deviation` grey levels."""
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return np.asarray(np.clip(np.round(picture + noise), 0, 255), np.uint8)
