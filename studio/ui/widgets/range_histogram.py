"""The histogram of a tensor with two handles: what lies between them is what the codes of int8 cover."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.plotting import plotting

_STEP, _FINE, _COARSE = 0.01, 0.001, 0.05
"""Of the width in view, by which an arrow key moves a handle; with Ctrl, with Shift."""
_LOW, _HIGH = 0, 1


class RangeHistogram(QWidget):
    """Counts of a tensor's values, faint marks of the policies' ranges, and two handles to drag.

    Keys: left and right move the handle that was moved last (Shift farther, Ctrl finer), down takes the lower handle,
    up the upper one.

    Signals:
        dragged(low, high): a handle is being moved.
        released(low, high): it was let go, or moved by a key.
    """

    dragged = Signal(float, float)
    released = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("range-histogram")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Histogram and range of the tensor"))
        self.setAccessibleDescription(
            tr("Left and right move a handle, Shift farther, Ctrl finer; down takes the lower handle, up the upper.")
        )
        self.setToolTip(
            tr("Drag the two lines: values outside them are cut off. Arrow keys move them too; up and down choose one.")
        )
        self._graphics = plotting()
        self._is_logarithmic = True
        self._data: Mapping[str, Any] = {}
        self._active = _HIGH
        self._is_showing = False
        # its menu is never shown, and takes a third of the time to make
        self._plot = self._graphics.PlotWidget(self, background=colours().panel, enableMenu=False)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=True, y=False)
        self._plot.setMinimumHeight(90)
        item = self._plot.getPlotItem()
        item.getAxis("left").setWidth(44)
        item.getViewBox().setDefaultPadding(0.0)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 2)
        column.addWidget(self._plot)
        self._bars = self._graphics.PlotDataItem(stepMode="center", fillLevel=0)
        self._plot.addItem(self._bars)
        self._region = self._graphics.LinearRegionItem(movable=False)
        self._region.setZValue(-5)
        self._plot.addItem(self._region)
        self._marks: list[Any] = []
        self._lines = [self._handle(_LOW), self._handle(_HIGH)]
        self._colour()
        self.setEnabled(False)

    @property
    def range(self) -> tuple[float, float]:
        """Where the handles are."""
        return float(self._lines[_LOW].value()), float(self._lines[_HIGH].value())

    @property
    def is_dragged(self) -> bool:
        """Whether a handle is in somebody's hand."""
        return any(line.moving for line in self._lines)

    @property
    def plot(self) -> Any:
        """The plot, for tests that drag in it."""
        return self._plot

    def handle_position(self, which: str) -> tuple[float, float]:
        """Return where a handle ("low" or "high") is in the widget, x and y in its coordinates."""
        box = self._plot.getPlotItem().getViewBox()
        ends = box.viewRange()
        line = self._lines[_LOW if which == "low" else _HIGH]
        point = box.mapViewToScene(self._graphics.Point(line.value(), sum(ends[1]) / 2))
        place = self._plot.mapTo(self, self._plot.mapFromScene(point))
        return float(place.x()), float(place.y())

    def set_data(self, data: Mapping[str, Any]) -> None:
        """Show what `calibration_histogram` tells; handles go to the range in force."""
        self._data = data
        self.setEnabled(True)
        self._draw_bars()
        self._draw_marks()
        low, high = data["range"]
        self.set_range(float(low), float(high))
        self._fit()

    def set_range(self, low: float, high: float) -> None:
        """Move the handles; nothing is told."""
        self._is_showing = True
        self._lines[_LOW].setValue(low)
        self._lines[_HIGH].setValue(high)
        self._region.setRegion((low, high))
        self._is_showing = False

    def set_logarithmic(self, is_logarithmic: bool) -> None:
        """Count in powers of ten, or plainly."""
        self._is_logarithmic = is_logarithmic
        if self._data:
            self._draw_bars()
            self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move a handle, or choose one."""
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._active = _HIGH if key is Qt.Key.Key_Up else _LOW
            self._colour()
        elif key in ways and self._data:
            step = _STEP
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                step = _COARSE
            elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                step = _FINE
            left, right = self._plot.getPlotItem().getViewBox().viewRange()[0]
            self._moved_to(self._active, self._lines[self._active].value() + ways[key] * step * (right - left))
            self.released.emit(*self.range)
        else:
            super().keyPressEvent(event)

    def _handle(self, which: int) -> Any:
        line = self._graphics.InfiniteLine(angle=90, movable=True)
        line.setZValue(10)
        line.sigPositionChanged.connect(lambda _line, which=which: self._drag(which))
        line.sigPositionChangeFinished.connect(lambda _line: self._let_go())
        self._plot.addItem(line)
        return line

    def _drag(self, which: int) -> None:
        if self._is_showing:
            return
        if self._active != which:
            self._active = which
            self._colour()
        self._moved_to(which, float(self._lines[which].value()))

    def _moved_to(self, which: int, value: float) -> None:
        """Keep the handles at their sides of 0, which codes always have, and in order; tell where they are."""
        reach = max(abs(float(end)) for end in (*self._data["observed"], self._data["low"], self._data["high"])) or 1.0
        least = reach * 1e-6
        value = min(max(value, -4 * reach), 4 * reach)
        low, high = self.range
        if which == _LOW:
            low = min(value, 0.0)
        else:
            high = max(value, 0.0)
        if high - low < least:
            low, high = (high - least, high) if which == _LOW else (low, low + least)
        self.set_range(low, high)
        self.dragged.emit(low, high)

    def _let_go(self) -> None:
        if not self._is_showing:
            self.released.emit(*self.range)

    def _draw_bars(self) -> None:
        counts = [max(int(count), 0) for count in self._data["counts"]]
        low, high = float(self._data["low"]), float(self._data["high"])
        width = (high - low) / len(counts)
        edges = [low + place * width for place in range(len(counts) + 1)]
        heights = [math.log10(count + 1) for count in counts] if self._is_logarithmic else counts
        self._bars.setData(edges, heights)
        axis = self._plot.getPlotItem().getAxis("left")
        if self._is_logarithmic:
            top = math.ceil(max(heights, default=1.0))
            axis.setTicks([[(power, f"1e{power}") for power in range(0, top + 1, max(1, top // 3))]])
        else:
            axis.setTicks(None)

    def _draw_marks(self) -> None:
        for mark in self._marks:
            self._plot.removeItem(mark)
        self._marks = []
        pen = QPen(QColor(colours().secondary))
        pen.setCosmetic(True)
        pen.setStyle(Qt.PenStyle.DotLine)
        for ends in self._data["policies"].values():
            for end in ends:
                mark = self._graphics.InfiniteLine(pos=float(end), angle=90, movable=False, pen=pen)
                self._plot.addItem(mark)
                self._marks.append(mark)

    def _fit(self) -> None:
        ends = [float(self._data["low"]), float(self._data["high"]), *map(float, self._data["range"]), *self.range]
        margin = 0.04 * (max(ends) - min(ends) or 1.0)
        box = self._plot.getPlotItem().getViewBox()
        box.setXRange(min(ends) - margin, max(ends) + margin, padding=0)
        box.setYRange(0, max(float(self._bars.getData()[1].max()), 1.0) * 1.05, padding=0)

    def _colour(self) -> None:
        scheme = colours()
        bars = QColor(scheme.original)
        self._bars.setPen(QPen(Qt.PenStyle.NoPen))
        self._bars.setBrush(bars)
        shade = QColor(scheme.accent)
        shade.setAlpha(40)
        self._region.setBrush(shade)
        for line in self._region.lines:
            line.setPen(QPen(Qt.PenStyle.NoPen))
        for which, line in enumerate(self._lines):
            colour = QColor(scheme.candidate if which == self._active else scheme.accent)
            pen = QPen(colour, 3)
            pen.setCosmetic(True)
            hover = QPen(colour, 5)
            hover.setCosmetic(True)
            line.setPen(pen)
            line.setHoverPen(hover)
        for name in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(name)
            axis.setPen(QColor(scheme.border))
            axis.setTextPen(QColor(scheme.secondary))
