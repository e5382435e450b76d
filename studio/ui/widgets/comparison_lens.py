"""The magnifier: a round lens that shows one place of both pictures much larger."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from studio.ui.widgets.comparison_look import LARGEST
from studio.ui.widgets.comparison_modes import Side
from studio.ui.widgets.comparison_painting import draw_picture
from studio.ui.widgets.comparison_pair import FramePair

RADIUS = 92.0
"""In the window's pixels."""
TIMES = 4.0
"""How much larger than the picture around it."""


@dataclass(frozen=True)
class Lens:
    """Where the magnifier is.

    Attributes:
        is_on: whether there is one.
        x, y: the place under it, as fractions of the picture's width and height.
    """

    is_on: bool = False
    x: float = 0.5
    y: float = 0.5

    def moved(self, x: float, y: float) -> Lens:
        """Return it over another place."""
        return Lens(self.is_on, min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))


def draw_lens(
    painter: QPainter, lens: Lens, pair: FramePair, sides: tuple[Side, ...], target: QRectF, accents: dict[Side, QColor]
) -> None:
    """Draw the lens over a pane.

    Args:
        painter: on the widget, clipped to the pane.
        lens: where it is.
        pair: what it shows.
        sides: one for a whole lens, two for its halves: each half shows the place under the lens in its own middle.
        target: where the whole picture lies.
        accents: the colours of the rim.
    """
    middle = QPointF(target.x() + lens.x * target.width(), target.y() + lens.y * target.height())
    times = min(TIMES, LARGEST * pair.size.width() / max(target.width(), 1.0))
    width, height = target.width() * times, target.height() * times
    disc = QRectF(middle.x() - RADIUS, middle.y() - RADIUS, 2 * RADIUS, 2 * RADIUS)
    path = QPainterPath()
    path.addEllipse(disc)
    share = disc.width() / len(sides)
    painter.save()
    painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
    painter.fillRect(disc, QColor(24, 26, 30))
    for place, side in enumerate(sides):
        part = QRectF(disc.x() + place * share, disc.y(), share, disc.height())
        large = QRectF(part.center().x() - lens.x * width, part.center().y() - lens.y * height, width, height)
        draw_picture(painter, pair.original if side is Side.ORIGINAL else pair.candidate, large, part, pair.is_reduced)
    painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 140), 5))
    painter.drawEllipse(disc)
    whole = 16 * 360
    for place, side in enumerate(sides):
        painter.setPen(QPen(accents[side], 2.5))
        painter.drawArc(disc, 16 * 90 + place * whole // 2, whole // len(sides))
    if len(sides) == 2:
        painter.setPen(QPen(QColor(245, 245, 245), 1.5))
        painter.drawLine(QPointF(middle.x(), disc.top()), QPointF(middle.x(), disc.bottom()))
