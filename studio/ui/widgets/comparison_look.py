"""Which part of a picture is in view: one look for every pane, so that zoom and pan go in step."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF

LARGEST = 64.0
"""Pixels of the window for one of the picture."""


@dataclass(frozen=True)
class Look:
    """Which part of a picture is in view.

    Attributes:
        scale: the window's (device-independent) pixels for one of the picture; None fits the whole picture.
        x, y: what is in the middle of a pane, as fractions of the picture's width and height.
    """

    scale: float | None = None
    x: float = 0.5
    y: float = 0.5

    @property
    def is_fit(self) -> bool:
        """Whether the whole picture is in view."""
        return self.scale is None


FIT = Look()


def fitting(picture: QSizeF, pane: QSizeF) -> float:
    """Return the scale at which a whole picture fits into a pane."""
    if picture.isEmpty() or pane.isEmpty():
        return 1.0
    return min(pane.width() / picture.width(), pane.height() / picture.height())


def scale_of(look: Look, picture: QSizeF, pane: QSizeF) -> float:
    """Return the scale that is in force."""
    return fitting(picture, pane) if look.scale is None else look.scale


def placed(look: Look, picture: QSizeF, pane: QRectF) -> QRectF:
    """Return where the whole picture lies; parts of it may lie outside the pane.

    Args:
        look: what is in view.
        picture: its size in pixels.
        pane: in the widget's coordinates.
    """
    scale = scale_of(look, picture, pane.size())
    width, height = picture.width() * scale, picture.height() * scale
    middle = pane.center()
    return QRectF(middle.x() - look.x * width, middle.y() - look.y * height, width, height)


def zoomed(look: Look, factor: float, around: QPointF, picture: QSizeF, pane: QRectF) -> Look:
    """Return a nearer or farther look that keeps a point where it is.

    Args:
        look: the one before.
        factor: above 1 for nearer.
        around: the point, in the widget's coordinates.
        picture: its size in pixels.
        pane: the one that the point lies in.
    """
    fit = fitting(picture, pane.size())
    before = scale_of(look, picture, pane.size())
    scale = min(max(before * factor, fit), max(LARGEST, fit))
    if scale <= fit * 1.0001:
        return FIT
    old = placed(look, picture, pane)
    # the fraction of the picture under the point stays under it
    share_x = (around.x() - old.x()) / old.width()
    share_y = (around.y() - old.y()) / old.height()
    x = share_x - (around.x() - pane.center().x()) / (picture.width() * scale)
    y = share_y - (around.y() - pane.center().y()) / (picture.height() * scale)
    return bounded(Look(scale, x, y), picture, pane.size())


def panned(look: Look, by: QPointF, picture: QSizeF, pane: QSizeF) -> Look:
    """Return a look with the picture moved by some of the window's pixels; a picture that fits stays."""
    if look.scale is None or picture.isEmpty():
        return look
    x = look.x - by.x() / (picture.width() * look.scale)
    y = look.y - by.y() / (picture.height() * look.scale)
    return bounded(Look(look.scale, x, y), picture, pane)


def bounded(look: Look, picture: QSizeF, pane: QSizeF) -> Look:
    """Return a look that shows no more empty space than needed."""
    if look.scale is None or picture.isEmpty():
        return FIT
    if look.scale < fitting(picture, pane):
        return FIT
    half_x = pane.width() / (2 * picture.width() * look.scale)
    half_y = pane.height() / (2 * picture.height() * look.scale)
    return Look(look.scale, _between(look.x, half_x), _between(look.y, half_y))


def _between(share: float, half: float) -> float:
    return 0.5 if half >= 0.5 else min(max(share, half), 1 - half)
