"""Figures that change many times a second without moving anything around them."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

NONE = "–"


class Figure(QWidget):
    """A caption with a figure below it, as wide as the widest figure it is made for.

    The label has a fixed size: Qt then lays nothing out anew when its text changes.

    Args:
        name: of the figure's label.
        caption: what it is.
        widest: a text as wide as any that comes: "0000.0 ms".
        tip: what it means.
    """

    def __init__(self, name: str, caption: str, widest: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caption = QLabel(caption, self)
        self._caption.setTextFormat(Qt.TextFormat.PlainText)
        self._caption.setProperty("role", "caption")
        self._label = QLabel(NONE, self)
        self._label.setObjectName(name)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setFont(tabular(self._label.font()))
        self.setToolTip(tip)
        self._title, self._widest = caption, widest
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._caption)
        column.addWidget(self._label)
        self._fix()

    @property
    def least_width(self) -> int:
        """Pixels that the caption and the widest figure take."""
        return max(self._caption.sizeHint().width(), self._label.minimumWidth())

    @property
    def text(self) -> str:
        """The figure in view."""
        return self._label.text()

    def set_text(self, text: str) -> None:
        """Show another figure."""
        if text != self._label.text():
            self._label.setText(text)
            self._label.setAccessibleName(f"{self._title}: {text}")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Measure anew in another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fix()

    def _fix(self) -> None:
        self._label.ensurePolished()
        measure = self._label.fontMetrics()
        self._label.setFixedSize(measure.horizontalAdvance(self._widest) + 4, measure.height() + 2)


def tabular(font: QFont) -> QFont:
    """Return a font whose digits are all of one width."""
    made = QFont(font)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def milliseconds_text(seconds: float | None) -> str:
    """Return a short time as "8.4 ms", a long one as "1.25 s"."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    return f"{1000 * seconds:.1f} ms" if seconds < 0.99995 else f"{seconds:.2f} s"


def number_text(value: float | None, digits: int) -> str:
    """Return a number with so many digits behind the point; a dash for none, the sign of infinity for what is equal."""
    if value is None or math.isnan(value):
        return NONE
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
