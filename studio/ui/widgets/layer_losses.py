"""The layers of a model in a table: scheme, share of the work, what each loses, and a switch to keep it float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.ui.amounts import share_text
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr

Place = QModelIndex | QPersistentModelIndex
Row = Mapping[str, Any]

NAME, KEEP, SCHEME, LOST, WON_BACK, SHARE, WORK = COLUMNS = range(7)
SORTED = Qt.ItemDataRole.UserRole
_ROLES = frozenset(
    {
        SORTED,
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.CheckStateRole,
        Qt.ItemDataRole.TextAlignmentRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.AccessibleTextRole,
    }
)
_FLOAT = "float"
_NONE = "–"
_LETTERS = {KEEP: 5, SCHEME: 8, LOST: 7, WON_BACK: 9, SHARE: 7, WORK: 7}
"""How many letters of room each column has, beside that of the names."""
_NAME_LETTERS = 17
_FOUND = (LOST, WON_BACK, SHARE)
"""Columns that say nothing before layers were blamed."""
_LEAVING = (WORK, SHARE, WON_BACK, SCHEME)
"""Columns that go one after the other where there is no room; the tooltips of names have what they say."""


class LayerLosses(QAbstractTableModel):
    """Rows are layers in the graph's order; what blame found is added once there is any.

    Signals:
        kept_float(layer, is_float): a person turned the switch of a layer.
    """

    kept_float = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Row] = []
        self._blame: dict[str, Row] = {}
        self._titles = _titles()

    @property
    def layers(self) -> Sequence[Row]:
        """As the worker lists them."""
        return self._layers

    @property
    def is_blamed(self) -> bool:
        """Whether it is known what layers lose."""
        return bool(self._blame)

    def set_layers(self, layers: Sequence[Row]) -> None:
        """Show layers as the worker lists them; the table stays where it is when they are the same ones."""
        is_same = [layer["name"] for layer in layers] == [layer["name"] for layer in self._layers]
        if not is_same:
            self.beginResetModel()
        self._layers = list(layers)
        if is_same:
            self._tell_all()
        else:
            self._blame = {}
            self.endResetModel()

    def set_blame(self, layers: Sequence[Row]) -> None:
        """Show what each layer loses, as blame tells it; [] for nothing."""
        self._blame = {layer["name"]: layer for layer in layers}
        self._tell_all()

    def rowCount(self, _parent: Place | None = None) -> int:  # noqa: N802
        """Return how many layers there are."""
        return len(self._layers)

    def columnCount(self, _parent: Place | None = None) -> int:  # noqa: N802
        """Return how many columns there are."""
        return len(COLUMNS)

    def headerData(self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Return titles, and what they mean."""
        if way is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._titles[section][1]
        return None

    def flags(self, index: Place) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return usual | Qt.ItemFlag.ItemIsUserCheckable if index.column() == KEEP else usual

    def data(self, index: Place, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows, is sorted by, or says."""
        if role not in _ROLES:
            return None  # most of what a table asks to paint a cell
        layer, column = self._layers[index.row()], index.column()
        if column == KEEP and role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if layer["scheme"] == _FLOAT else Qt.CheckState.Unchecked
        if role == SORTED:
            return self._sorted_by(layer, index.row(), column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(layer, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (WORK, LOST, WON_BACK, SHARE):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._whole(layer)) if column == NAME else self._titles[column][1]
        if role == Qt.ItemDataRole.AccessibleTextRole and column == KEEP:
            return tr("Keep {layer} float", layer=layer["name"])
        return None

    def setData(self, index: Place, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Turn the switch of a layer; the owner changes the recipe, and the table follows that."""
        if index.column() != KEEP or role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.kept_float.emit(self._layers[index.row()]["name"], Qt.CheckState(value) is Qt.CheckState.Checked)
        return True

    def _whole(self, layer: Row) -> str:
        """Return all that is known of a layer, whichever columns have room."""
        told = (SCHEME, WORK, *(_FOUND if self._blame else ()))
        lines = [f"{layer['name']} ({layer['operator']})"]
        return "\n".join(lines + [f"{self._titles[column][0]}: {self._text(layer, column)}" for column in told])

    def _text(self, layer: Row, column: int) -> str:
        if column == NAME:
            return str(layer["name"])
        if column == SCHEME:
            return tr(str(layer["scheme"]))
        if column == WORK:
            return share_text(float(layer["macs_share"]))
        found = self._blame.get(layer["name"])
        if column == LOST:
            return _number(found["lost"] if found else None)
        if column == WON_BACK:
            return _number(_won_back(found), "+.4f")
        if column == SHARE:
            return share_text(found["share"]) if found and found["share"] is not None else _NONE
        return ""

    def _sorted_by(self, layer: Row, row: int, column: int) -> Any:
        found = self._blame.get(layer["name"])
        values: dict[int, Any] = {
            NAME: row,
            SCHEME: str(layer["scheme"]),
            WORK: float(layer["macs_share"]),
            LOST: _or_least(found["lost"] if found else None),
            WON_BACK: _or_least(_won_back(found)),
            SHARE: _or_least(found["share"] if found else None),
            KEEP: int(layer["scheme"] == _FLOAT),
        }
        return values[column]

    def _tell_all(self) -> None:
        if self._layers:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._layers) - 1, COLUMNS[-1]))


