"""What an empty place says: what would be here, and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget


class EmptyState(QWidget):
    """A sentence in the middle, and a button below it where there is something to do.

    Args:
        title: a few words.
        sentence: what would be here.
        action: what the button says and does; None for no button.
    """

    def __init__(
        self,
        title: str,
        sentence: str,
        action: tuple[str, Callable[[], object]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("empty-state")
        self.setAccessibleName(f"{title}. {sentence}")
        heading = QLabel(title)
        heading.setProperty("role", "subtitle")
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words = QLabel(sentence)
        words.setProperty("role", "secondary")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words.setMaximumWidth(480)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(heading)
        # stretches instead of an alignment, with which Qt gives wrapped text the height of one line only
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(words, 100)
        middle.addStretch(1)
        column.addLayout(middle)
        if action is not None:
            text, act = action
            button = QPushButton(text)
            button.setAccessibleName(text)
            button.clicked.connect(lambda _checked=False: act())
            column.addSpacing(8)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
