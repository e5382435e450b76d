"""The two pictures of one frame as one value: whoever draws them can never mix two frames."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QImage


@dataclass(frozen=True)
class FramePair:
    """What both sides made of one frame.

    Attributes:
        original, candidate: in the format that is drawn fastest (RGB32), or null.
        frame: identity of the frame, -1 for none.
        full_size: width and height of the frame where the pictures are smaller than it; None where they are all of it.
    """

    original: QImage = field(default_factory=QImage)
    candidate: QImage = field(default_factory=QImage)
    frame: int = -1
    full_size: tuple[int, int] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.original.isNull()

    @property
    def size(self) -> QSizeF:
        """Of the frame, in its own pixels."""
        return QSizeF(self.original.size()) if self.full_size is None else QSizeF(*self.full_size)

    @property
    def is_reduced(self) -> bool:
        """Whether the frame has more pixels than the pictures."""
        return self.full_size is not None and self.original.width() < self.full_size[0]

    def greyed(self) -> FramePair:
        """Return the same frame without colours."""
        return FramePair(_grey(self.original), _grey(self.candidate), self.frame, self.full_size)


def drawable(image: QImage) -> QImage:
    """Return a picture in the format that is drawn fastest."""
    if image.isNull() or image.format() is QImage.Format.Format_RGB32:
        return image
    return image.convertToFormat(QImage.Format.Format_RGB32)


def snapped(target: QRectF, image: QImage, ratio: float) -> QRectF:
    """Return a place on whole pixels of the screen for a picture that was made for it.

    A picture that is stretched by less than one pixel costs ten times as much as one that is copied, and is blurred.

    Args:
        target: where it is to be, in the window's pixels.
        image: the picture.
        ratio: the screen's pixels for one of the window.

    Returns:
        `target`, where the picture is of another size.
    """
    if abs(target.width() * ratio - image.width()) > 1 or abs(target.height() * ratio - image.height()) > 1:
        return target
    left, top = round(target.x() * ratio) / ratio, round(target.y() * ratio) / ratio
    return QRectF(left, top, image.width() / ratio, image.height() / ratio)


def _grey(image: QImage) -> QImage:
    return drawable(image.convertToFormat(QImage.Format.Format_Grayscale8))
