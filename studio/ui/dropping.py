"""What may be dropped on the window, and what is shown while it is held over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QLabel, QWidget

from studio.ui.texts import tr

_MARGIN = 16


def dropped_paths(data: QMimeData) -> list[str]:
    """Return the files and folders of this machine among what was dropped; nothing is fetched from elsewhere."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile() and url.host() == "" and url.toLocalFile()]


class DropOverlay(QLabel):
    """Covers the window while something is held over it that can be opened.

    Args:
        window: what is covered.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("drop-overlay")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(tr("Drop to open"))
        self.hide()

    def show_for(self, paths: Sequence[str]) -> None:
        """Say what would be opened."""
        self.setText(tr("Drop to open {name}", name=Path(paths[0]).name))
        self.setGeometry(self.window().rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN))
        self.raise_()
        self.show()