class LayerTable(QTableView):
    """The table; can be searched and sorted, and one layer is chosen.

    Signals:
        chosen(layer): a person chose another layer.
    """

    chosen = Signal(str)

    def __init__(self, rows: LayerLosses, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layer-table")
        self.setAccessibleName(tr("Layers"))
        self.setAccessibleDescription(tr("The space bar keeps the chosen layer float, or not."))
        self._rows = rows
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(rows)
        self._shown.setSortRole(SORTED)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._shown.setFilterKeyColumn(NAME)
        self.setModel(self._shown)
        self.setSortingEnabled(True)
        self.sortByColumn(NAME, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideLeft)  # names of one block end differently
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setMinimumSectionSize(36)
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setMinimumHeight(120)
        self._is_showing = False
        rows.dataChanged.connect(self._fit)
        rows.modelReset.connect(self._fit)
        self.selectionModel().currentRowChanged.connect(self._tell)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Give the names what the numbers leave."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as many columns as there is room for, and those only that say something; never scroll sideways."""
        letter = self.fontMetrics().averageCharWidth()
        widths = {column: letter * letters + 14 for column, letters in _LETTERS.items()}
        if not self._rows.is_blamed:
            widths = {column: width for column, width in widths.items() if column not in _FOUND}
        room = self.viewport().width() - letter * _NAME_LETTERS
        for column in _LEAVING:
            if sum(widths.values()) > room:
                widths.pop(column, None)
        for column in _LETTERS:
            if self.isColumnHidden(column) is (column in widths):
                self.setColumnHidden(column, column not in widths)
        for column, width in {**widths, NAME: self.viewport().width() - sum(widths.values())}.items():
            if self.columnWidth(column) != width:
                self.setColumnWidth(column, width)

    @property
    def layer(self) -> str:
        """The name of the chosen layer, "" for none."""
        index = self.currentIndex()
        return str(self._rows.layers[self._shown.mapToSource(index).row()]["name"]) if index.isValid() else ""

    def search(self, text: str) -> None:
        """Show layers only whose names hold a text."""
        self._shown.setFilterFixedString(text)

    def choose(self, layer: str, *, is_told: bool = True) -> None:
        """Choose a layer, where there is one of that name."""
        for row, each in enumerate(self._rows.layers):
            if each["name"] == layer:
                index = self._shown.mapFromSource(self._rows.index(row, NAME))
                self._is_showing = not is_told
                self.setCurrentIndex(index)
                self._is_showing = False
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Let the space bar turn the switch of the chosen layer, whichever cell is current."""
        index = self.currentIndex()
        if event.key() == Qt.Key.Key_Space and index.isValid():
            switch = index.siblingAtColumn(KEEP)
            is_on = switch.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            new = Qt.CheckState.Unchecked if is_on else Qt.CheckState.Checked
            self._shown.setData(switch, new, Qt.ItemDataRole.CheckStateRole)
            return
        super().keyPressEvent(event)

    def _tell(self, current: Place, _previous: Place) -> None:
        if current.isValid() and not self._is_showing:
            self.chosen.emit(self.layer)


def _titles() -> dict[int, tuple[str, str]]:
    return {
        NAME: (tr("Layer"), tr("Convolutions and matrix products; click one to see its values")),
        SCHEME: (tr("Scheme"), tr("How the layer computes")),
        WORK: (tr("Work"), tr("Share of the model's multiply-accumulates")),
        LOST: (tr("Lost"), tr("What is lost when this layer alone is quantized; found by “Find who is to blame”")),
        WON_BACK: (tr("Won back"), tr("What is won back when this layer alone stays float")),
        SHARE: (tr("Share"), tr("Share of what all layers lose alone")),
        KEEP: (tr("Float"), tr("Keep this layer float: larger, and nearer to the original")),
    }


def _name(layer: Row) -> str:
    """Return a layer's name; one that is a mere number with what the layer is, as on the page Model."""
    name = str(layer["name"])
    return f"{layer['operator']}:{name}" if name.isdigit() else name


def _won_back(found: Row | None) -> float | None:
    return found["won_back"].get(_FLOAT) if found else None


def _number(value: float | None, form: str = ".4f") -> str:
    return _NONE if value is None else format(value, form)


def _or_least(value: float | None) -> float:
    return float("-inf") if value is None else value
