"""Maps of differences, coloured when they are painted: once for each map, and only the part that is in view."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from studio.ui.widgets.comparison_painting import draw_part
from studio.ui.widgets.comparison_pair import snapped
from studio.ui.widgets.heat_colours import colour_table, opaque_table


class Map:
    """Differences as 8-bit grey: 0 is none, 255 `highest`.

    Args:
        image: 8-bit grey; any other format is made grey.
        highest: what 255 stands for.
        title: what it shows.
        box: left, top, width and height of the part that is not 0; None where nobody knows. Over a picture the rest
            is not looked at.
    """

    def __init__(self, image: QImage, highest: float, title: str, box: tuple[int, int, int, int] | None = None) -> None:
        is_grey = image.format() is QImage.Format.Format_Grayscale8
        self._grey = image if is_grey else image.convertToFormat(QImage.Format.Format_Grayscale8)
        self.highest = highest
        self.title = title
        self._box = None if box is None else QRectF(*box)
        self._painted = QImage()
        self._key: tuple[QRect, QSize, tuple[float, float] | None] | None = None

    def draw(self, painter: QPainter, target: QRectF, clip: QRectF, look: tuple[float, float] | None) -> None:
        """Draw the part of the map that is in view.

        Args:
            painter: on the widget.
            target: where the whole map lies.
            clip: what is painted of it.
            look: opacity and threshold of a map that lies over a picture; None for one that is shown by itself.
        """
        ratio = painter.device().devicePixelRatioF()
        target = snapped(target, self._grey, ratio)
        across, down = target.width() / self._grey.width(), target.height() / self._grey.height()
        if self._box is not None and look is not None:
            box = self._box
            left, top = target.x() + box.x() * across, target.y() + box.y() * down
            clip = clip.intersected(QRectF(left, top, box.width() * across, box.height() * down))
        part = _part(target, clip, self._grey)
        if part.isEmpty():
            return
        place = QRectF(
            target.x() + part.x() * across, target.y() + part.y() * down, part.width() * across, part.height() * down
        )
        size = QSize(round(place.width() * ratio), round(place.height() * ratio)).boundedTo(part.size())
        if self._key != (part, size, look):
            self._key = (part, size, look)
            grey = self._grey if part == self._grey.rect() else self._grey.copy(part)
            # smaller before it is coloured: each pixel of the screen then is coloured once, and laid over as it is
            self._painted = _coloured(grey if size == part.size() else grey.scaled(size), _table(look))
        draw_part(painter, self._painted, snapped(place, self._painted, ratio), clip, is_smooth=True)


def _part(target: QRectF, clip: QRectF, image: QImage) -> QRect:
    """Return the pixels of a map that a clip shows, with two more around, so that its edges are drawn smoothly."""
    shown = target.intersected(clip)
    if shown.isEmpty():
        return QRect()
    if target.width() * target.height() <= 1.5 * shown.width() * shown.height():
        return image.rect()  # nearly all of it: the copy would cost more than it saves
    across, down = image.width() / target.width(), image.height() / target.height()
    part = QRectF(
        (shown.x() - target.x()) * across,
        (shown.y() - target.y()) * down,
        shown.width() * across,
        shown.height() * down,
    )
    return part.toAlignedRect().adjusted(-2, -2, 2, 2).intersected(image.rect())


@lru_cache(maxsize=8)
def _table(look: tuple[float, float] | None) -> list[int]:
    return opaque_table() if look is None else colour_table(*look)


def _coloured(grey: QImage, table: list[int]) -> QImage:
    """Return a map in colours: each grey level becomes one of 256."""
    levels = QImage(grey)
    levels.reinterpretAsFormat(QImage.Format.Format_Indexed8)
    levels.setColorTable(table)
    return levels.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
