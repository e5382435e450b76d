"""The motion of one box: a Kalman filter with constant velocity, as SORT has it.

State: u, v (centre), s (area), r (width / height), and the changes of u, v and s in one frame. After A. Bewley et al.,
"Simple Online and Realtime Tracking", ICIP 2016; the noise is in units of the box, so that a face far away and one
close by are treated alike.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""
_Array = npt.NDArray[np.float64]

_MEASURED = 4  # u, v, s, r are seen; the changes are not
_STEP = np.eye(7)
_STEP[0, 4] = _STEP[1, 5] = _STEP[2, 6] = 1.0

# Standard deviations: of positions in sides of the box, of areas in areas of the box.
_SEEN = np.array([0.04, 0.04, 0.08, 0.08])
_DRIFT = np.array([0.02, 0.02, 0.03, 0.01, 0.03, 0.03, 0.02])
_UNKNOWN_CHANGE = np.array([0.3, 0.3, 0.2])
_SMALLEST_SIDE = 1.0
_UNSEEN_SLOWS = 0.9  # what is left of the speed after a frame in which nothing confirmed it


class BoxMotion:
    """Where a box is, how fast it moves, and how sure that is.

    Args:
        box: the first sighting.
    """

    def __init__(self, box: Box) -> None:
        measured = _measured(box)
        self._state = np.concatenate([measured, np.zeros(3)])
        side = math.sqrt(measured[2])
        spread = np.concatenate([_SEEN, _UNKNOWN_CHANGE]) * _units(side)
        self._covariance = np.diag(spread**2)

    @property
    def box(self) -> Box:
        """Where it is now."""
        return _box(self._state)

    def expected(self) -> Box:
        """Return where it should be in the next frame; changes nothing."""
        return _box(self._next())

    def predict(self) -> Box:
        """Go one frame on and return where the box should be."""
        self._state = self._next()
        drift = _DRIFT * _units(math.sqrt(self._state[2]))
        self._covariance = _STEP @ self._covariance @ _STEP.T + np.diag(drift**2)
        return self.box

    def _next(self) -> _Array:
        state: _Array = _STEP @ self._state
        if state[2] < _SMALLEST_SIDE**2:  # a face that shrinks to nothing does not
            state[2], state[6] = self._state[2], 0.0
        return state

    def correct(self, box: Box) -> None:
        """Take in where the box was really seen."""
        measured = _measured(box)
        seen = _SEEN * _units(math.sqrt(measured[2]))[:_MEASURED]
        innovation = self._covariance[:_MEASURED, :_MEASURED] + np.diag(seen**2)
        gain = np.linalg.solve(innovation, self._covariance[:_MEASURED]).T
        self._state = self._state + gain @ (measured - self._state[:_MEASURED])
        self._state[2] = max(self._state[2], _SMALLEST_SIDE**2)
        self._state[3] = max(self._state[3], 0.05)
        self._covariance = self._covariance - gain @ self._covariance[:_MEASURED]
        self._covariance = (self._covariance + self._covariance.T) / 2  # rounding must not make it lopsided

    def slow(self) -> None:
        """Believe the speed less, after a frame without a sighting."""
        self._state[4:] *= _UNSEEN_SLOWS


def _box(state: _Array) -> Box:
    u, v, s, r = (float(value) for value in state[:_MEASURED])
    width = math.sqrt(s * r)
    height = s / width
    return (u - width / 2, v - height / 2, u + width / 2, v + height / 2)


def _measured(box: Box) -> _Array:
    left, top, right, bottom = box
    width, height = max(right - left, _SMALLEST_SIDE), max(bottom - top, _SMALLEST_SIDE)
    return np.array([(left + right) / 2, (top + bottom) / 2, width * height, width / height])


def _units(side: float) -> _Array:
    """Return what one unit of each state is in pixels for a box of this side."""
    return np.array([side, side, side * side, 1.0, side, side, side * side])
