"""How the Quantize page is divided: set and settings, layers, and the picture above the handles that change it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QSizePolicy, QSplitter, QWidget

from studio.ui.texts import tr

_LEFT = 284
"""Width of the left column: titles and fields fit beside each other."""
_SIZES = (_LEFT, 420, 400)


def columns(left: QLayout, middle: QWidget, right: Sequence[QWidget]) -> QSplitter:
    """Return the page's three columns; their widths can be dragged.

    Args:
        left: scrolls.
        middle: as high as the page.
        right: one above the other.
    """
    stacked = QSplitter(Qt.Orientation.Vertical)
    for place, widget in enumerate(right):
        stacked.addWidget(widget)
        stacked.setStretchFactor(place, 3 - place)
    stacked.setChildrenCollapsible(False)
    stacked.setHandleWidth(9)
    whole = QSplitter(Qt.Orientation.Horizontal)
    whole.setObjectName("quantize-columns")
    for place, widget in enumerate((_scrolling(left), middle, stacked)):
        whole.addWidget(widget)
        whole.setStretchFactor(place, min(place, 1))
    whole.setSizes(list(_SIZES))
    whole.setChildrenCollapsible(False)
    whole.setHandleWidth(13)
    # the page is as high as the window, its columns scroll by themselves
    whole.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
    return whole


def _scrolling(layout: QLayout) -> QScrollArea:
    layout.setContentsMargins(0, 0, 8, 0)
    layout.setSpacing(12)
    inside = QWidget()
    inside.setLayout(layout)
    area = QScrollArea()
    area.setObjectName("quantize-settings")
    area.setAccessibleName(tr("Calibration set and settings"))
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    area.setMinimumWidth(_LEFT)
    return area
