"""A small table of texts that nobody sorts or edits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from studio.ui.plain_tip import plain_tip


class PlainTable(QTableWidget):
    """Rows of plain texts; wide ones can be scrolled to.

    Args:
        titles: of the columns.
        numbers: places of the columns that are aligned to the right.
        stretched: place of the column that takes what is left; None for none.
    """

    def __init__(
        self,
        titles: Sequence[str],
        numbers: Collection[int] = (),
        stretched: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(0, len(titles), parent)
        self._numbers = frozenset(numbers)
        for column, title in enumerate(titles):
            item = QTableWidgetItem(title)
            item.setTextAlignment(self._alignment(column))
            self.setHorizontalHeaderItem(column, item)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        if stretched is not None:
            header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)

    def set_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show other rows."""
        self.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(text))
                item.setTextAlignment(self._alignment(column))
                self.setItem(place, column, item)

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._numbers else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter
