"""The second page: what removing channels would save. The engine has no step for it yet, and the page says so."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGroupBox, QHBoxLayout, QLabel, QSlider, QSpinBox, QVBoxLayout, QWidget

from studio.ui.amounts import count_text, share_text, size_text
from studio.ui.pages.base import Page
from studio.ui.pages.prune_estimate import ChannelLayer, channel_layers, estimate
from studio.ui.texts import tr
from studio.ui.widgets.layer_table import Column, LayerTable, cost_columns
from studio.ui.workbench import Workbench

_LARGEST_AMOUNT = 80
_FIRST_AMOUNT = 30
_MACS_COLUMN = 6


class PrunePage(Page):
    """Settings of the step at the left, disabled; an estimate for any amount; the layers that have channels below.

    The slider changes nothing but the estimate, and never the recipe.
    """

    identifier = "prune"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, tr("Prune"), tr("Take away channels that matter little."), parent)
        self._layers: list[ChannelLayer] = []
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self._make_settings(), 2)
        top.addWidget(self._make_estimate(), 3)
        self._table = LayerTable(self)
        self._table.setObjectName("prune-layers")
        self._table.setAccessibleName(tr("Layers with channels"))
        self._table.setMinimumHeight(140)
        heading = QLabel(tr("Layers that have channels"))
        heading.setProperty("role", "subtitle")
        self.body.addLayout(top)
        self.body.addWidget(heading)
        self.body.addWidget(self._table, 1)
        bench.document.inspection_changed.connect(self._show_model)
        self._show_model()

    def _make_settings(self) -> QWidget:
        """Return the settings of the step; they are for reading only while the engine has no such step."""
        box = QGroupBox(tr("Pruning"))
        words = QLabel(tr("Pruning is not available yet. Nothing on this page changes the model or the recipe."))
        words.setObjectName("prune-unavailable")
        words.setWordWrap(True)
        words.setProperty("role", "warning")
        title = QLabel(tr("Criterion"))
        criterion = QComboBox()
        criterion.setObjectName("prune-criterion")
        criterion.addItem(tr("Not available yet"))
        criterion.setAccessibleName(tr("By what channels are judged"))
        criterion.setToolTip(tr("By what channels are judged. Not available yet."))
        criterion.setEnabled(False)
        title.setBuddy(criterion)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(title)
        row.addWidget(criterion, 1)
        column = QVBoxLayout(box)
        column.setSpacing(8)
        column.addWidget(words)
        column.addLayout(row)
        column.addStretch(1)
        return box

    def _make_estimate(self) -> QWidget:
        box = QGroupBox(tr("Estimate"))
        title = QLabel(tr("Channels removed"))
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("prune-amount")
        self._slider.setRange(0, _LARGEST_AMOUNT)
        self._slider.setPageStep(10)
        self._slider.setAccessibleName(tr("Part of the channels that would be removed, in percent"))
        self._slider.setToolTip(tr("Only for the estimate: how many channels would be removed in every layer."))
        self._number = QSpinBox()
        self._number.setObjectName("prune-amount-number")
        self._number.setRange(0, _LARGEST_AMOUNT)
        self._number.setSuffix(" %")
        self._number.setAccessibleName(self._slider.accessibleName())
        self._number.setToolTip(self._slider.toolTip())
        self._number.setValue(_FIRST_AMOUNT)
        self._slider.setValue(_FIRST_AMOUNT)
        title.setBuddy(self._slider)
        self._words = QLabel()
        self._words.setObjectName("prune-estimate")
        self._words.setWordWrap(True)
        note = QLabel(
            tr(
                "Arithmetic on the cost table: work between two pruned layers shrinks with the square of what stays. "
                "It says nothing about the picture, nor about time: phones compute channels in blocks of 8 or 16."
            )
        )
        note.setProperty("role", "secondary")
        note.setWordWrap(True)
        self._slider.valueChanged.connect(self._number.setValue)
        self._number.valueChanged.connect(self._slider.setValue)
        self._slider.valueChanged.connect(self._show_estimate)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(title)
        row.addWidget(self._slider, 1)
        row.addWidget(self._number)
        column = QVBoxLayout(box)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._words)
        column.addWidget(note)
        column.addStretch(1)
        return box

    def _show_model(self) -> None:
        inspection = self.bench.document.inspection
        self._layers = channel_layers(inspection) if inspection is not None else []
        total = inspection["cost"]["macs"] if inspection is not None else 0
        self._table.set_layers([item.layer for item in self._layers], self._columns(total), _MACS_COLUMN)
        self._show_estimate()

    def _columns(self, total_macs: int) -> tuple[Column, ...]:
        """Return the columns of costs, with channels in the place of the memory of results."""
        layers = self._layers
        columns = list(cost_columns(total_macs))
        columns[0] = Column(
            tr("No."),
            tr("Place in the graph"),
            lambda row, _: layers[row].row + 1,
            lambda row, _: str(layers[row].row + 1),
            44,
        )
        columns[5] = Column(
            tr("Channels"),
            tr("Of its result"),
            lambda row, _: layers[row].channels,
            lambda row, _: str(layers[row].channels),
            76,
        )
        return tuple(columns)

    def _show_estimate(self) -> None:
        inspection = self.bench.document.inspection
        if inspection is None:
            self.set_forecast("")
            self._words.clear()
            return
        cost = inspection["cost"]
        left = estimate(inspection, self._layers, 1 - self._slider.value() / 100)
        self._words.setText(
            tr(
                "About {size} of {size_now}, {parameters} of {parameters_now} parameters, {macs} of {macs_now} "
                "multiply-accumulates ({share}) would be left.",
                size=size_text(left.bytes),
                size_now=size_text(cost["bytes"]),
                parameters=count_text(left.parameters),
                parameters_now=count_text(cost["parameters"]),
                macs=count_text(left.macs),
                macs_now=count_text(cost["macs"]),
                share=share_text(left.macs / cost["macs"] if cost["macs"] else 1.0),
            )
        )
        self.set_forecast(tr("This page changes nothing: size and speed stay as they are."))
