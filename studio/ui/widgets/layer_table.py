"""A model's layers with what they cost: a table to sort and search, which can be copied as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.ui.amounts import count_text, shape_text, share_text, size_text
from studio.ui.texts import tr

Layer = Mapping[str, Any]
"""Plain data of a LayerCost."""
Index = QModelIndex | QPersistentModelIndex

_NONE = "–"
_LEAST_NAME = 160


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: of the header.
        help: its tooltip.
        value: what rows are sorted by and what goes into a CSV.
        text: what is shown.
        width: pixels at the usual font; 0 takes what is left.
        is_number: aligned to the right.
        is_optional: left out where the table is too narrow; it is in the CSV all the same.
    """

    title: str
    help: str
    value: Callable[[int, Layer], Any]
    text: Callable[[int, Layer], str]
    width: int = 0
    is_number: bool = True
    is_optional: bool = False


def cost_columns(total_macs: int) -> tuple[Column, ...]:
    """Return the columns that say what a layer is and what it costs.

    Args:
        total_macs: of the whole model, for shares.
    """

    def share(layer: Layer) -> float:
        return layer["macs"] / total_macs if total_macs else 0.0

    return (
        Column(tr("No."), tr("Place in the graph"), lambda row, _: row + 1, lambda row, _: str(row + 1), 40),
        Column(
            tr("Layer"),
            tr("Name of the node in the graph"),
            lambda _, layer: layer["name"],
            lambda _, layer: layer["name"],
            is_number=False,
        ),
        Column(
            tr("Operator"),
            tr("What it computes, in ONNX's words"),
            lambda _, layer: layer["operator"],
            lambda _, layer: layer["operator"],
            92,
            is_number=False,
        ),
        Column(
            tr("Output"),
            tr("Shape of its first result"),
            lambda _, layer: list(layer["output_shape"]),
            lambda _, layer: shape_text(layer["output_shape"]),
            108,
            is_number=False,
            is_optional=True,
        ),
        Column(
            tr("Parameters"),
            tr("Weights that are first used here"),
            lambda _, layer: layer["parameters"],
            lambda _, layer: count_text(layer["parameters"]) if layer["parameters"] else _NONE,
            84,
        ),
        Column(
            tr("Memory"),
            tr("Bytes of its results"),
            lambda _, layer: layer["activation_bytes"],
            lambda _, layer: size_text(layer["activation_bytes"]) if layer["activation_bytes"] else _NONE,
            72,
            is_optional=True,
        ),
        Column(
            tr("MACs"),
            tr("Multiply-accumulates of one run"),
            lambda _, layer: layer["macs"],
            lambda _, layer: count_text(layer["macs"]) if layer["macs"] else _NONE,
            64,
        ),
        Column(
            tr("Share"),
            tr("Part of the model's multiply-accumulates"),
            lambda _, layer: share(layer),
            lambda _, layer: share_text(share(layer)) if layer["macs"] else _NONE,
            64,
        ),
    )


