"""A line of text that is cut with an ellipsis where there is no room, and said in full by its tooltip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from studio.ui.plain_tip import plain_tip


class ElidedLabel(QLabel):
    """One line of plain text that never asks for more room than there is.

    Args:
        text: may come from a file; never markup.
        role: as in the stylesheet.
        mode: where the ellipsis goes; the middle of names, so that their ends stay readable.
    """

    def __init__(
        self,
        text: str = "",
        *,
        role: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._mode = mode
        self._full = ""
        if role:
            self.setProperty("role", role)
        self.set_text(text)

    @property
    def full_text(self) -> str:
        """The text, uncut."""
        return self._full

    def set_text(self, text: str) -> None:
        """Show another text."""
        self._full = text
        self.setAccessibleName(text)
        self._elide()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return room for a few letters: whatever is given is used."""
        return QSize(24, super().sizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room that all of the text would take."""
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 4, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Cut the text anew in another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._elide()

    def _elide(self) -> None:
        # a line break would make the line two
        line = " ".join(self._full.split())
        shown = self.fontMetrics().elidedText(line, self._mode, max(0, self.width() - 2))
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(plain_tip(self._full) if shown != self._full else "")
