"""What came of a comparison: the picture, the measures beside it, the pictures below them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QToolButton, QVBoxLayout, QWidget

from studio.comparison_results import DIFFERENCE, FLIP, LPIPS, ComparisonResult, MeasureKey
from studio.ui.texts import tr
from studio.ui.widgets.comparison_controls import ComparisonControls
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_view import ComparisonView
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.measures_tree import MeasuresTree
from studio.ui.widgets.plain_label import plain_label
from studio.ui.widgets.sample_strip import SampleStrip, Thumbnail

WORST = 8
"""How many of the worst pictures are kept for calibration at once."""
_MAPS = (LPIPS, FLIP, DIFFERENCE)


class CompareResults(QWidget):
    """Shows one result: a candidate, a measure to sort by, a sample.

    Attributes:
        keep_wanted: pictures as pairs of a Path and a name are to be kept for calibration.
        notes_wanted: remarks on the comparison are to be shown.
    """

    keep_wanted = Signal(list)
    notes_wanted = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compare-results")
        self._result: ComparisonResult | None = None
        self._candidate = 0
        self._key: MeasureKey | None = None
        self._map = LPIPS
        # whatever is moved to another parent is styled anew with all it holds, so every part is made where it belongs
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        left, right = QWidget(splitter), QWidget(splitter)
        self.view = ComparisonView(left)
        self.controls = ComparisonControls(self.view, left)
        self.controls.overlay_changed.connect(self._choose_map)
        self.tree = MeasuresTree(right)
        self.tree.chosen.connect(self._choose_measure)
        self.strip = SampleStrip(right)
        self.strip.chosen.connect(lambda _place: self._show_sample())
        self._finding = plain_label()
        self._finding.setObjectName("finding")
        self._remarks = QToolButton()
        self._remarks.setObjectName("remarks")
        self._remarks.setAccessibleName(tr("Notes"))
        self._remarks.setToolTip(tr("How it was compared, and what could not be measured"))
        self._remarks.clicked.connect(self._tell_notes)
        self._sorting = ElidedLabel(role="caption")
        self._sorting.setObjectName("sorting")
        self._inputs = plain_label(role="caption")
        self._inputs.setObjectName("sample-name")
        splitter.setObjectName("compare-splitter")
        splitter.setChildrenCollapsible(False)
        self._fill_left(left)
        self._fill_right(right)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([620, 460])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(splitter)

    @property
    def candidate(self) -> int:
        """The one in view."""
        return self._candidate

    def show_result(self, result: ComparisonResult) -> None:
        """Show a result: of the first candidate that was measured its worst picture."""
        is_same = self._result is not None and self._result.identity == result.identity
        if is_same:
            return
        self._result = result
        count = len(result.candidates)
        self._candidate = next((place for place in range(count) if result.error(place) is None), 0)
        self._key = result.leading(self._candidate)
        self.tree.show_result(result, self._candidate, self._key)
        self._show_candidate(place=None)

    def _fill_left(self, left: QWidget) -> None:
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(6)
        column.addWidget(self.controls)
        column.addWidget(self.view, 1)
        column.addWidget(self._inputs)

    def _fill_right(self, right: QWidget) -> None:
        keep = QToolButton()
        keep.setObjectName("keep")
        keep.setText(tr("Add to calibration"))
        keep.setAccessibleName(tr("Add to calibration"))
        keep.setToolTip(tr("Copy pictures into the project's calibration folder, for the next quantization"))
        keep.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(keep)
        self._keep_this = menu.addAction(tr("The picture in view"))
        self._keep_this.setObjectName("keep-this")
        self._keep_this.triggered.connect(lambda: self._keep(1))
        self._keep_worst = menu.addAction(tr("The {count} worst", count=WORST))
        self._keep_worst.setObjectName("keep-worst")
        self._keep_worst.triggered.connect(lambda: self._keep(WORST))
        keep.setMenu(menu)
        self._keep_button = keep
        heading = QHBoxLayout()
        heading.addWidget(self._sorting, 1)
        heading.addWidget(self._remarks)
        heading.addWidget(keep)
        right.setMinimumWidth(360)
        column = QVBoxLayout(right)
        column.setContentsMargins(4, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._finding)
        column.addWidget(self.tree, 3)
        column.addLayout(heading)
        column.addWidget(self.strip, 2)

    def _choose_measure(self, candidate: int, key: MeasureKey | None) -> None:
        place = self.strip.place if candidate != self._candidate else None
        self._candidate, self._key = candidate, key
        self._show_candidate(place)

    def _show_candidate(self, place: int | None) -> None:
        """Show a candidate's pictures.

        Args:
            place: the sample to stay with, None for the worst.
        """
        result = self._result
        assert result is not None
        error = result.error(self._candidate)
        self._finding.setText(result.sentence(self._candidate))
        self._finding.setProperty("role", "error" if error else "")
        self._finding.style().unpolish(self._finding)
        self._finding.style().polish(self._finding)
        notes = result.notes(self._candidate)
        self._remarks.setText(tr("Notes ({count})", count=len(notes)))
        self._remarks.setAccessibleName(self._remarks.text())
        self._remarks.setVisible(bool(notes))
        row = next((row for row in result.rows(self._candidate) if row.key == self._key), None)
        self._sorting.set_text(tr("Worst first by {measure}", measure=row.title) if row else "")
        thumbnails = [] if error else self._thumbnails(result)
        self.strip.set_thumbnails(thumbnails, place)
        self._keep_button.setEnabled(bool(thumbnails))
        self._name_panes(result)
        self._offer_maps(result)
        self._show_sample()

    def _name_panes(self, result: ComparisonResult) -> None:
        """Say whose pictures are shown; models that draw none have one picture, and no ways to look at two."""
        if result.draws and self.controls.isHidden():
            self.view.set_mode(Mode.SPLIT)
        elif not result.draws:
            self.view.set_mode(Mode.ORIGINAL)
        self.controls.setVisible(result.draws)
        what = tr("What goes in")
        names = (result.labels[0], result.label(self._candidate)) if result.draws else (what, what)
        self.view.set_names(*names)

    def _thumbnails(self, result: ComparisonResult) -> list[Thumbnail]:
        found = []
        for place in result.order(self._candidate, self._key):
            sample = result.samples[place]
            side = sample["candidates"][self._candidate] or {}
            small = side.get("small") or sample["original_small"] or sample["input_small"]
            value = result.value(self._candidate, self._key, place) if self._key else ""
            found.append(Thumbnail(place, str(sample["name"]), value, result.folder / small if small else None))
        return found

    def _offer_maps(self, result: ComparisonResult) -> None:
        titles = {LPIPS: tr("LPIPS"), FLIP: tr("FLIP"), DIFFERENCE: tr("Difference")}
        there = [
            (kind, titles[kind])
            for kind in _MAPS
            if any((sample["candidates"][self._candidate] or {}).get(kind) for sample in result.samples.values())
        ]
        self.controls.set_overlays(there, self._map if self._map in dict(there) else "")

    def _choose_map(self, kind: str) -> None:
        self._map = kind
        self._show_sample()

    def _show_sample(self) -> None:
        result, place = self._result, self.strip.place
        if result is None:
            return
        if place is None:
            self._inputs.hide()
            self.view.clear(tr("There are no pictures of this candidate."))
            return
        files = result.files(self._candidate, place)
        original, candidate = _read(files.get("original")), _read(files.get("picture"))
        if original.isNull() or candidate.isNull():
            self.view.clear(tr("The pictures of this comparison are gone. Compare once more."))
            return
        self.view.set_pair(original, candidate, place)
        overlay = self.controls.overlay
        if overlay in files:
            self.view.set_heat(_read(files[overlay]), result.scales[overlay], _scale_title(overlay))
        else:
            self.view.set_heat(None)
        if DIFFERENCE in files:
            self.view.set_difference(_read(files[DIFFERENCE]), result.scales[DIFFERENCE], _scale_title(DIFFERENCE))
        else:
            self.view.set_difference(None)
        sample = result.samples[place]
        why = str(result.index["sentence"])
        if not result.draws:
            why = tr(
                "The models draw no picture: this is what goes in. How far their results are apart is in the table."
            )
        words = [str(sample["name"]), why]
        if sample["source"]:
            words.insert(1, tr("the face of {source}", source=sample["source"]))
        self._inputs.setText(" · ".join(word for word in words if word))
        self._inputs.show()

    def _tell_notes(self) -> None:
        if self._result is not None:
            self.notes_wanted.emit(self._result.notes(self._candidate))

    def _keep(self, count: int) -> None:
        result, place = self._result, self.strip.place
        if result is None or place is None:
            return
        places = [place] if count == 1 else self.strip.places[:count]
        pictures: list[tuple[Path, str]] = []
        for each in places:
            file = result.files(self._candidate, each).get("input")
            if file is not None:
                pictures.append((file, str(result.samples[each]["name"])))
        self.keep_wanted.emit(pictures)


def _scale_title(kind: str) -> str:
    titles = {LPIPS: tr("LPIPS"), FLIP: tr("FLIP"), DIFFERENCE: tr("Difference, levels of 255")}
    return titles[kind]


def _read(file: Path | None) -> QImage:
    """Return a picture that a worker wrote."""
    return QImage(str(file)) if file is not None else QImage()
