"""Calm the jitter of landmarks without making them lag: the One-Euro filter, once per face.

G. Casiez, N. Roussel, D. Vogel, "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive
Systems", CHI 2012: a low-pass filter whose cut-off rises with the speed, so that what stands still is held firmly and
what moves is followed closely. Lengths are in sizes of the face, so that one setting serves near and far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.face.faces import Points

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SmoothingSettings:
    """How firmly points are held.

    Attributes:
        slowest: cut-off in hertz of a point that stands still.
        rise: hertz of cut-off for each face size a second of speed. Steady motion lags by less than
            1 / (2 pi rise) face sizes, whatever the speed.
        speed_cutoff: of the speed's own low-pass filter, in hertz.
        jump: mean displacement, in face sizes, that is no motion but another place: smoothing begins anew.
        gap: seconds without a sighting after which it begins anew.
    """

    slowest: float = 1.5
    rise: float = 8.0
    speed_cutoff: float = 2.0
    jump: float = 0.5
    gap: float = 0.5


@dataclass
class _Held:
    points: _Array
    speed: _Array  # face sizes a second
    seconds: float


class LandmarkSmoother:
    """Smooths the points of every face by themselves.

    Args:
        settings: how firmly.
    """

    def __init__(self, settings: SmoothingSettings | None = None) -> None:
        self.settings = settings or SmoothingSettings()
        self._held: dict[int, _Held] = {}

    def smooth(self, identity: int | None, points: Points, size: float, seconds: float) -> Points:
        """Return the points with less jitter.

        Args:
            identity: whose they are; those of None come back as they are.
            points: n x 2, in pixels.
            size: of the face in pixels, the side of its box.
            seconds: when the frame is shown; rises from call to call.

        Returns:
            n x 2, in pixels.
        """
        if identity is None:
            return points
        new = np.asarray(points, np.float64)
        held = self._held.get(identity)
        settings = self.settings
        passed = math.inf if held is None else seconds - held.seconds
        if (
            held is None
            or not 0 < passed <= settings.gap
            or held.points.shape != new.shape
            or np.linalg.norm(new - held.points, axis=1).mean() > settings.jump * size
        ):
            self._held[identity] = _Held(new.copy(), np.zeros_like(new), seconds)
            return points
        self._forget_before(seconds - 10 * settings.gap)
        raw_speed = (new - held.points) / (passed * max(size, 1.0))
        held.speed += _share(settings.speed_cutoff, passed) * (raw_speed - held.speed)
        cutoff = settings.slowest + settings.rise * np.linalg.norm(held.speed, axis=1, keepdims=True)
        held.points += _share(cutoff, passed) * (new - held.points)
        held.seconds = seconds
        return held.points.astype(np.float32)

    def reset(self) -> None:
        """Forget every face."""
        self._held.clear()

    def _forget_before(self, seconds: float) -> None:
        for identity in [identity for identity, held in self._held.items() if held.seconds < seconds]:
            del self._held[identity]


def _share(cutoff: float | _Array, passed: float) -> _Array:
    """Return the share of the new value in a first-order low-pass filter."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff * passed)))
