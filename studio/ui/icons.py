"""One-colour pictures from resources/icons, drawn in the theme's colours."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize
from PySide6.QtGui import QIcon, QImageReader, QPixmap

from studio.ui.theme import RESOURCES, Colours, colours

_SIZES = (24, 48)
"""Sizes each icon is drawn at, pixels: as it is, and for screens of high density. Drawing takes time at the start."""


def icon(name: str, *, checkable: bool = False) -> QIcon:
    """Return resources/icons/NAME.svg in the theme's colours.

    Args:
        name: of the file.
        checkable: give it the accent colour while its button is switched on.
    """
    return _icon(name, checkable, colours())


def picture(name: str, size: int, colour: str, ratio: float = 1.0) -> QPixmap:
    """Return an icon as a picture for a label.

    Args:
        name: of a file in resources/icons.
        size: width and height in device-independent pixels.
        colour: "#rrggbb".
        ratio: device pixels to each of them.
    """
    pixmap = _drawn(name, round(size * ratio), colour)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@lru_cache(maxsize=256)
def _icon(name: str, checkable: bool, of: Colours) -> QIcon:
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(_drawn(name, size, of.text), QIcon.Mode.Normal, QIcon.State.Off)
        if checkable:
            made.addPixmap(_drawn(name, size, of.accent), QIcon.Mode.Normal, QIcon.State.On)
        made.addPixmap(_drawn(name, size, of.disabled), QIcon.Mode.Disabled, QIcon.State.Off)
    return made


def _drawn(name: str, size: int, colour: str) -> QPixmap:
    source = (RESOURCES / "icons" / f"{name}.svg").read_bytes()
    buffer = QBuffer()
    buffer.setData(QByteArray(source.replace(b"currentColor", colour.encode())))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"svg"))
    reader.setScaledSize(QSize(size, size))
    image = reader.read()
    if image.isNull():
        raise RuntimeError(f"the icon {name} cannot be drawn: {reader.errorString()}")
    return QPixmap.fromImage(image)