class LayerModel(QAbstractTableModel):
    """Layers in the graph's order.

    Args:
        layers: plain data.
        columns: what is shown of each.
    """

    def __init__(self, layers: Sequence[Layer], columns: Sequence[Column], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.layers = list(layers)
        self.columns = tuple(columns)
        self._values: dict[int, list[Any]] = {}

    def values(self, column: int) -> list[Any]:
        """Return what a column is sorted by, row by row; sorting asks thousands of times."""
        if column not in self._values:
            value = self.columns[column].value
            self._values[column] = [value(row, layer) for row, layer in enumerate(self.layers)]
        return self._values[column]

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return how many layers there are."""
        return 0 if parent is not None and parent.isValid() else len(self.layers)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is shown or said of a cell."""
        column, layer = self.columns[index.column()], self.layers[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(index.row(), layer)
        if role == Qt.ItemDataRole.ToolTipRole:
            return layer["name"] if column.width == 0 else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title or tooltip."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return self.columns[section].help
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(self.columns[section])
        return None


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class _Shown(QSortFilterProxyModel):
    """The layers that hold all the words searched for, or that were named, in the order wanted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def search(self, text: str) -> None:
        """Show the layers whose name, operator or shape hold all these words."""
        self.beginFilterChange()
        self._words = [_as_shape(word) for word in text.casefold().split()]
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, source_row: int, _parent: Index) -> bool:  # noqa: N802 - Qt's name
        """Say whether a layer is shown."""
        model = self.sourceModel()
        assert isinstance(model, LayerModel)
        layer = model.layers[source_row]
        text = f"{layer['name']} {layer['operator']} {shape_text(layer['output_shape'])}".casefold()
        return all(word in text for word in self._words)

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802 - Qt's name
        """Compare the values, not what is shown of them."""
        model = self.sourceModel()
        assert isinstance(model, LayerModel)
        values = model.values(left.column())
        return bool(values[left.row()] < values[right.row()])


def _as_shape(word: str) -> str:
    """Return a shape typed with the letter x as it is written here, other words as they are."""
    return word.replace("x", "×") if re.fullmatch(r"[\dx×?]*\d[\dx×?]*", word) else word


class LayerTable(QTableView):
    """Shows layers; the row in the graph's order is what the other widgets know a layer by.

    Attributes:
        chosen: another layer is the current one, by its place in the graph.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = _Shown(self)
        self._quietly = False
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # beside a title that is aligned to the right the arrow would lie on its last letter
        arrow = "subcontrol-origin: padding; subcontrol-position: top center;"
        header = self.horizontalHeader()
        header.setStyleSheet(f"QHeaderView::down-arrow, QHeaderView::up-arrow {{ {arrow} }}")
        header.setMinimumSectionSize(36)
        header.setHighlightSections(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 8)

    def set_layers(self, layers: Sequence[Layer], columns: Sequence[Column], sort_by: int | None = None) -> None:
        """Show other layers.

        Args:
            layers: plain data.
            columns: what to show of each.
            sort_by: the column that is sorted by at first, the largest first; None for the graph's order.
        """
        old = self._shown.sourceModel()
        self._shown.setSourceModel(LayerModel(layers, columns, self))
        if old is not None:
            old.deleteLater()
        if self.model() is None:
            self.setModel(self._shown)
            self.selectionModel().currentRowChanged.connect(self._tell)
        self._fit()
        header = self.horizontalHeader()
        order = Qt.SortOrder.AscendingOrder if sort_by is None else Qt.SortOrder.DescendingOrder
        header.setSortIndicator(sort_by or 0, order)
        self.setSortingEnabled(True)  # sorts by the indicator, and whenever that changes from now on

    @property
    def row_count(self) -> int:
        """How many layers are shown."""
        return self._shown.rowCount()

    @property
    def current(self) -> int | None:
        """The current layer's place in the graph, None for none."""
        index = self.currentIndex()
        return self._shown.mapToSource(index).row() if index.isValid() else None

    def search(self, text: str) -> None:
        """Show only the layers whose name, operator or shape hold all the words."""
        self._shown.search(text)

    def choose(self, rows: Iterable[int]) -> None:
        """Select layers by their places in the graph, and bring the first into view; does not emit `chosen`."""
        model, selection = self._shown.sourceModel(), self.selectionModel()
        indexes = [self._shown.mapFromSource(model.index(row, 0)) for row in rows]
        shown = [index for index in indexes if index.isValid()]
        self._quietly = True
        selection.clear()
        flags = QItemSelectionModel.SelectionFlag
        for index in shown:
            selection.select(index, flags.Select | flags.Rows)
        if shown:
            selection.setCurrentIndex(shown[0], flags.NoUpdate)
            self.scrollTo(shown[0], QAbstractItemView.ScrollHint.PositionAtCenter)
        self._quietly = False

    def as_csv(self) -> str:
        """Return what is shown, in the order it is shown in, with plain numbers."""
        model = self._shown.sourceModel()
        assert isinstance(model, LayerModel)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.title for column in model.columns])
        for place in range(self._shown.rowCount()):
            row = self._shown.mapToSource(self._shown.index(place, 0)).row()
            values = [column.value(row, model.layers[row]) for column in model.columns]
            writer.writerow([shape_text(value) if isinstance(value, list) else value for value in values])
        return text.getvalue()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Give the names what the other columns leave."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Set the columns' widths; where names would get too little room, optional columns are left out."""
        model = self._shown.sourceModel()
        if not isinstance(model, LayerModel):
            return
        scale = max(1.0, self.fontMetrics().height() / 16)
        widths = [round(scale * (column.width or _LEAST_NAME)) for column in model.columns]
        room = self.viewport().width()
        header = self.horizontalHeader()
        for place in reversed(range(len(widths))):
            hides = model.columns[place].is_optional and sum(widths) > room
            header.setSectionHidden(place, hides)
            if hides:
                widths[place] = 0
        spare = max(0, room - sum(widths))
        for place, column in enumerate(model.columns):
            if widths[place]:
                header.resizeSection(place, widths[place] + (0 if column.width else spare))

    def _tell(self, current: QModelIndex) -> None:
        if current.isValid() and not self._quietly:
            self.chosen.emit(self._shown.mapToSource(current).row())
