"""The temperature of a phone as a bar with the marks from which an app gives way; painted by hand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.texts import tr
from studio.ui.theme import colours

_COLDEST, _WARMEST = 25.0, 55.0
_TRACK = 8
_RADIUS = 4


class TemperatureBar(QWidget):
    """A bar from 25 to 55 degrees, its value written beside it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("phone-temperature")
        self.setAccessibleName(tr("Temperature of the simulated phone"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._temperature: float | None = None
        self._thresholds: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """What is written beside the bar."""
        return "–" if self._temperature is None else tr("{degrees} °C", degrees=f"{self._temperature:.1f}")

    @property
    def passed(self) -> int:
        """How many thresholds the temperature has reached."""
        return sum(1 for mark in self._thresholds if self._temperature is not None and self._temperature >= mark)

    def set_thresholds(self, thresholds: Sequence[float]) -> None:
        """Mark other temperatures, degrees Celsius, rising."""
        self._thresholds = tuple(thresholds)
        self.update()

    def set_temperature(self, temperature: float | None) -> None:
        """Show another temperature, degrees Celsius; None for none."""
        before, self._temperature = self.text, temperature
        if self.text != before:
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a line's height."""
        return QSize(160, self.fontMetrics().height() + 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a line's height."""
        return QSize(100, self.fontMetrics().height() + 6)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the track, the bar, the marks and the number."""
        of = colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self.fontMetrics().horizontalAdvance("00.0 °C") + 8
        track = QRectF(0, (self.height() - _TRACK) / 2, max(self.width() - room, 20), _TRACK)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(of.raised))
        painter.drawRoundedRect(track, _RADIUS, _RADIUS)
        if self._temperature is not None:
            tones = (of.success, of.warning, of.error)
            painter.setBrush(QColor(tones[min(self.passed, len(tones) - 1)]))
            filled = QRectF(track)
            filled.setWidth(max(track.width() * _part(self._temperature), _TRACK))
            painter.drawRoundedRect(filled, _RADIUS, _RADIUS)
        painter.setBrush(QColor(of.secondary))
        for mark in self._thresholds:
            left = round(track.left() + track.width() * _part(mark))
            painter.drawRect(QRectF(left, track.top() - 3, 1, _TRACK + 6))
        painter.setPen(QColor(of.text if self.isEnabled() else of.disabled))
        place = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect(), int(place), self.text)
        painter.end()


def _part(temperature: float) -> float:
    """Return where a temperature lies on the track, 0..1."""
    return min(max((temperature - _COLDEST) / (_WARMEST - _COLDEST), 0.0), 1.0)
