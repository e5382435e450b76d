"""The drop-down fields of the live comparison: made alike, and filled only when there is something new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from studio.ui.icons import icon
from studio.ui.plain_tip import plain_tip

_EDGE = 2
"""Pixels on both sides of a title together, and beside its icon."""


@dataclass(frozen=True)
class Item:
    """One line of a field.

    Attributes:
        title: of it.
        data: what it stands for.
        tip: more about it, of any origin.
        icon: in resources/icons, "" for none.
    """

    title: str
    data: object
    tip: str = ""
    icon: str = ""


class LiveField(QComboBox):
    """A field whose items follow what there is.

    The state of a running preview is reported several times a second: a list that is the same stays as it is, and one
    that a person has open is changed once it is closed.

    Args:
        name: of the object.
        title: for people who cannot see it.
        tip: what it is for.
        letters: that there is always room for.
    """

    def __init__(self, name: str, title: str, tip: str, letters: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: tuple[Item, ...] = ()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setToolTip(tip)
        self._tip = tip
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(letters)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def items(self) -> tuple[Item, ...]:
        """Those in the list."""
        return self._items

    def show_items(self, items: Sequence[Item], row: int) -> None:
        """Offer these; nothing is emitted.

        Args:
            items: in this order.
            row: of the chosen one, -1 for none.
        """
        if self.view().isVisible():
            return
        with QSignalBlocker(self):
            if tuple(items) != self._items:
                self._items = tuple(items)
                self.clear()
                for place, item in enumerate(items):
                    self.addItem(item.title)
                    if item.icon:
                        self.setItemIcon(place, icon(item.icon))
                    self.setItemData(place, plain_tip(item.tip), Qt.ItemDataRole.ToolTipRole)
            if self.currentIndex() != row:
                self.setCurrentIndex(row)
        self._follow_room()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the field; a title that is too long loses its middle, because the ends tell names apart."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown_title
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Say the whole title in the tooltip where there is no room for it."""
        super().resizeEvent(event)
        self._follow_room()

    @property
    def shown_title(self) -> str:
        """The chosen title as far as there is room for it."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, part, self).width() - _EDGE
        if not self.itemIcon(self.currentIndex()).isNull():
            room -= self.iconSize().width() + _EDGE
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideMiddle, room)

    def _follow_room(self) -> None:
        title = self.currentText()
        whole = title if self.shown_title != title else ""
        tip = plain_tip(f"{whole}\n{self._tip}") if whole else self._tip
        if tip != self.toolTip():
            self.setToolTip(tip)


def caption_of(text: str, field: QWidget, colour: str = "") -> QLabel:
    """Return the words before a field; in the colour of the side where it is a side's."""
    label = QLabel(text, field.parentWidget())
    label.setProperty("role", "caption")
    label.setBuddy(field)
    if colour:
        label.setStyleSheet(f"QLabel {{ color: {colour}; font-weight: 600; }}")
    return label
