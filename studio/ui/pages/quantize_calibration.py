"""The calibration set: where it comes from, its samples as small pictures, and whom it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.settings import SettingsStore
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.plain_label import plain_label
from studio.ui.widgets.sample_grid import SampleGrid

_PICTURES = "*.jpg *.jpeg *.png *.bmp *.webp *.tif *.tiff *.gif *.avif *.jp2 *.ppm *.pgm *.tga"
_VIDEOS = "*.mp4 *.mov *.mkv *.avi *.webm *.m4v *.mpg *.mpeg *.ts *.wmv *.flv *.ogv"
_SENTENCES = 3
"""Of the coverage that are in view at first."""


class CalibrationPanel(QWidget):
    """The left of the page.

    Signals:
        place_added(place), place_removed(place): "" stands for the built-in crops.
        camera_asked(): pictures are to be taken.
        sample_chosen(place): of the set.
        cancelled(): reading the set is to stop.
    """

    place_added = Signal(str)
    place_removed = Signal(str)
    camera_asked = Signal()
    sample_chosen = Signal(int)
    cancelled = Signal()

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("calibration-panel")
        self._settings = settings
        self._collected: Path | None = None
        self._collected_count = 0
        self._is_long = False
        self._sentences: list[str] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._heading())
        self._places = QVBoxLayout()
        self._places.setSpacing(0)
        column.addLayout(self._places)
        self._progress = _Progress()
        self._progress.cancelled.connect(self.cancelled)
        column.addWidget(self._progress)
        self.grid = SampleGrid()
        self.grid.setMinimumHeight(176)
        self.grid.chosen.connect(self.sample_chosen)
        column.addWidget(self.grid)
        self._origin = plain_label(role="caption")
        self._origin.setObjectName("calibration-origin")
        column.addWidget(self._origin)
        self._words = plain_label(role="warning")
        self._words.setObjectName("calibration-coverage")
        column.addWidget(self._words)
        self._more = QPushButton()
        self._more.setObjectName("calibration-more")
        self._more.setProperty("role", "link")
        self._more.setAccessibleName(tr("Everything that was found about the set"))
        self._more.setToolTip(self._more.accessibleName())
        self._more.clicked.connect(self._show_more)
        self._more.hide()
        column.addWidget(self._more)

    def show_places(self, places: Sequence[str], collected: Path, collected_count: int) -> None:
        """Say where the samples come from.

        Args:
            places: "" stands for the built-in crops.
            collected: the folder of pictures that were collected for this project.
            collected_count: how many there are.
        """
        self._collected, self._collected_count = collected, collected_count
        _empty(self._places)
        for number, place in enumerate(places):
            self._places.addLayout(self._place(number, place, is_alone=len(places) == 1))

    def show_set(self, data: Mapping[str, Any], place: int) -> None:
        """Show what `calibration_open` tells, with one sample chosen."""
        self.grid.set_samples(data["samples"], place)
        coverage = data["coverage"]
        count, shown = int(data["count"]), len(data["samples"])
        words = tr("{origin}.", origin=str(data["origin"])[:1].upper() + str(data["origin"])[1:])
        if shown < count:
            words += " " + tr("The first {shown} are listed.", shown=shown)
        self._origin.setText(words)
        self._sentences = [*coverage["sentences"], *coverage["remarks"]]
        self._is_long = False
        self._show_sentences()

    def show_progress(self, stage: str, fraction: float) -> None:
        """Show how far reading the set is; "" for nothing to show."""
        self._progress.show_stage(stage, fraction)

    def _heading(self) -> QHBoxLayout:
        row = QHBoxLayout()
        heading = QLabel(tr("Calibration set"))
        heading.setProperty("role", "subtitle")
        row.addWidget(heading, 1)
        button = QToolButton()
        button.setObjectName("calibration-add")
        button.setText(tr("Add"))
        button.setAccessibleName(tr("Add calibration pictures"))
        button.setToolTip(tr("Add pictures of the people the model is for: int8 fails on those left out"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.setObjectName("calibration-menu")
        menu.aboutToShow.connect(lambda: self._fill(menu))
        button.setMenu(menu)
        row.addWidget(button)
        return row

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        actions: list[tuple[str, str, Callable[[], object]]] = [
            ("calibration-add-folder", tr("Folder of pictures…"), self._ask_folder),
            ("calibration-add-pictures", tr("Picture…"), lambda: self._ask_file(tr("Pictures"), _PICTURES)),
            ("calibration-add-video", tr("Video…"), lambda: self._ask_file(tr("Videos"), _VIDEOS)),
            ("calibration-add-arrays", tr("Saved inputs (.npz)…"), lambda: self._ask_file(tr("Saved inputs"), "*.npz")),
            ("calibration-add-camera", tr("Camera…"), self.camera_asked.emit),
            ("calibration-add-built-in", tr("Built-in crops"), lambda: self.place_added.emit("")),
        ]
        for name, text, act in actions:
            action = menu.addAction(text)
            action.setObjectName(name)
            action.triggered.connect(lambda _checked=False, act=act: act())
        collected = menu.addAction(tr("Collected pictures ({count})", count=self._collected_count))
        collected.setObjectName("calibration-add-collected")
        collected.setToolTip(tr("Worst frames from the page Compare, and pictures taken with the camera"))
        collected.setEnabled(bool(self._collected_count))
        collected.triggered.connect(lambda: self.place_added.emit(str(self._collected)))

    def _place(self, number: int, place: str, *, is_alone: bool) -> QHBoxLayout:
        row = QHBoxLayout()
        name = self._name_of(place)
        label = ElidedLabel(name)
        label.setObjectName(f"calibration-place-{number}")
        if place:
            label.setToolTip(plain_tip(place))
        row.addWidget(label, 1)
        if not (is_alone and not place):
            button = QToolButton()
            button.setObjectName(f"calibration-remove-{number}")
            button.setText("✕")
            button.setAccessibleName(tr("Remove {place}", place=name))
            button.setToolTip(tr("Take these samples out of the set; no file is deleted"))
            button.clicked.connect(lambda _checked=False: self.place_removed.emit(place))
            row.addWidget(button)
        return row

    def _name_of(self, place: str) -> str:
        if not place:
            return tr("Built-in crops")
        if self._collected is not None and place == str(self._collected):
            return tr("Collected pictures ({count})", count=self._collected_count)
        return Path(place).name or place

    def _ask_folder(self) -> None:
        start = self._settings.value.calibration_folder
        self._take(QFileDialog.getExistingDirectory(self, tr("Folder of calibration pictures"), start))

    def _ask_file(self, kind: str, patterns: str) -> None:
        start = self._settings.value.calibration_folder
        everything = tr("All files")
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Calibration samples"), start, f"{kind} ({patterns});;{everything} (*)"
        )
        self._take(chosen)

    def _take(self, chosen: str) -> None:
        if chosen:
            self._settings.change(calibration_folder=str(Path(chosen).parent))
            self.place_added.emit(chosen)

    def _show_sentences(self) -> None:
        shown = self._sentences if self._is_long else self._sentences[:_SENTENCES]
        self._words.setText("\n".join(f"• {sentence}" for sentence in shown))
        rest = len(self._sentences) - _SENTENCES
        self._more.setVisible(rest > 0)
        text = tr("Show less") if self._is_long else tr("{count} more", count=max(rest, 0))
        self._more.setText(text)
        self._more.setAccessibleName(text)

    def _show_more(self) -> None:
        self._is_long = not self._is_long
        self._show_sentences()


class _Progress(QWidget):
    """A stage with a bar and a way to stop; hidden while there is none.

    Signals:
        cancelled(): it is to stop.
    """

    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._stage = ElidedLabel(role="caption")
        self._stage.setObjectName("calibration-stage")
        self._bar = QProgressBar()
        self._bar.setObjectName("calibration-progress")
        self._bar.setAccessibleName(tr("Progress"))
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(6)
        button = QToolButton()
        button.setObjectName("calibration-cancel")
        button.setText(tr("Cancel"))
        button.setAccessibleName(tr("Stop reading the calibration set"))
        button.setToolTip(tr("Stop; what was observed so far is kept for the next time"))
        button.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.addWidget(self._stage, 1)
        row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._bar)
        self.hide()

    def show_stage(self, stage: str, fraction: float) -> None:
        """Show a stage and how far it is; "" hides all of it."""
        self.setVisible(bool(stage))
        self._stage.set_text(tr(stage) if stage else "")
        self._bar.setValue(round(1000 * min(max(fraction, 0.0), 1.0)))


def _empty(layout: Any) -> None:
    """Take everything out of a layout, the layouts in it too."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif item.layout() is not None:
            _empty(item.layout())
            item.layout().deleteLater()
