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
    Qt,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.ui.amounts import count_text, shape_text, share_text, size_text
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr

Layer = Mapping[str, Any]
"""Plain data of a LayerCost."""
Index = QModelIndex | QPersistentModelIndex

_NONE = "–"
_LEAST_NAME = 160
_ROLES = frozenset({Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.TextAlignmentRole})


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
    """The layers that hold all the words searched for, in the order wanted.

    It sorts and searches by itself: a proxy between it and the table would ask back several times for every cell that
    is painted, and a thousand times to sort.

    Args:
        layers: plain data, in the graph's order.
        columns: what is shown of each.
    """

    def __init__(self, layers: Sequence[Layer], columns: Sequence[Column], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.layers = list(layers)
        self.columns = tuple(columns)
        self._words: list[str] = []
        self._sorting = (0, Qt.SortOrder.AscendingOrder)
        self._shown = list(range(len(self.layers)))

    def layer_at(self, row: int) -> int:
        """Return the place in the graph of the layer in a row."""
        return self._shown[row]

    def row_of(self, layer: int) -> int | None:
        """Return the row of a layer by its place in the graph, None where it is not shown."""
        return self._shown.index(layer) if layer in self._shown else None

    def search(self, text: str) -> None:
        """Show the layers whose name, operator or shape hold all these words."""
        words = [_as_shape(word) for word in text.casefold().split()]
        if words != self._words:
            self._words = words
            self.beginResetModel()
            self._shown = self._ordered()
            self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the layers in the order of a column's values, not of what is shown of them."""
        if (column, order) == self._sorting:
            return
        self._sorting = (column, order)
        self.layoutAboutToBeChanged.emit()
        known = self.persistentIndexList()
        layers = [self._shown[index.row()] for index in known]
        self._shown = self._ordered()
        rows = {layer: row for row, layer in enumerate(self._shown)}
        moved = [self.index(rows[layer], index.column()) for layer, index in zip(layers, known, strict=True)]
        self.changePersistentIndexList(known, moved)
        self.layoutChanged.emit()

    def _ordered(self) -> list[int]:
        shown = [row for row, layer in enumerate(self.layers) if self._holds_words(layer)]
        if not shown:
            return shown
        column, order = self._sorting
        value = self.columns[column].value
        return sorted(
            shown, key=lambda row: value(row, self.layers[row]), reverse=order is Qt.SortOrder.DescendingOrder
        )

    def _holds_words(self, layer: Layer) -> bool:
        if not self._words:
            return True
        text = f"{layer['name']} {layer['operator']} {shape_text(layer['output_shape'])}".casefold()
        return all(word in text for word in self._words)

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return how many layers are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is shown or said of a cell."""
        if role not in _ROLES:
            return None  # most of what a table asks to paint a cell
        column, row = self.columns[index.column()], self._shown[index.row()]
        layer = self.layers[row]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row, layer)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(layer["name"]) if column.width == 0 else None
        return _alignment(column)

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
        self._layers = LayerModel((), (), self)
        self.setModel(self._layers)
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
        self._layers = LayerModel(layers, columns, self)
        order = Qt.SortOrder.AscendingOrder if sort_by is None else Qt.SortOrder.DescendingOrder
        self._layers.sort(sort_by or 0, order)
        old_model, old_selection = self.model(), self.selectionModel()
        self.setSortingEnabled(False)  # or the table would sort by what it sorted the last ones by
        self.setModel(self._layers)
        for old in (old_model, old_selection):
            old.deleteLater()
        self.selectionModel().currentRowChanged.connect(self._tell)
        self._fit()
        self.horizontalHeader().setSortIndicator(sort_by or 0, order)
        self.setSortingEnabled(True)  # sorts whenever the indicator changes from now on

    @property
    def row_count(self) -> int:
        """How many layers are shown."""
        return self._layers.rowCount()

    @property
    def current(self) -> int | None:
        """The current layer's place in the graph, None for none."""
        index = self.currentIndex()
        return self._layers.layer_at(index.row()) if index.isValid() else None

    def search(self, text: str) -> None:
        """Show only the layers whose name, operator or shape hold all the words."""
        chosen = [self._layers.layer_at(index.row()) for index in self.selectionModel().selectedRows()]
        self._layers.search(text)
        self.choose(chosen)

    def choose(self, rows: Iterable[int]) -> None:
        """Select layers by their places in the graph, and bring the first into view; does not emit `chosen`."""
        selection = self.selectionModel()
        places = [self._layers.row_of(row) for row in rows]
        shown = [self._layers.index(place, 0) for place in places if place is not None]
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
        columns = self._layers.columns
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.title for column in columns])
        for place in range(self._layers.rowCount()):
            row = self._layers.layer_at(place)
            values = [column.value(row, self._layers.layers[row]) for column in columns]
            writer.writerow([shape_text(value) if isinstance(value, list) else value for value in values])
        return text.getvalue()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Give the names what the other columns leave."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Set the columns' widths; where names would get too little room, optional columns are left out."""
        scale = max(1.0, self.fontMetrics().height() / 16)
        widths = [round(scale * (column.width or _LEAST_NAME)) for column in self._layers.columns]
        room = self.viewport().width()
        header = self.horizontalHeader()
        for place in reversed(range(len(widths))):
            hides = self._layers.columns[place].is_optional and sum(widths) > room
            header.setSectionHidden(place, hides)
            if hides:
                widths[place] = 0
        spare = max(0, room - sum(widths))
        for place, column in enumerate(self._layers.columns):
            if widths[place]:
                header.resizeSection(place, widths[place] + (0 if column.width else spare))

    def _tell(self, current: QModelIndex) -> None:
        if current.isValid() and not self._quietly:
            self.chosen.emit(self._layers.layer_at(current.row()))
