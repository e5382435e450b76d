"""Candidates and how far each is from the original: mean, 95 %, worst, size and time."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTreeWidget, QTreeWidgetItem, QWidget

from studio.comparison_results import ComparisonResult, MeasureKey, Row
from studio.ui import theme
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr

_LEAST_NAME = 112
_P95 = 2
"""The column that goes where there is no room for all."""
_CANDIDATE, _KEY = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class MeasuresTree(QTreeWidget):
    """One line per candidate with its leading measure; below it all its measures.

    Attributes:
        chosen: the candidate in view and, as a `MeasureKey`, what to sort its pictures by.
    """

    chosen = Signal(int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("measures")
        self.setAccessibleName(tr("Measures"))
        self.setColumnCount(6)
        self.setHeaderLabels([tr("Candidate"), tr("Mean"), tr("95 %"), tr("Worst"), tr("Size"), tr("Time")])
        explained = self.headerItem()
        explained.setToolTip(1, tr("On average of all pictures"))
        explained.setToolTip(2, tr("95 % of the pictures are no worse"))
        explained.setToolTip(3, tr("Of the worst picture"))
        explained.setToolTip(4, tr("Of the file, as a part of the original's"))
        explained.setToolTip(
            5, tr("Median of a run on this machine; a star marks the reference executor, whose time says nothing")
        )
        _align(explained, 1, 2, 3, 4, 5)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(False)
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        # takes whatever height there is, so that the page fits into small windows
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(110)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(36)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        for column in range(1, 6):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.currentItemChanged.connect(self._tell)

    def show_result(self, result: ComparisonResult, candidate: int, key: MeasureKey | None) -> None:
        """Fill the table; nothing is emitted.

        Args:
            result: of a comparison.
            candidate: to choose.
            key: of the measure to choose, None for the candidate's own line.
        """
        with QSignalBlocker(self):
            self.clear()
            self._add_original(result)
            for place in range(len(result.candidates)):
                self._add(result, place, is_open=place == candidate)
            self._choose(candidate, key)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Give the names what the figures leave."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show names as wide as there is room, and all figures: names may be long, figures must stay in view."""
        room = self.viewport().width()
        widths = [max(self.sizeHintForColumn(place), self.header().sectionSizeHint(place)) for place in range(6)]
        self.setColumnHidden(_P95, room - sum(widths[1:]) < _LEAST_NAME)
        others = sum(width for place, width in enumerate(widths) if place and not self.isColumnHidden(place))
        self.setColumnWidth(0, max(room - others, _LEAST_NAME))

    def _add_original(self, result: ComparisonResult) -> None:
        item = QTreeWidgetItem([result.labels[0], "", "", "", result.original_size, result.milliseconds(-1)])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setToolTip(0, tr("The original: {path}", path=str(result.data["original"]["path"])))
        item.setForeground(0, QBrush(QColor(theme.colours().original)))
        _align(item, 4, 5)
        self.addTopLevelItem(item)

    def _add(self, result: ComparisonResult, place: int, *, is_open: bool) -> None:
        rows, leading = result.rows(place), result.leading(place)
        label = result.label(place)
        error = result.error(place)
        item = QTreeWidgetItem([label])
        item.setData(0, _CANDIDATE, place)
        item.setData(0, _KEY, leading)
        item.setToolTip(0, plain_tip(str(result.candidates[place]["path"])))
        font = QFont(self.font())
        font.setBold(True)
        item.setFont(0, font)
        self.addTopLevelItem(item)
        if error is not None:
            item.setText(1, tr("failed"))
            item.setForeground(1, QBrush(QColor(theme.colours().error)))
            item.setToolTip(1, plain_tip(str(error)))
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{label}: {error}")
            return
        head = next((row for row in rows if row.key == leading), None)
        if head is not None:
            _fill(item, head)
            item.setToolTip(1, plain_tip(tr("{measure} on average", measure=head.title)))
        item.setText(4, result.size_share(place))
        item.setText(5, result.milliseconds(place))
        _align(item, 4, 5)
        for row in rows:
            line = QTreeWidgetItem([row.title])
            line.setData(0, _CANDIDATE, place)
            line.setData(0, _KEY, row.key)
            line.setToolTip(0, plain_tip(row.help))
            _fill(line, row)
            item.addChild(line)
        item.setExpanded(is_open)

    def _choose(self, candidate: int, key: MeasureKey | None) -> None:
        item = self.topLevelItem(candidate + 1)
        if item is None:
            return
        for row in range(item.childCount()):
            line = item.child(row)
            if line is not None and line.data(0, _KEY) == key != item.data(0, _KEY):
                item = line
                break
        self.setCurrentItem(item)

    def _tell(self) -> None:
        item = self.currentItem()
        if item is not None and item.data(0, _CANDIDATE) is not None:
            self.chosen.emit(int(item.data(0, _CANDIDATE)), item.data(0, _KEY))


def _fill(item: QTreeWidgetItem, row: Row) -> None:
    for column, text in enumerate((row.mean, row.p95, row.worst), 1):
        item.setText(column, text)
    _align(item, 1, 2, 3)
    item.setToolTip(3, tr("The worst picture is {name}", name=row.sample))


def _align(item: QTreeWidgetItem, *columns: int) -> None:
    for column in columns:
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
