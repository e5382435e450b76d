"""The heaviest layers as bars; one can be chosen by mouse or keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.ui.texts import tr
from studio.ui.theme import colours

_GAP = 8
_LEAST_NAME = 90
_FEW = 4


@dataclass(frozen=True)
class Bar:
    """One layer.

    Attributes:
        row: its place in the graph.
        name: of the node.
        value: what its length stands for.
        text: the value as people read it.
    """

    row: int
    name: str
    value: float
    text: str


class CostChart(QWidget):
    """Bars below each other, the longest on top. Painted by hand: a plotting library would cost a tenth of a second.

    Attributes:
        chosen: a bar was chosen, by its layer's place in the graph.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[Bar, ...] = ()
        self._chosen: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What is shown."""
        return self._bars

    @property
    def current(self) -> int | None:
        """The chosen layer's place in the graph, None where none of the bars is chosen."""
        return self._chosen

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """Show other bars, the longest first."""
        self._bars = tuple(bars)
        self._chosen = None
        self.setAccessibleDescription("; ".join(f"{bar.name}: {bar.text}" for bar in self._bars))
        self.updateGeometry()
        self.update()

    def choose(self, row: int) -> None:
        """Mark a layer's bar, if it has one; does not emit `chosen`."""
        self._chosen = row if any(bar.row == row for bar in self._bars) else None
        self.update()

    def rectangle(self, row: int) -> QRect:
        """Return where the bar of a layer is, with its name."""
        place = next(place for place, bar in enumerate(self._bars) if bar.row == row)
        return QRect(0, place * self._line, self.width(), self._line)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room that all bars need."""
        return QSize(420, max(1, len(self._bars)) * self._line + 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room of a few bars; names are cut where it is narrow."""
        return QSize(240, min(_FEW, max(1, len(self._bars))) * self._line + 2)

    @property
    def _line(self) -> int:
        return self.fontMetrics().height() + 4

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the bars."""
        painter = QPainter(self)
        look = colours()
        metrics = self.fontMetrics()
        most = max((bar.value for bar in self._bars), default=0.0)
        longest = max((metrics.horizontalAdvance(bar.name) for bar in self._bars), default=0)
        names = max(_LEAST_NAME, min(round(self.width() * 0.45), longest + 2 * _GAP))
        values = max((metrics.horizontalAdvance(bar.text) for bar in self._bars), default=0)
        room = max(20, self.width() - names - values - 3 * _GAP)
        for place, bar in enumerate(self._bars[: self.height() // self._line]):
            top = place * self._line
            is_chosen = bar.row == self._chosen
            if is_chosen:
                painter.fillRect(0, top, self.width(), self._line, QColor(look.raised))
            painter.setPen(QColor(look.text))
            name = metrics.elidedText(bar.name, Qt.TextElideMode.ElideMiddle, names - _GAP)
            aligned = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRect(4, top, names - _GAP, self._line), int(aligned | Qt.AlignmentFlag.AlignLeft), name)
            length = max(2, round(room * bar.value / most)) if most else 0
            painter.fillRect(names + _GAP, top + 4, length, self._line - 8, QColor(look.accent))
            painter.setPen(QColor(look.text if is_chosen else look.secondary))
            painter.drawText(
                QRect(names + 2 * _GAP + length, top, values + _GAP, self._line),
                int(aligned | Qt.AlignmentFlag.AlignLeft),
                bar.text,
            )
        if self.hasFocus():
            painter.setPen(QColor(look.accent))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the bar below the mouse."""
        bar = self._bar_at(round(event.position().y()))
        if bar is not None and event.button() is Qt.MouseButton.LeftButton:
            self._tell(bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the next or the last bar with the arrows."""
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Home: -len(self._bars),
            Qt.Key.Key_End: len(self._bars),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._bars:
            super().keyPressEvent(event)
            return
        rows = [bar.row for bar in self._bars]
        place = rows.index(self._chosen) + step if self._chosen in rows else 0
        self._tell(self._bars[min(max(place, 0), len(rows) - 1)])

    def event(self, event: QEvent) -> bool:
        """Say the whole name in a tooltip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            bar = self._bar_at(event.pos().y())
            text = f"{bar.name}\n{bar.text}" if bar is not None else tr("The heaviest layers")
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def _bar_at(self, height: int) -> Bar | None:
        place = height // self._line
        return self._bars[place] if 0 <= place < min(len(self._bars), self.height() // self._line) else None

    def _tell(self, bar: Bar) -> None:
        self._chosen = bar.row
        self.update()
        self.chosen.emit(bar.row)
