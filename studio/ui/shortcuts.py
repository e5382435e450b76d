"""All keys of the window in one place, read from its menus so that the list is always right."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QMenu, QMenuBar, QScrollArea, QVBoxLayout, QWidget

from studio.ui.texts import tr
from studio.ui.widgets.closing_row import closing_row


class ShortcutsDialog(QDialog):
    """Lists what has a key.

    Args:
        bar: whose entries are listed.
        parent: the window.
    """

    def __init__(self, bar: QMenuBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts-dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.setMinimumSize(420, 480)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(0, 1)
        row = 0
        for title, entries in _groups(bar):
            heading = QLabel(title)
            heading.setProperty("role", "caption")
            grid.addWidget(heading, row, 0)
            row += 1
            for words, keys in entries:
                grid.addWidget(QLabel(words), row, 0)
                grid.addWidget(QLabel(keys), row, 1)
                row += 1
        grid.setRowStretch(row, 1)
        inside = QWidget()
        inside.setLayout(grid)
        area = QScrollArea()
        area.setAccessibleName(tr("Keyboard shortcuts"))
        area.setWidgetResizable(True)
        area.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addWidget(area, 1)
        column.addLayout(closing_row(self))


def _groups(bar: QMenuBar) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for top in bar.actions():
        menu = top.menu()
        if isinstance(menu, QMenu):
            entries = [
                (_plain(action.text()), action.shortcut().toString(QKeySequence.SequenceFormat.NativeText))
                for action in menu.actions()
                if not action.shortcut().isEmpty()
            ]
            if entries:
                yield _plain(top.text()), entries
    yield (
        tr("Everywhere"),
        [
            (tr("Next control"), QKeySequence(Qt.Key.Key_Tab).toString(QKeySequence.SequenceFormat.NativeText)),
            (tr("Press the control"), QKeySequence(Qt.Key.Key_Space).toString(QKeySequence.SequenceFormat.NativeText)),
            (tr("Close a dialog"), QKeySequence(Qt.Key.Key_Escape).toString(QKeySequence.SequenceFormat.NativeText)),
        ],
    )


def _plain(text: str) -> str:
    """Return the words of a menu entry without the sign for its letter."""
    words = text.replace("&&", "\0").replace("&", "").replace("\0", "&")
    return words.removesuffix("...")
