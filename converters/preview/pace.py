"""When the frames of a clip are due: its own clock, which may run faster, slower, or begin at another place."""

from __future__ import annotations

import time


class Pace:
    """The clock of a clip."""

    def __init__(self) -> None:
        self._speed = 1.0
        self.begin(0.0)

    @property
    def speed(self) -> float:
        """How many seconds of the clip pass in one."""
        return self._speed

    def begin(self, position: float, at: float | None = None) -> None:
        """Let the clock show `position` (seconds of the clip) now, or at a monotonic time."""
        self._position = position
        self._begun = time.monotonic() if at is None else at

    def set_speed(self, speed: float) -> None:
        """Run at another speed from here on."""
        now = time.monotonic()
        self.begin(self.position(now), now)
        self._speed = speed

    def position(self, now: float) -> float:
        """Return what the clock shows, in seconds of the clip."""
        return self._position + (now - self._begun) * self._speed

    def due(self, position: float) -> float:
        """Return when the clock shows `position`, in monotonic time."""
        return self._begun + (position - self._position) / self._speed
