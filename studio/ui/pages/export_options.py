"""What goes beside the exported files, and where all of it goes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QWidget

from converters.package.place import Place
from studio.exporting import MOST_PICTURES, Exporting
from studio.ui.amounts import size_text
from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label


class ExportOptions(QWidget):
    """Boxes for what goes beside the files, the folder and the name; keeps nothing of its own.

    Args:
        choice: what it shows and changes.

    Attributes:
        folder_wanted: a folder is to be chosen.
    """

    folder_wanted = Signal()

    def __init__(self, choice: Exporting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        self._report = _box(
            "with-report",
            tr("Report"),
            tr("report.html and report.json: what the model is, what was verified, what was lost"),
        )
        self._recipe = _box("with-recipe", tr("Recipe"), tr("recipe.json: what was done, so that it can be done again"))
        self._comparison = _box(
            "with-comparison",
            tr("Comparison on"),
            tr("Run the files beside the original and add comparison.html with the pictures; takes a while"),
        )
        self._report.toggled.connect(lambda on: choice.choose(with_report=on))
        self._recipe.toggled.connect(lambda on: choice.choose(with_recipe=on))
        self._comparison.toggled.connect(lambda on: choice.choose(with_comparison=on))
        self._pictures = QSpinBox()
        self._pictures.setObjectName("comparison-pictures")
        self._pictures.setAccessibleName(tr("Pictures to compare on"))
        self._pictures.setToolTip(tr("Pictures to compare on"))
        self._pictures.setRange(1, MOST_PICTURES)
        self._pictures.setKeyboardTracking(False)
        self._pictures.valueChanged.connect(lambda count: choice.choose(pictures=count))
        boxes = QHBoxLayout()
        boxes.setSpacing(8)
        for widget in (self._report, self._recipe, self._comparison, self._pictures, QLabel(tr("pictures"))):
            boxes.addWidget(widget)
        boxes.addStretch(1)
        self._folder = _line("export-folder", tr("Folder"), tr("The folder that the new one is made in"))
        self._folder.editingFinished.connect(self._take_folder)
        choose = QPushButton(tr("Choose…"))
        choose.setObjectName("choose-folder")
        choose.setAccessibleName(tr("Choose the folder"))
        choose.setToolTip(tr("Choose the folder that the new one is made in"))
        choose.clicked.connect(self.folder_wanted)
        self._name = _line("export-name", tr("Name"), tr("What the new folder is called"))
        self._name.editingFinished.connect(lambda: choice.choose(name=self._name.text().strip()))
        self._state = plain_label(role="secondary")
        self._state.setObjectName("place-state")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.addWidget(_caption(tr("With"), self._report), 0, 0)
        grid.addLayout(boxes, 0, 1, 1, 2)
        grid.addWidget(_caption(tr("Folder"), self._folder), 1, 0)
        grid.addWidget(self._folder, 1, 1)
        grid.addWidget(choose, 1, 2)
        grid.addWidget(_caption(tr("Name"), self._name), 2, 0)
        grid.addWidget(self._name, 2, 1)
        grid.addWidget(self._state, 3, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self.refresh()

    def refresh(self) -> None:
        """Show the choice as it is."""
        choice = self._choice.choice
        for box, is_on in (
            (self._report, choice.with_report),
            (self._recipe, choice.with_recipe),
            (self._comparison, choice.with_comparison),
        ):
            with QSignalBlocker(box):
                box.setChecked(is_on)
        with QSignalBlocker(self._pictures):
            self._pictures.setValue(choice.pictures)
        self._pictures.setEnabled(choice.with_comparison)
        for line, text in ((self._folder, self._choice.folder), (self._name, self._choice.name)):
            if not line.hasFocus() or not line.isModified():
                line.setText(text)
                line.setCursorPosition(0)

    def show_place(self, place: Place | None, free: int, needed: int) -> None:
        """Say what is at the place and whether the files fit.

        Args:
            place: None while nobody looked.
            free: bytes on its disk.
            needed: bytes.
        """
        role, words = "secondary", ""
        if place is Place.TAKEN:
            role, words = "error", tr("A folder of that name is there and holds other things. Choose another name.")
        elif place is not None and needed > free:
            role = "error"
            words = tr("{needed} are needed, {free} are free there.", needed=size_text(needed), free=size_text(free))
        elif place is Place.EXPORT:
            role, words = "warning", tr("An earlier export is there; you will be asked before it is replaced.")
        elif place is Place.FREE:
            words = tr("{free} are free there.", free=size_text(free))
        self._state.setProperty("role", role)
        self._state.style().unpolish(self._state)
        self._state.style().polish(self._state)
        self._state.setText(words)

    def _take_folder(self) -> None:
        text = self._folder.text().strip()
        self._folder.setModified(False)
        if Path(text).is_absolute():
            self._choice.choose(folder=text)
        self.refresh()


def _box(name: str, text: str, tooltip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setObjectName(name)
    box.setAccessibleName(text)
    box.setToolTip(tooltip)
    return box


def _line(name: str, title: str, tooltip: str) -> QLineEdit:
    line = QLineEdit()
    line.setObjectName(name)
    line.setAccessibleName(title)
    line.setToolTip(tooltip)
    return line


def _caption(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "secondary")
    label.setBuddy(buddy)
    label.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
    return label
