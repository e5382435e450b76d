"""Draw panes, their labels, the divider and the colour bar of a comparison."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QLinearGradient, QPainter, QPen

from studio.ui.widgets.heat_colours import rgb

MARGIN = 8.0
_PADDING = 6.0
_DOT = 8.0
_BAR_WIDTH, _BAR_HEIGHT = 160.0, 10.0
_CHIP = QColor(16, 18, 22, 190)
_WORDS = QColor(245, 245, 245)
_GRIP = 13.0
SHARP_FROM = 2.0
"""Device pixels for one of the picture above which pixels are drawn as squares: one wants to see them."""


def draw_picture(painter: QPainter, image: QImage, target: QRectF, clip: QRectF) -> None:
    """Draw a picture into a rectangle, as far as it lies in the clip; smooth, or as squares where it is enlarged."""
    shown = target.intersected(clip)
    if shown.isEmpty() or image.isNull():
        return
    scale = target.width() * painter.device().devicePixelRatioF() / image.width()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale <= SHARP_FROM)
    painter.save()
    painter.setClipRect(clip)
    painter.drawImage(target, image)
    painter.restore()


def draw_label(painter: QPainter, text: str, accent: QColor, pane: QRectF, *, is_right: bool) -> None:
    """Draw a label in an upper corner of a pane; left out where there is no room for a word.

    Args:
        painter: on the widget.
        text: plain text; shortened to the pane.
        accent: colour of the dot before it.
        pane: in the widget's coordinates.
        is_right: in the right corner.
    """
    measure = QFontMetricsF(painter.font())
    room = pane.width() - 2 * MARGIN - 3 * _PADDING - _DOT
    if room < 4 * measure.averageCharWidth():
        return
    words = measure.elidedText(text, Qt.TextElideMode.ElideMiddle, room)
    width = measure.horizontalAdvance(words) + 3 * _PADDING + _DOT
    height = measure.height() + _PADDING
    left = pane.right() - MARGIN - width if is_right else pane.left() + MARGIN
    chip = QRectF(left, pane.top() + MARGIN, width, height)
    _draw_chip(painter, chip)
    painter.setBrush(accent)
    painter.drawEllipse(QPointF(chip.left() + _PADDING + _DOT / 2, chip.center().y()), _DOT / 2, _DOT / 2)
    painter.setPen(_WORDS)
    inside = chip.adjusted(2 * _PADDING + _DOT, 0, -_PADDING, 0)
    painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def draw_colour_bar(painter: QPainter, title: str, highest: str, pane: QRectF) -> None:
    """Draw the scale of a heat map in the lower right corner of a pane.

    Args:
        painter: on the widget.
        title: what the map shows.
        highest: the value of the lightest colour, in words.
        pane: in the widget's coordinates.
    """
    measure = QFontMetricsF(painter.font())
    words = (title, "0", highest)
    widths = [measure.horizontalAdvance(word) for word in words]
    width = sum(widths) + _BAR_WIDTH + 5 * _PADDING
    height = measure.height() + _PADDING
    chip = QRectF(pane.right() - MARGIN - width, pane.bottom() - MARGIN - height, width, height)
    if chip.left() < pane.left():
        return
    _draw_chip(painter, chip)
    painter.setPen(_WORDS)
    x = chip.left() + _PADDING
    for place, (word, wide) in enumerate(zip(words, widths, strict=True)):
        if place == 2:
            bar = QRectF(x, chip.center().y() - _BAR_HEIGHT / 2, _BAR_WIDTH, _BAR_HEIGHT)
            painter.fillRect(bar, _gradient(bar))
            x += _BAR_WIDTH + _PADDING
        painter.drawText(QRectF(x, chip.top(), wide + 1, height), Qt.AlignmentFlag.AlignVCenter, word)
        x += wide + _PADDING


def draw_divider(painter: QPainter, x: float, area: QRectF, *, is_focused: bool, accent: QColor) -> None:
    """Draw the divider of the split view with its grip."""
    painter.setPen(QPen(QColor(0, 0, 0, 120), 4))
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    painter.setPen(QPen(_WORDS, 2))
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    middle = QPointF(x, area.center().y())
    painter.setPen(QPen(accent if is_focused else QColor(0, 0, 0, 120), 2))
    painter.setBrush(_WORDS)
    painter.drawEllipse(middle, _GRIP, _GRIP)
    painter.setPen(QPen(QColor(40, 44, 52), 2))
    for side in (-1, 1):
        tip = QPointF(middle.x() + side * 8, middle.y())
        painter.drawLine(QPointF(middle.x() + side * 4, middle.y() - 4), tip)
        painter.drawLine(QPointF(middle.x() + side * 4, middle.y() + 4), tip)


def draw_words(painter: QPainter, text: str, area: QRectF, colour: QColor) -> None:
    """Draw a sentence in the middle of an empty view."""
    painter.setPen(colour)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(area.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN), flags, text)


def small_font(font: QFont) -> QFont:
    """Return the font of labels over pictures."""
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(max(font.pointSizeF() * 0.92, 7.5))
    return small


def _draw_chip(painter: QPainter, chip: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_CHIP)
    painter.drawRoundedRect(chip, 4, 4)


def _gradient(bar: QRectF) -> QLinearGradient:
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for step in range(9):
        gradient.setColorAt(step / 8, QColor(*rgb(round(step * 255 / 8))))
    return gradient
