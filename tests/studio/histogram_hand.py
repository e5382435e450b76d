"""A hand at the histogram's handles, for tests and the benchmark of the way from hand to picture."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from studio.ui.widgets.plotting import plotting
from studio.ui.widgets.range_histogram import RangeHistogram

_LITTLE = 8
"""Pixels; more than the plot takes for a click."""


_MOVES_A_SECOND = 100
"""How many moves the plot takes by default."""


class Hand:
    """Takes a handle of the histogram, moves it and lets it go, as a mouse does.

    Args:
        histogram: in view.
        which: "low" or "high".
    """

    def __init__(self, histogram: RangeHistogram, which: str) -> None:
        self._viewport = histogram.plot.viewport()
        self._histogram, self._which = histogram, which
        self._at = QPointF()

    def take(self) -> bool:
        """Press the button on the handle and move it a little; return whether it follows.

        The plot drops moves that come within 10 ms of one another. This hand is quicker than that on an idle
        machine, so that none of its moves would count: the limit is off while it holds the handle.
        """
        plotting().setConfigOption("mouseRateLimit", 0)
        self._press()
        self.move(-_LITTLE)
        if not self._histogram.is_dragged:
            self.let_go()
        return self._histogram.is_dragged

    def _press(self) -> None:
        x, y = self._histogram.handle_position(self._which)
        self._at = QPointF(self._viewport.mapFrom(self._histogram, QPoint(round(x), round(y))))
        self._send(QEvent.Type.MouseMove, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)
        self._send(QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton)

    def move(self, by: float) -> None:
        """Move it by some of the window's pixels."""
        self._at += QPointF(by, 0)
        self._send(QEvent.Type.MouseMove, Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton)

    def let_go(self) -> None:
        """Release the button."""
        self._send(QEvent.Type.MouseButtonRelease, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton)
        plotting().setConfigOption("mouseRateLimit", _MOVES_A_SECOND)

    def _send(self, kind: QEvent.Type, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        place = QPointF(self._viewport.mapToGlobal(self._at.toPoint()))
        event = QMouseEvent(kind, self._at, place, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self._viewport, event)
        QApplication.processEvents()
