"""A sentence on what happened, with the ways out beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from converters.errors import StudioError
from studio.ui.texts import tr

Action = tuple[str, Callable[[], object]]
"""What a button says and does."""


class Tone(StrEnum):
    """How much a sentence matters; the theme colours it so."""

    INFORMATION = "information"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class Banner(QFrame):
    """One sentence at a time, hidden while there is none; newer ones replace older ones."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._words = QLabel()
        self._words.setObjectName("banner-words")
        self._words.setWordWrap(True)
        # what is shown may come from a file, and is never markup
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.addWidget(self._words, 1)
        column = QVBoxLayout()
        column.addLayout(self._buttons)
        row.addLayout(column)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence in view, "" for none."""
        return "" if self.isHidden() else self._words.text()

    def say(self, text: str, tone: Tone = Tone.INFORMATION, actions: Sequence[Action] = ()) -> None:
        """Show a sentence.

        Args:
            text: plain text; may have several lines.
            tone: how much it matters.
            actions: ways out; a button to dismiss is always there.
        """
        self._clear_buttons()
        self._words.setText(text)
        self.setAccessibleName(text)
        self.setProperty("tone", tone.value)
        self.style().unpolish(self)
        self.style().polish(self)
        for words, action in (*actions, (tr("Dismiss"), self.dismiss)):
            button = QPushButton(words)
            button.setAccessibleName(words)
            button.clicked.connect(lambda _checked=False, action=action: action())
            self._buttons.addWidget(button)
        self.show()

    def say_error(self, error: StudioError, actions: Sequence[Action] = ()) -> None:
        """Show what went wrong, probably why, and what to do."""
        self.say(str(error), Tone.ERROR, actions)

    def dismiss(self) -> None:
        """Hide the sentence."""
        self._clear_buttons()
        self._words.clear()
        self.hide()

    def _clear_buttons(self) -> None:
        while (item := self._buttons.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
