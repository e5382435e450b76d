"""Draw panes, their labels, the divider and the colour bar of a comparison."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from studio.ui.widgets.comparison_pair import snapped
from studio.ui.widgets.heat_colours import rgb

MARGIN = 8.0
_PADDING = 6.0
_DOT = 8.0
_BAR_WIDTH, _BAR_HEIGHT = 160.0, 10.0
_CHIP = QColor(16, 18, 22, 190)
_GROUND = QColor(16, 18, 22, 240)
_WORDS = QColor(245, 245, 245)
_NOTE = QColor(255, 200, 97)
_GRIP = 13.0
_COLUMN = 460.0
SHARP_FROM = 2.0
"""Device pixels for one of the picture above which pixels are drawn as squares: one wants to see them."""


def draw_picture(painter: QPainter, image: QImage, target: QRectF, clip: QRectF, is_reduced: bool = False) -> None:
    """Draw a picture into a rectangle, as far as it lies in the clip; smooth, or as squares where it is enlarged.

    Args:
        painter: on the widget.
        image: the picture.
        target: where all of it lies.
        clip: what is painted.
        is_reduced: its pixels are not those of the frame, so that nobody wants to see them as squares.
    """
    if image.isNull():
        return
    ratio = painter.device().devicePixelRatioF()
    is_smooth = is_reduced or target.width() * ratio / image.width() <= SHARP_FROM
    draw_part(painter, image, snapped(target, image, ratio), clip, is_smooth=is_smooth)


def draw_part(painter: QPainter, image: QImage, target: QRectF, clip: QRectF, *, is_smooth: bool) -> None:
    """Draw what a clip shows of a picture that fills a rectangle."""
    if not target.intersects(clip):
        return
    painter.save()
    # smooth edges of a rectangle that is aligned anyway would double the time
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
    painter.setClipRect(clip, Qt.ClipOperation.IntersectClip)
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


def draw_note(painter: QPainter, text: str, pane: QRectF) -> None:
    """Draw what is to be known of the pictures in the lower left corner of a pane, where nothing else is.

    Args:
        painter: on the widget.
        text: plain text; shortened to the pane.
        pane: in the widget's coordinates.
    """
    measure = QFontMetricsF(painter.font())
    words = measure.elidedText(text, Qt.TextElideMode.ElideRight, pane.width() - 2 * MARGIN - 2 * _PADDING)
    width, height = measure.horizontalAdvance(words) + 2 * _PADDING, measure.height() + _PADDING
    chip = QRectF(pane.left() + MARGIN, pane.bottom() - MARGIN - height, width, height)
    _draw_chip(painter, chip, _GROUND)
    painter.setPen(_NOTE)
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, words)


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
            painter.drawImage(bar, _scale())
            x += _BAR_WIDTH + _PADDING
        painter.drawText(QRectF(x, chip.top(), wide + 1, height), Qt.AlignmentFlag.AlignVCenter, word)
        x += wide + _PADDING


def draw_divider(painter: QPainter, x: float, area: QRectF, *, is_focused: bool, accent: QColor) -> None:
    """Draw the divider of the split view with its grip."""
    painter.fillRect(QRectF(round(x) - 2, area.top(), 4, area.height()), QColor(0, 0, 0, 120))
    painter.fillRect(QRectF(round(x) - 1, area.top(), 2, area.height()), _WORDS)
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


def draw_stale(painter: QPainter, sentence: str, pane: QRectF) -> None:
    """Say over a picture that it is an old one, and why.

    Args:
        painter: on the widget.
        sentence: plain text; "" only darkens.
        pane: of the widget.
    """
    painter.fillRect(pane, QColor(24, 26, 30, 120))
    if not sentence:
        return
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    inside = pane.adjusted(3 * MARGIN, 2 * MARGIN, -3 * MARGIN, -2 * MARGIN)
    spare = max(inside.width() - _COLUMN, 0.0) / 2  # a narrow column is read more easily than one long line
    inside.adjust(spare, 0, -spare, 0)
    words = painter.boundingRect(inside, flags, sentence)
    _draw_chip(painter, words.adjusted(-2 * _PADDING, -_PADDING, 2 * _PADDING, _PADDING), _GROUND)
    painter.setPen(_WORDS)
    painter.drawText(words, flags, sentence)


def small_font(font: QFont) -> QFont:
    """Return the font of labels over pictures."""
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(max(font.pointSizeF() * 0.92, 7.5))
    return small


def _draw_chip(painter: QPainter, chip: QRectF, colour: QColor = _CHIP) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(chip, 4, 4)


@lru_cache(maxsize=1)
def _scale() -> QImage:
    """Return all colours of a map beside each other."""
    image = QImage(256, 1, QImage.Format.Format_RGB32)
    for level in range(256):
        image.setPixelColor(level, 0, QColor(*rgb(level)))
    return image
