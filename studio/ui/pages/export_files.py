"""The files that can be exported, with boxes to choose them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.exporting import Entry
from studio.made_files import FileState
from studio.project import MadeFile
from studio.ui.amounts import size_text
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.theme import colours

_LABEL, _SIZE, _STATE = range(3)
_PATH = Qt.ItemDataRole.UserRole
_ROWS, _ROW_HEIGHT = 4, 26


class ExportFiles(QWidget):
    """A row of quick choices, and a box for each file; keeps nothing of its own.

    Attributes:
        chosen: the paths of the files whose boxes are ticked.
        preset: the name of a quick choice.
    """

    chosen = Signal(object)
    preset = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        quick = QHBoxLayout()
        quick.setSpacing(8)
        for name, text, tooltip in (
            ("ios", tr("For iOS"), tr("Choose the current Core ML packages")),
            ("android", tr("For Android"), tr("Choose the current TFLite and MNN files")),
            ("all", tr("All"), tr("Choose all current files that passed their verification")),
        ):
            button = QPushButton(text)
            button.setObjectName(f"preset-{name}")
            button.setAccessibleName(text)
            button.setToolTip(tooltip)
            button.clicked.connect(lambda _checked=False, name=name: self.preset.emit(name))
            quick.addWidget(button)
        quick.addStretch(1)
        self.tree = QTreeWidget()
        self.tree.setObjectName("export-files")
        self.tree.setAccessibleName(tr("Files to export"))
        self.tree.setToolTip(tr("Tick the files that go into the folder"))
        self.tree.setHeaderLabels([tr("File"), tr("Size"), tr("State")])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self.tree.headerItem().setTextAlignment(_SIZE, right)
        header = self.tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(_LABEL, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_SIZE, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.setMinimumHeight((_ROWS + 1) * _ROW_HEIGHT + 8)
        self.tree.itemChanged.connect(self._tell)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(quick)
        column.addWidget(self.tree, 1)

    def show_entries(self, entries: Sequence[Entry], chosen: Sequence[Path]) -> None:
        """Show what there is; the row that has the keyboard keeps it."""
        paths = [str(entry.file.path) for entry in entries]
        with QSignalBlocker(self.tree):
            # a row whose box was just ticked must not be made anew while it tells so
            if paths != [item.data(_LABEL, _PATH) for item in self._items()]:
                self._make_rows(paths)
            for item, entry in zip(self._items(), entries, strict=True):
                _fill(item, entry, entry.file.path in chosen)

    def _make_rows(self, paths: Sequence[str]) -> None:
        current = self.tree.currentItem()
        before = current.data(_LABEL, _PATH) if current is not None else None
        self.tree.clear()
        for path in paths:
            item = QTreeWidgetItem(self.tree)
            item.setData(_LABEL, _PATH, path)
            if path == before:
                self.tree.setCurrentItem(item)

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _tell(self) -> None:
        ticked = [item for item in self._items() if item.checkState(_LABEL) is Qt.CheckState.Checked]
        self.chosen.emit([Path(item.data(_LABEL, _PATH)) for item in ticked])


def _fill(item: QTreeWidgetItem, entry: Entry, is_chosen: bool) -> None:
    words, colour = _state(entry)
    item.setSizeHint(_STATE, QSize(0, _ROW_HEIGHT))
    item.setText(_LABEL, entry.label)
    item.setText(_SIZE, size_text(entry.file.size))
    item.setTextAlignment(_SIZE, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setText(_STATE, words)
    item.setForeground(_STATE, QColor(colour))
    item.setCheckState(_LABEL, Qt.CheckState.Checked if is_chosen else Qt.CheckState.Unchecked)
    for column in range(3):
        item.setToolTip(column, plain_tip(f"{entry.file.name}\n{words}"))
    item.setData(_LABEL, Qt.ItemDataRole.AccessibleTextRole, f"{entry.label}, {size_text(entry.file.size)}, {words}")
    item.setDisabled(not entry.is_there)


def _state(entry: Entry) -> tuple[str, str]:
    """Return what a file is worth in words, and their colour."""
    look = colours()
    if entry.state is FileState.MISSING:
        return tr("not there any more"), look.error
    if entry.state is FileState.CHANGED:
        return tr("changed since it was made"), look.error
    if not entry.file.verified:
        return why_unverified(entry.file), look.error
    if entry.state is FileState.OUTDATED:
        return tr("verified, but the settings have changed since"), look.warning
    return tr("verified"), look.success


def why_unverified(file: MadeFile) -> str:
    """Return why a file did not pass, with the sample that was worst."""
    worst = (file.report.get("verification") or {}).get("worst") or {}
    if not worst.get("complaint"):
        return tr("not verified")
    return tr(
        "failed: on {sample} the output {output} {complaint}",
        sample=worst["sample"],
        output=worst["output"],
        complaint=worst["complaint"],
    )
