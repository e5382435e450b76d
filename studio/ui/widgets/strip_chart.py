"""A value over the last minute as a line, painted by hand: light enough to follow a live preview."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.figures import tabular

SPAN = 60.0
"""Seconds from the left edge to the right."""
REFRESH_MILLISECONDS = 200
"""Between two paintings: a line that moves more often tells nobody more."""
_BREAK = 1.5
"""Seconds without a value that are shown as a gap."""
_SHRINK = 0.4
"""Part of the scale below which everything must lie before the scale becomes smaller, so that it does not pump."""
_PADDING = 6.0

Points = list[tuple[float, float]]


class StripChart(QWidget):
    """A line that moves to the left as time goes by; the newest value stands at the right edge.

    Args:
        title: of what it shows.
        name: of the object.
        least: highest value of the smallest scale.
        digits: behind the point.
        tone: name of a colour of the theme.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        title: str = "LPIPS",
        name: str = "strip-chart",
        least: float = 0.05,
        digits: int = 3,
        tone: str = "candidate",
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(tr("{title} over the last minute", title=title))
        self.setToolTip(tr("{title} over the last minute: the newest at the right", title=title))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title, self._least, self._digits, self._tone = title, least, digits, tone
        self._seconds: Sequence[float] = ()
        self._values: Sequence[float | None] = ()
        self._top = least
        self._highest: float | None = None
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._refresh)

    @property
    def top(self) -> float:
        """The value at the upper edge."""
        return self._top

    def set_series(self, seconds: Sequence[float], values: Sequence[float | None]) -> None:
        """Show other values.

        Args:
            seconds: when each was measured, of one clock, rising; what is older than `SPAN` is left out.
            values: of the same length; None where nothing was measured.
        """
        if len(seconds) != len(values):
            raise ValueError(f"{len(seconds)} times for {len(values)} values")
        self._seconds, self._values = seconds, values
        waited = self._since.elapsed() if self._since.isValid() else REFRESH_MILLISECONDS
        if waited >= REFRESH_MILLISECONDS or not seconds:
            self._refresh()
        elif not self._timer.isActive():
            self._timer.start(int(REFRESH_MILLISECONDS - waited))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a low strip."""
        return QSize(240, 64)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the least that shows anything."""
        return QSize(120, 48)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the scale, the line and the words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = tabular(self.font())
        if font.pointSizeF() > 0:
            font.setPointSizeF(max(font.pointSizeF() * 0.88, 7.0))
        painter.setFont(font)
        look = colours()
        measure = QFontMetricsF(font)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.panel))
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        scale = measure.horizontalAdvance(self._text(10 * self._least)) + _PADDING
        area = QRectF(self.rect()).adjusted(_PADDING, measure.height() + 5, -_PADDING - scale, -_PADDING)
        self._draw_scale(painter, area, measure)
        colour = QColor(getattr(look, self._tone))
        runs = lines(self._seconds, self._values, max(int(area.width()), 1))
        painter.setPen(QPen(colour, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for run in runs:
            points = [
                QPointF(area.x() + share * area.width(), area.bottom() - min(value / self._top, 1.0) * area.height())
                for share, value in run
            ]
            if len(points) == 1:
                painter.drawEllipse(points[0], 1.0, 1.0)
            else:
                painter.drawPolyline(QPolygonF(points))
        head = QRectF(_PADDING, 2, self.width() - 2 * _PADDING, measure.height())
        painter.setPen(QColor(look.secondary))
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._title)
        words = "" if self._highest is None else tr("highest {value}", value=self._text(self._highest))
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

    def _draw_scale(self, painter: QPainter, area: QRectF, measure: QFontMetricsF) -> None:
        look = colours()
        for share, words in ((1.0, self._text(self._top)), (0.5, ""), (0.0, "0")):
            y = round(area.bottom() - share * area.height()) + 0.5
            painter.setPen(QPen(QColor(look.border), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(look.secondary))
            if words and (not share or area.height() >= 2 * measure.height()):  # else one is upon the other
                left, room = area.right(), self.width() - _PADDING - area.right()
                # the upper one below its line, out of the words above; the lower one above its own
                place = QRectF(left, y if share else y - measure.height(), room, measure.height())
                painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

    def _refresh(self) -> None:
        self._since.start()
        begun = self._seconds[-1] - SPAN if self._seconds else 0.0
        shown = [
            value
            for second, value in zip(self._seconds, self._values, strict=True)
            if value is not None and second >= begun and math.isfinite(value)
        ]
        self._highest = max(shown, default=None)
        highest = self._highest or 0.0
        if highest > self._top or highest < _SHRINK * self._top:
            self._top = scale_top(highest, self._least)
        if shown:
            self.setAccessibleDescription(
                tr("now {now}, highest {highest}", now=self._text(shown[-1]), highest=self._text(highest))
            )
        self.update()

    def _text(self, value: float) -> str:
        return f"{value:.{self._digits}f}"


def loss_chart(parent: QWidget | None = None) -> StripChart:
    """Return a chart of LPIPS."""
    return StripChart(parent, title="LPIPS", name="loss-chart", least=0.05, digits=3, tone="candidate")


def rate_chart(parent: QWidget | None = None) -> StripChart:
    """Return a chart of frames a second."""
    return StripChart(parent, title=tr("Frames/s"), name="rate-chart", least=30.0, digits=0, tone="original")


def scale_top(highest: float, least: float) -> float:
    """Return the value at the upper edge: 1, 2 or 5 times a power of ten times `least`, and not below `highest`."""
    top = least
    for factor in (1.0, 2.0, 4.0, 10.0):
        top = least * factor
        if highest <= top:
            return top
    return top * 2.0 ** math.ceil(math.log2(highest / top))


def lines(seconds: Sequence[float], values: Sequence[float | None], columns: int) -> list[Points]:
    """Return the runs of a line, with no more than two points for a column: its lowest and its highest value.

    Args:
        seconds, values: as `StripChart.set_series` takes them.
        columns: pixels from the left edge to the right.

    Returns:
        Runs of (share of the width, value); between two runs lies a gap.
    """
    if not seconds:
        return []
    begun = seconds[-1] - SPAN
    runs: list[Points] = []
    column, before = -1, -math.inf
    for second, value in zip(seconds, values, strict=True):
        if value is None or not math.isfinite(value) or second < begun:
            continue
        share = (second - begun) / SPAN
        here = int(share * columns)
        if second - before > _BREAK:
            runs.append([(share, value)])
        elif here != column:
            runs[-1].append((share, value))
        else:
            _merge(runs[-1], share, value, columns)
        column, before = here, second
    return runs


def _merge(run: Points, share: float, value: float, columns: int) -> None:
    """Take another value of a column: it stays with its lowest and its highest."""
    column = int(share * columns)
    if len(run) < 2 or int(run[-2][0] * columns) != column:
        run.append((share, value))
        return
    (_, first), (_, second) = run[-2:]
    low, high = min(first, second, value), max(first, second, value)
    is_rising = first <= second
    run[-2] = (run[-2][0], low if is_rising else high)
    run[-1] = (share, high if is_rising else low)
