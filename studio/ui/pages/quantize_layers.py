"""All layers with their schemes and losses, who is to blame, and the search for schemes that hold a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSlider, QVBoxLayout, QWidget

from studio.ui.amounts import seconds_text
from studio.ui.texts import tr
from studio.ui.widgets.layer_losses import LOST, LayerLosses, LayerTable
from studio.ui.widgets.plain_label import plain_label

_LEAST, _MOST = 0.0005, 0.2
_STEPS = 100
DEFAULT_BUDGET = 0.01


class LayersPanel(QWidget):
    """The middle of the page.

    Signals:
        chosen(layer): a person chose a layer.
        kept_float(layer, is_float): a switch was turned.
        blame_asked(), budget_asked(budget): long work is to begin.
    """

    chosen = Signal(str)
    kept_float = Signal(str, bool)
    blame_asked = Signal()
    budget_asked = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layers-panel")
        self._measure = tr("LPIPS")
        self.rows = LayerLosses(self)
        self.rows.kept_float.connect(self.kept_float)
        self.table = LayerTable(self.rows)
        self.table.chosen.connect(self.chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._heading())
        column.addWidget(self.table, 1)
        column.addLayout(self._budget_row())
        column.addLayout(self._buttons_row())
        self._estimate = plain_label(role="caption")
        self._estimate.setObjectName("blame-estimate")
        column.addWidget(self._estimate)
        self._notes = plain_label(role="caption")
        self._notes.setObjectName("quantize-notes")
        self._notes.hide()
        column.addWidget(self._notes)
        self._words = plain_label(role="caption")
        self._words.setObjectName("blame-words")
        self._words.hide()
        column.addWidget(self._words)
        self.set_estimate(None)
        self.set_budget(DEFAULT_BUDGET)
        self.set_ready(False)

    @property
    def budget(self) -> float:
        """What the slider says."""
        return float(f"{_LEAST * (_MOST / _LEAST) ** (self._slider.value() / _STEPS):.2g}")

    def set_budget(self, budget: float) -> None:
        """Move the slider."""
        bounded = min(max(budget, _LEAST), _MOST)
        self._slider.setValue(round(_STEPS * math.log(bounded / _LEAST) / math.log(_MOST / _LEAST)))
        self._show_budget()

    def set_measure(self, measure: str) -> None:
        """Say in which measure the budget is: "lpips", or "mean" for models that draw nothing."""
        self._measure = tr("LPIPS") if measure == "lpips" else tr("mean")
        self._amount.setToolTip(
            tr("LPIPS on average of the samples, and twice that at 95 %")
            if measure == "lpips"
            else tr("Mean difference, as a fraction of the output's span")
        )
        self._show_budget()

    def set_ready(self, is_ready: bool) -> None:
        """Allow or refuse long work: it needs a calibrated model."""
        for button in (self._blame, self._search):
            button.setEnabled(is_ready)

    def set_estimate(self, seconds: float | None) -> None:
        """Say how long finding who is to blame may take; None for unknown."""
        text = ""
        if seconds is not None:
            text = tr("Finding who is to blame takes about {time}.", time=seconds_text(max(seconds, 1)))
        self._estimate.setText(text)
        self._estimate.setVisible(bool(text))
        self._blame.setAccessibleDescription(text)

    def set_layers(self, layers: Sequence[Mapping[str, Any]]) -> None:
        """Show layers as the worker lists them."""
        self.rows.set_layers(layers)

    def set_notes(self, notes: Sequence[str]) -> None:
        """Say what was done otherwise than the settings say, and why."""
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))

    def show_blame(self, found: Mapping[str, Any], *, is_current: bool) -> None:
        """Show what blame found, the worst layer first.

        Args:
            found: "blame" of `calibration_blame`.
            is_current: whether it was measured with the options in force.
        """
        self.rows.set_blame(found["layers"])
        words = []
        if not is_current:
            words.append(tr("Measured before the last changes."))
        if found["chance"]:
            words.append(tr("Won back: up to {chance} either way is chance.", chance=f"{found['chance']:.4f}"))
        self._words.setText(" ".join(words))
        self._words.setVisible(bool(words))

    def sort_by_loss(self) -> None:
        """Put the worst layer on top."""
        self.table.sortByColumn(LOST, Qt.SortOrder.DescendingOrder)
        self.table.scrollToTop()

    def _heading(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        heading = QLabel(tr("Layers"))
        heading.setProperty("role", "subtitle")
        row.addWidget(heading)
        self._find = QLineEdit()
        self._find.setObjectName("layer-search")
        self._find.setAccessibleName(tr("Search layers"))
        self._find.setPlaceholderText(tr("Search"))
        self._find.setToolTip(tr("Show layers only whose names hold this text"))
        self._find.setClearButtonEnabled(True)
        self._find.textChanged.connect(self.table.search)
        row.addWidget(self._find, 1)
        return row

    def _buttons_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self._blame = QPushButton(tr("Find who is to blame"))
        self._blame.setAccessibleName(tr("Find who is to blame"))
        self._blame.setObjectName("blame-run")
        self._blame.setToolTip(
            tr("Measure what each layer loses when it alone is quantized, and wins back when it alone is not")
        )
        self._blame.clicked.connect(self.blame_asked)
        row.addWidget(self._blame, 1)
        self._search = QPushButton(tr("Choose schemes"))
        self._search.setObjectName("budget-run")
        self._search.setAccessibleName(tr("Choose schemes within the budget"))
        self._search.setToolTip(
            tr("Automatic mixed precision: search for the smallest file that loses no more than the budget")
        )
        self._search.clicked.connect(lambda: self.budget_asked.emit(self.budget))
        row.addWidget(self._search, 1)
        return row

    def _budget_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        words = tr("How much may be lost on average; layers get more precise schemes until that holds")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("budget-slider")
        self._slider.setAccessibleName(tr("Budget"))
        self._slider.setAccessibleDescription(words)
        self._slider.setToolTip(words)
        self._slider.setRange(0, _STEPS)
        self._slider.setPageStep(10)
        self._slider.valueChanged.connect(self._show_budget)
        title = QLabel(tr("Budget"))
        title.setBuddy(self._slider)
        title.setToolTip(words)
        row.addWidget(title)
        row.addWidget(self._slider, 1)
        self._amount = QLabel()
        self._amount.setObjectName("budget-amount")
        self._amount.setMinimumWidth(72)
        row.addWidget(self._amount)
        return row

    def _show_budget(self) -> None:
        self._amount.setText(f"{self._measure} {self.budget:g}")
        self._amount.setAccessibleName(self._amount.text())
