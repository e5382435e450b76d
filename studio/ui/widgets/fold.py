"""Something that is folded away until a person wants to see it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from studio.ui.plain_tip import plain_tip


class Fold(QWidget):
    """A line to press, and what it shows below itself.

    Args:
        title: what is folded away, in a few words.
        content: makes what is shown then, when it is first opened.
        name: of the object; its button is called NAME-button.
        is_open: whether it begins open.

    Attributes:
        row: takes more buttons at the right of the line.
        opened: with whether a person opened or closed it.
    """

    opened = Signal(bool)

    def __init__(
        self,
        title: str,
        content: Callable[[], QWidget],
        *,
        name: str,
        is_open: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._button = QToolButton()
        self._button.setObjectName(f"{name}-button")
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setCheckable(True)
        self._button.setChecked(is_open)
        self._button.clicked.connect(self._turn)
        self._make = content
        self._content: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.row = QHBoxLayout()
        self.row.setSpacing(4)
        self.row.addWidget(self._button)
        self.row.addStretch(1)
        self._column.addLayout(self.row)
        self.set_title(title)
        self._show(is_open)

    @property
    def is_open(self) -> bool:
        """Whether the content is in view."""
        return self._button.isChecked()

    def set_title(self, title: str) -> None:
        """Show another title."""
        self._button.setText(title)
        self._button.setAccessibleName(title)
        self._button.setToolTip(plain_tip(title))

    def _turn(self, is_open: bool) -> None:
        self._show(is_open)
        self.opened.emit(is_open)

    def _show(self, is_open: bool) -> None:
        self._button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        if is_open and self._content is None:
            self._content = self._make()
            self._column.addWidget(self._content)
        if self._content is not None:
            self._content.setVisible(is_open)
