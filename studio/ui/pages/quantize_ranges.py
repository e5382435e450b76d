"""The tensor that was chosen: its histogram with handles, its range in numbers, the way back to the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.ui.texts import tr
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.plain_label import plain_label
from studio.ui.widgets.range_histogram import RangeHistogram

_LEAST_HEIGHT = 204
READS, WRITES = "reads", "writes"


class RangePanel(QWidget):
    """Shows one of the two tensors of a layer.

    Signals:
        asked(tensor): its histogram is wanted.
        dragged(tensor, low, high): a handle is being moved.
        settled(tensor, low, high): it was let go, or a number was typed.
        reset(tensor): the policy is to choose again.
    """

    asked = Signal(str)
    dragged = Signal(str, float, float)
    settled = Signal(str, float, float)
    reset = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("range-panel")
        self._layer: Mapping[str, Any] = {}
        self._end = WRITES
        self._data: Mapping[str, Any] = {}
        self.histogram: RangeHistogram | None = None  # none before there is something in it
        self._plot: RangeHistogram | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addLayout(self._heading())
        self._hint = plain_label(tr("Choose a layer to see the values that it reads and writes."), role="secondary")
        self._column.addWidget(self._hint)
        self._caption = plain_label(role="caption")
        self._caption.setObjectName("range-caption")
        self._column.addWidget(self._caption)
        self._column.addLayout(self._fields())
        self._enable(False)

    @property
    def tensor(self) -> str:
        """The tensor in view, "" for none."""
        return str(self._layer.get(self._end, ""))

    def show_layer(self, layer: Mapping[str, Any]) -> None:
        """Ask for a tensor of a layer, as the worker lists it."""
        self._layer = layer
        if self.tensor:
            self._title.set_text(self.tensor)
            self.asked.emit(self.tensor)

    def prepare(self) -> None:
        """Make the plot, which takes a while, before there is something to show in it."""
        if self._plot is None:
            self._plot = RangeHistogram(self)
            self._plot.hide()
            self._plot.dragged.connect(self._drag)
            self._plot.released.connect(lambda low, high: self.settled.emit(self.tensor, low, high))

    def show_histogram(self, data: Mapping[str, Any]) -> None:
        """Show what the worker tells of the tensor in view."""
        if data["tensor"] != self.tensor:
            return
        if self.histogram is not None and self.histogram.is_dragged:
            return  # what the hand does is newer; letting go asks again
        if self.histogram is None:
            self.prepare()
            self.histogram = self._plot
            assert self.histogram is not None
            self.histogram.set_logarithmic(self._logarithmic.isChecked())
            self._column.replaceWidget(self._hint, self.histogram)
            self._hint.hide()
            self._column.setStretchFactor(self.histogram, 1)
            self.histogram.show()
            self.setMinimumHeight(_LEAST_HEIGHT)
        self._data = data
        self.histogram.set_data(data)
        is_rounded = data["encoding"] is not None
        self._enable(is_rounded)
        self._show_numbers(*data["range"])
        self._caption.setText(self._words(data))

    def clear(self) -> None:
        """Show no tensor."""
        self._layer, self._data = {}, {}
        self._title.set_text("")
        self._caption.clear()
        self._enable(False)

    def _heading(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        # names of one block end differently
        self._title = ElidedLabel(role="subtitle", mode=Qt.TextElideMode.ElideLeft)
        self._title.setObjectName("range-tensor")
        row.addWidget(self._title, 1)
        group = QButtonGroup(self)
        for end, text, words in (
            (READS, tr("Reads"), tr("The tensor that the layer reads")),
            (WRITES, tr("Writes"), tr("The tensor that the layer writes")),
        ):
            button = QToolButton()
            button.setText(text)
            button.setObjectName(f"range-{end}")
            button.setAccessibleName(words)
            button.setToolTip(words)
            button.setCheckable(True)
            button.setChecked(end == self._end)
            button.clicked.connect(lambda _checked=False, end=end: self._choose_end(end))
            group.addButton(button)
            row.addWidget(button)
        self._logarithmic = QCheckBox(tr("Log scale"))
        self._logarithmic.setObjectName("range-logarithmic")
        self._logarithmic.setAccessibleName(tr("Count on a logarithmic scale"))
        self._logarithmic.setToolTip(
            tr("Rare values, which decide where ranges end, are seen on a logarithmic scale only")
        )
        self._logarithmic.setChecked(True)
        self._logarithmic.toggled.connect(self._set_logarithmic)
        row.addWidget(self._logarithmic)
        return row

    def _fields(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self._low, self._high = QDoubleSpinBox(), QDoubleSpinBox()
        for field, name, title, words in (
            (self._low, "range-low", tr("Low"), tr("The lowest value that codes cover; never above 0")),
            (self._high, "range-high", tr("High"), tr("The highest value that codes cover; never below 0")),
        ):
            field.setObjectName(name)
            field.setAccessibleName(title)
            field.setToolTip(words)
            field.setDecimals(4)
            field.setKeyboardTracking(False)
            field.setMinimumWidth(74)
            field.valueChanged.connect(self._type)
            label = QLabel(title)
            label.setBuddy(field)
            row.addWidget(label)
            row.addWidget(field, 1)
        self._reset = QPushButton(tr("Reset"))
        self._reset.setObjectName("range-reset")
        self._reset.setAccessibleName(tr("Back to policy"))
        self._reset.setToolTip(tr("Let the policy choose this range again"))
        self._reset.clicked.connect(lambda: self.reset.emit(self.tensor))
        row.addWidget(self._reset)
        return row

    def _choose_end(self, end: str) -> None:
        self._end = end
        self.show_layer(self._layer)

    def _set_logarithmic(self, is_logarithmic: bool) -> None:
        if self.histogram is not None:
            self.histogram.set_logarithmic(is_logarithmic)

    def _enable(self, is_on: bool) -> None:
        for field in (self._low, self._high):
            field.setEnabled(is_on)
        if self.histogram is not None:
            self.histogram.setEnabled(is_on)
        self._reset.setEnabled(is_on and bool(self._data.get("is_by_hand")))

    def _show_numbers(self, low: float, high: float) -> None:
        reach = max(abs(low), abs(high), *(abs(end) for end in self._data["observed"])) or 1.0
        decimals = 4 if reach >= 0.1 else 7
        for field, value, limits in ((self._low, low, (-4 * reach, 0.0)), (self._high, high, (0.0, 4 * reach))):
            field.blockSignals(True)
            field.setDecimals(decimals)
            field.setRange(*limits)
            field.setSingleStep(reach / 100)
            field.setValue(value)
            field.blockSignals(False)

    def _drag(self, low: float, high: float) -> None:
        self._show_numbers(low, high)
        self.dragged.emit(self.tensor, low, high)

    def _type(self) -> None:
        low, high = self._low.value(), self._high.value()
        if low < high and self.histogram is not None:
            self.histogram.set_range(low, high)
            self.settled.emit(self.tensor, low, high)

    def _words(self, data: Mapping[str, Any]) -> str:
        low, high = data["observed"]
        seen = tr("Seen {low} to {high}.", low=f"{low:.4g}", high=f"{high:.4g}")
        encoding = data["encoding"]
        if encoding is None:
            return seen + " " + tr("No layer rounds this tensor, so it needs no range.")
        if data["is_by_hand"]:
            chosen = tr("Range set by hand.")
        else:
            chosen = tr("Range by the policy {policy}.", policy=tr(str(data["policy"])))
        step = tr("{bits} bits, steps of {step}.", bits=encoding["bits"], step=f"{encoding['scale']:.3g}")
        return f"{seen} {chosen} {step}"
