"""The layers of a model and what they cost: bars of the heaviest, a table of all, a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from studio.document import Document
from studio.ui.amounts import count_text, share_text, size_text
from studio.ui.texts import tr
from studio.ui.widgets.cost_chart import Bar, CostChart
from studio.ui.widgets.layer_table import Layer, LayerTable, cost_columns

BARS = 8
_MEASURES = ("macs", "parameters", "activation_bytes")
_MACS_COLUMN = 6


class LayersPanel(QWidget):
    """Table and bars show one choice: choosing in one chooses in the other."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._cost: Mapping[str, Any] = {"layers": [], "macs": 0}
        self._search = QLineEdit()
        self._search.setObjectName("layer-search")
        self._search.setPlaceholderText(tr("Search by name, operator or shape"))
        self._search.setAccessibleName(tr("Search the layers"))
        self._search.setToolTip(tr("Shows the layers whose name, operator or shape hold all these words."))
        self._search.setClearButtonEnabled(True)
        self._count = QLabel()
        self._count.setObjectName("layer-count")
        self._count.setProperty("role", "secondary")
        self._measure = QComboBox(self)
        self._measure.setObjectName("layer-measure")
        self._measure.setAccessibleName(tr("What the bars show"))
        self._measure.setToolTip(tr("What the bars of the heaviest layers show."))
        titles = (tr("Multiply-accumulates"), tr("Parameters"), tr("Memory of results"))
        for title, name in zip(titles, _MEASURES, strict=True):
            self._measure.addItem(title, name)
        self._table = LayerTable(self)
        self._table.setObjectName("layer-table")
        self._table.setAccessibleName(tr("Layers"))
        copy = QPushButton(tr("Copy as CSV"))
        copy.setObjectName("layer-copy")
        copy.setAccessibleName(tr("Copy the layers as CSV"))
        copy.setToolTip(tr("Copies the rows in view, in this order, with plain numbers."))
        copy.clicked.connect(lambda _checked=False: QGuiApplication.clipboard().setText(self._table.as_csv()))
        self._chart = CostChart(self)
        self._chart.setObjectName("layer-chart")
        self._chart.setAccessibleName(tr("The heaviest layers"))
        top = QHBoxLayout()
        top.setSpacing(8)
        heading = QLabel(tr("Heaviest by"))
        heading.setBuddy(self._measure)
        top.addWidget(heading)
        top.addWidget(self._measure)
        top.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._search, 1)
        row.addWidget(self._count)
        row.addWidget(copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._chart)
        column.addLayout(row)
        column.addWidget(self._table, 1)
        self._table.setMinimumHeight(128)
        self._search.textChanged.connect(self._look)
        self._measure.currentIndexChanged.connect(lambda _index: self._show_bars())
        self._chart.chosen.connect(self._choose_in_table)
        self._table.chosen.connect(self._chart.choose)

    def refresh(self) -> None:
        """Show the layers of the document's model."""
        inspection = self._document.inspection
        if inspection is None:
            return
        cost = self._cost = inspection["cost"]
        self._search.clear()
        self._table.set_layers(cost["layers"], cost_columns(cost["macs"]), _MACS_COLUMN)
        self._show_bars()
        self._look("")

    def choose(self, names: Sequence[str]) -> None:
        """Select the layers of these names, as far as there are such."""
        wanted = set(names)
        rows = [row for row, layer in enumerate(self._cost["layers"]) if layer["name"] in wanted]
        self._search.clear()
        self._table.choose(rows)
        if rows:
            self._chart.choose(rows[0])
        self._table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose_in_table(self, row: int) -> None:
        if self._table.current != row:
            self._search.clear()  # what is searched for may not be what was chosen
        self._table.choose([row])

    def _look(self, text: str) -> None:
        self._table.search(text)
        total = len(self._cost["layers"])
        self._count.setText(tr("{shown} of {total} layers", shown=self._table.row_count, total=total))

    def _show_bars(self) -> None:
        measure = self._measure.currentData()
        layers: list[Layer] = self._cost["layers"]
        heaviest = sorted(enumerate(layers), key=lambda item: -item[1][measure])[:BARS]
        total = sum(layer[measure] for layer in layers)
        self._chart.set_bars(
            [
                Bar(row, layer["name"], layer[measure], _amount(measure, layer[measure], total))
                for row, layer in heaviest
                if layer[measure]
            ]
        )
        if self._table.current is not None:
            self._chart.choose(self._table.current)


def _amount(measure: str, value: int, total: int) -> str:
    amount = size_text(value) if measure == "activation_bytes" else count_text(value)
    return tr("{amount}, {share}", amount=amount, share=share_text(value / total))
