"""The rail at the left: the pages of the walk, each with its icon, its name and its key."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget

from studio.ui.icons import icon
from studio.ui.pages.table import PAGES, page_words
from studio.ui.texts import tr

WIDTH = 84
_ICON = 24


class Rail(QFrame):
    """One button for each page; exactly one is chosen.

    Attributes:
        chosen: the person wants a page, by its identifier.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName(tr("Pages"))
        self.setFixedWidth(WIDTH)
        self._words = page_words()
        self._group = QActionGroup(self)
        self._actions: dict[str, QAction] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(4)
        for number, identifier in enumerate(PAGES, start=1):
            column.addWidget(self._button(self._action(identifier, number)))
        column.addStretch(1)

    @property
    def actions_of_pages(self) -> Iterator[QAction]:
        """The pages as menu entries, in order."""
        return iter(self._actions.values())

    def show_chosen(self, identifier: str) -> None:
        """Mark a page as the one in view."""
        self._actions[identifier].setChecked(True)

    def set_usable(self, identifier: str, is_usable: bool) -> None:
        """Let a page be chosen or not; why not is in its tooltip."""
        action = self._actions[identifier]
        action.setEnabled(is_usable)
        words = self._words[identifier]
        shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        if is_usable:
            tip = tr("{sentence} ({shortcut})", sentence=words.sentence, shortcut=shortcut)
        else:
            tip = tr("{sentence}. Open a model first.", sentence=words.sentence)
        action.setToolTip(tip)
        action.setStatusTip(words.sentence)

    def _action(self, identifier: str, number: int) -> QAction:
        action = QAction(icon(identifier, checkable=True), self._words[identifier].title, self)
        action.setObjectName(f"go-to-{identifier}")
        action.setCheckable(True)
        action.setShortcut(QKeySequence(f"Ctrl+{number}"))
        action.triggered.connect(lambda _checked=False, identifier=identifier: self.chosen.emit(identifier))
        self._group.addAction(action)
        self._actions[identifier] = action
        self.set_usable(identifier, True)
        return action

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"rail-{action.objectName().removeprefix('go-to-')}")
        button.setDefaultAction(action)
        button.setAccessibleName(action.text())
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(_ICON, _ICON))
        button.setFixedSize(WIDTH - 1, 64)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button
