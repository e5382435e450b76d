"""Measures how long the window's thread was ever away from its events."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer

INTERVAL = 0.010
"""Seconds between two looks."""
_KEPT = 10


class LoopMonitor(QObject):
    """Looks every 10 ms whether the event loop turns; what is later than that is a gap.

    While it runs, anything on the window's thread that takes long shows as a gap of that length, whatever it was.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(INTERVAL * 1000))
        self._timer.timeout.connect(self._look)
        self._last = 0.0
        self._began = 0.0
        self._gaps: list[tuple[float, float]] = []

    def start(self) -> None:
        """Begin anew."""
        self._gaps.clear()
        self._began = self._last = time.monotonic()
        self._timer.start()

    def stop(self) -> None:
        """Stop looking; what was found stays."""
        if self._timer.isActive():
            self._look()
            self._timer.stop()

    @property
    def largest_gap(self) -> float:
        """The longest time without events beyond the interval, seconds; 0 while nothing was measured."""
        return self._gaps[0][0] if self._gaps else 0.0

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """The longest ten, the longest first: how long, and when after the start; seconds."""
        return tuple(self._gaps)

    def _look(self) -> None:
        now = time.monotonic()
        gap = max(0.0, now - self._last - INTERVAL)
        self._last = now
        if len(self._gaps) < _KEPT or gap > self._gaps[-1][0]:
            self._gaps.append((gap, now - self._began))
            self._gaps.sort(reverse=True)
            del self._gaps[_KEPT:]
