"""What an export will say, and what the last one wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTabWidget,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.ui.amounts import size_text
from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label

_ROW_HEIGHT = 26
_SECTION = "\n## "
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML


class MarkdownView(QTextBrowser):
    """Shows Markdown and loads nothing: no picture, no style, no address, from this machine or any other.

    A long text takes a tenth of a second to lay out, so it is shown section by section with pauses for the window.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self._text = ""
        self._sections: list[str] = []
        self._place = 0
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._show_next)

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: N802 - Qt's name
        """Refuse everything."""
        del kind, name
        return None

    def show_markdown(self, text: str) -> None:
        """Show a text, scrolled to where the one before it was."""
        if text == self._text:
            return
        self._text = text
        self._place = self.verticalScrollBar().value()
        first, *others = text.split(_SECTION)
        self._sections = [first, *(f"{_SECTION}{section}" for section in others)]
        self.clear()
        self._show_next()

    def say(self, words: str) -> None:
        """Show a sentence instead of a text."""
        self._text, self._sections = "", []
        self._timer.stop()
        self.setPlainText(words)

    def _show_next(self) -> None:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.document().isEmpty():
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
        cursor.insertMarkdown(self._sections.pop(0), _FEATURES)
        if self._sections:
            self._timer.start()
            return
        self._timer.stop()
        self.verticalScrollBar().setValue(self._place)


class ExportTexts(QTabWidget):
    """Two tabs: how the files are fed, and what was written.

    Attributes:
        folder_wanted: the folder of the last export is to be opened.
    """

    folder_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("export-texts")
        self.setAccessibleName(tr("What the folder says and holds"))
        self.setDocumentMode(True)
        self.readme = MarkdownView()
        self.readme.setObjectName("readme-preview")
        self.readme.setAccessibleName(tr("README.md as it will be written"))
        self.readme.setToolTip(tr("README.md as it will be written: how an app feeds the chosen files"))
        self.addTab(self.readme, tr("README"))
        self._written = QWidget()
        self._where = plain_label(role="secondary")
        self._where.setObjectName("written-folder")
        self._open = QPushButton(tr("Open folder"))
        self._open.setObjectName("open-folder")
        self._open.setAccessibleName(tr("Open folder"))
        self._open.setToolTip(tr("Show what was written in the system's file manager"))
        self._open.clicked.connect(self.folder_wanted)
        self._list = QTreeWidget()
        self._list.setObjectName("written-files")
        self._list.setAccessibleName(tr("Files that were written"))
        self._list.setHeaderLabels([tr("File"), tr("Size")])
        self._list.setRootIsDecorated(False)
        self._list.header().setStretchLastSection(False)
        self._list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        row = QHBoxLayout()
        row.addWidget(self._where, 1)
        row.addWidget(self._open, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self._written)
        column.setContentsMargins(0, 8, 0, 0)
        column.addLayout(row)
        column.addWidget(self._list, 1)
        self.addTab(self._written, tr("Written"))
        self.setTabVisible(1, False)

    def show_readme(self, text: str) -> None:
        """Show what README.md will say, or in a sentence why nothing can be shown."""
        self.readme.show_markdown(text)

    def show_result(self, result: Mapping[str, Any] | None, *, bring_up: bool = False) -> None:
        """Show what was written; nothing for None.

        Args:
            result: of `converters.package.write_package`.
            bring_up: bring its tab into view.
        """
        self.setTabVisible(1, result is not None)
        self._list.clear()
        if result is None:
            return
        words = tr(
            "{count} files, {size}, in {folder}",
            count=len(result["files"]),
            size=size_text(result["size"]),
            folder=result["folder"],
        )
        self._where.setText(words)
        for file in result["files"]:
            item = QTreeWidgetItem(self._list, [file["name"], size_text(file["size"])])
            item.setSizeHint(0, QSize(0, _ROW_HEIGHT))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, f"SHA-256 {file['sha256']}")
        if bring_up:
            self.setCurrentIndex(1)
