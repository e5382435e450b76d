"""The lines that say what is compared with what, and on which pictures."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.comparing import MOST_PICTURES, Comparing
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.flow_layout import FlowLayout

_FOLDER = "folder"
_MOST_ROWS = 3
"""Rows of candidates in view at once; more of them scroll."""


class CompareSetup(QWidget):
    """Chooses the original, the candidates and the pictures; keeps nothing of its own.

    Args:
        choice: what it shows and changes.

    Attributes:
        file_wanted: a file is to be added.
        folder_wanted: a folder of pictures is to be chosen.
    """

    file_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, choice: Comparing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compare-setup")
        self._choice = choice
        self._original = QComboBox(self)
        self._original.setObjectName("original")
        self._original.setAccessibleName(tr("Original"))
        self._original.setToolTip(tr("What the others are compared with"))
        self._original.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._original.setMinimumContentsLength(7)
        self._original.activated.connect(lambda row: choice.choose_original(str(self._original.itemData(row))))
        self._row = QWidget()
        self._chips = FlowLayout(4, self._row)
        area = QScrollArea(self)
        area.setObjectName("candidates")
        area.setAccessibleName(tr("Candidates"))
        area.setWidget(self._row)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area = area
        add = QPushButton(tr("Add file…"))
        add.setObjectName("add-file")
        add.setAccessibleName(tr("Add file…"))
        add.setToolTip(tr("Compare any model file: .onnx, .pth, .mnn, .tflite, .mlpackage"))
        add.clicked.connect(self.file_wanted)
        self._images = QComboBox(self)
        self._images.setObjectName("images")
        self._images.setAccessibleName(tr("Pictures"))
        self._images.setToolTip(tr("On which pictures the models are compared"))
        self._images.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._images.setMinimumContentsLength(8)
        self._images.activated.connect(self._choose_images)
        self._count = QSpinBox()
        self._count.setObjectName("picture-count")
        self._count.setAccessibleName(tr("At most this many pictures"))
        self._count.setToolTip(tr("At most this many pictures"))
        self._count.setRange(1, MOST_PICTURES)
        self._count.setPrefix(tr("up to "))
        self._count.setKeyboardTracking(False)
        self._count.valueChanged.connect(choice.choose_pictures)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setSpacing(8)
            rows.addLayout(row)
        first.addWidget(_caption(tr("Original"), self._original))
        first.addWidget(self._original)
        first.addSpacing(8)
        first.addWidget(_caption(tr("Pictures"), self._images))
        first.addWidget(self._images)
        first.addWidget(self._count)
        first.addStretch(1)
        second.addWidget(_caption(tr("Candidates"), area))
        second.addWidget(area, 1)
        second.addWidget(add)
        choice.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the choice as it is."""
        original = self._choice.original
        with QSignalBlocker(self._original):
            self._original.clear()
            for entry in self._choice.entries:
                self._original.addItem(entry.label, entry.path)
                tip = plain_tip(entry.path)
                self._original.setItemData(self._original.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            self._original.setCurrentIndex(self._original.findData(original.path) if original else -1)
        self._refresh_chips()
        folder = self._choice.images
        with QSignalBlocker(self._images):
            self._images.clear()
            self._images.addItem(tr("Built-in faces"), "")
            if folder:
                self._images.addItem(folder.replace("\\", "/").rstrip("/").rpartition("/")[2] or folder, folder)
                self._images.setItemData(1, plain_tip(folder), Qt.ItemDataRole.ToolTipRole)
            self._images.addItem(tr("Folder…"), _FOLDER)
            self._images.setCurrentIndex(1 if folder else 0)
        with QSignalBlocker(self._count):
            self._count.setValue(self._choice.pictures)

    def _refresh_chips(self) -> None:
        """Make the candidates' buttons anew where there are others; otherwise only check them."""
        possible, chosen = self._choice.can_be_candidates, {entry.path for entry in self._choice.candidates}
        chips = self._row.findChildren(QToolButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
        here = [(chip.property("path"), chip.text()) for chip in chips]
        if here != [(entry.path, entry.label) for entry in possible]:
            while (item := self._chips.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.setParent(None)
                    widget.deleteLater()
            chips = [self._chip(entry.path, entry.label) for entry in possible]
            for chip in chips:
                self._chips.addWidget(chip)
        for chip in chips:
            chip.setChecked(chip.property("path") in chosen)
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Make room for as many rows of candidates as there are now."""
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        row = self._original.sizeHint().height()
        height = self._chips.heightForWidth(self._area.width())
        self._row.setMinimumHeight(height)
        self._area.setFixedHeight(min(max(height, row), _MOST_ROWS * (row + 4)))

    def _chip(self, path: str, label: str) -> QToolButton:
        chip = QToolButton()
        chip.setObjectName(f"candidate-{label}")
        chip.setText(label)
        chip.setCheckable(True)
        chip.setProperty("path", path)
        chip.setProperty("role", "chip")
        chip.setAccessibleName(tr("Compare {file}", file=label))
        chip.setToolTip(plain_tip(path))
        chip.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        chip.clicked.connect(self._tell_candidates)
        return chip

    def _tell_candidates(self) -> None:
        chips = self._row.findChildren(QToolButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
        self._choice.choose_candidates([str(chip.property("path")) for chip in chips if chip.isChecked()])

    def _choose_images(self, row: int) -> None:
        chosen = str(self._images.itemData(row))
        if chosen == _FOLDER:
            self.refresh()
            self.folder_wanted.emit()
        else:
            self._choice.choose_images(chosen)


def _caption(text: str, of: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setBuddy(of)
    return label
