"""How the Quantize page is divided: set and settings, layers, and the picture above the handles that change it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from studio.ui.texts import tr

_LEFT = 284
"""Width of the left column: titles and fields fit beside each other."""
_SIZES = (_LEFT, 420, 400)


class QuantizeColumns(QSplitter):
    """The page's three columns; their widths can be dragged.

    Their widgets are made with these as parents: whatever is moved to another parent is styled anew with all it holds,
    which for the whole page takes longer than making it.

    Attributes:
        settings: the parent of what stands in the left column, which scrolls.
        left: its layout.
        right: the parent of what stands in the right one, one above the other.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("quantize-columns")
        self.setHandleWidth(13)
        area = QScrollArea(self)
        area.setObjectName("quantize-settings")
        area.setAccessibleName(tr("Calibration set and settings"))
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setMinimumWidth(_LEFT)
        self.settings = QWidget(area.viewport())
        self.left = QVBoxLayout(self.settings)
        self.left.setContentsMargins(0, 0, 8, 0)
        self.left.setSpacing(12)
        area.setWidget(self.settings)
        self.right = QSplitter(Qt.Orientation.Vertical, self)
        self.right.setHandleWidth(9)
        # the page is as high as the window, its columns scroll by themselves
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)

    def arrange(self, middle: QWidget) -> None:
        """Divide the room, once everything is there.

        Args:
            middle: as high as the page; made with the columns as its parent.
        """
        self.insertWidget(1, middle)
        for place in range(self.right.count()):
            self.right.setStretchFactor(place, 3 - place)
        for place in range(self.count()):
            self.setStretchFactor(place, min(place, 1))
        self.setSizes(list(_SIZES))
        for splitter in (self, self.right):
            splitter.setChildrenCollapsible(False)
