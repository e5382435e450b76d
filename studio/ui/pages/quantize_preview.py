"""One calibration sample, or live frames, drawn by the float and by the quantized model, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from studio.ui.icons import icon
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.comparison_modes import Mode, help_of, title_of
from studio.ui.widgets.comparison_view import ComparisonView
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.plain_label import plain_label

_MODES = (Mode.SIDE_BY_SIDE, Mode.SPLIT, Mode.FLICKER, Mode.DIFFERENCE)


class PreviewPanel(QWidget):
    """The picture beside the handles.

    Signals:
        stepped(by): a person asked for the next (1) or the previous (-1) sample.
        live_switched(is_on): a person wants live frames instead of samples, or samples again.
        close_up_asked(is_close_up): live frames are to show the largest face alone, or all of the frame.
        pause_asked(): live frames are to stand still, or go on.
    """

    stepped = Signal(int)
    live_switched = Signal(bool)
    pause_asked = Signal()
    close_up_asked = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("quantize-preview")
        self.setMinimumWidth(240)
        self._seconds = 0.0
        self._shown = ("", "")
        self._has_live_frame = False
        self._is_paused: bool | None = None
        self.view = ComparisonView()
        self.view.setObjectName("quantize-view")
        self.view.setAccessibleName(tr("Original and quantized picture"))
        self._draws = True
        self.view.set_accents(colours().original, colours().candidate)
        self.view.set_mode(Mode.SIDE_BY_SIDE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._modes())
        column.addWidget(self.view, 1)
        column.addLayout(self._sample_row())
        self._figures = QGridLayout()
        self._figures.setHorizontalSpacing(12)
        self._figures.setVerticalSpacing(2)
        self._values: dict[str, QLabel] = {}
        column.addLayout(self._figures)
        self._no_picture = plain_label(
            tr("This model draws no picture: the one above is what goes in. The figures say what is lost."),
            role="caption",
        )
        self._no_picture.setObjectName("quantize-no-picture")
        column.addWidget(self._no_picture)
        self._show_as(draws=True)
        self.show_source("", is_paused=False)
        self.show_live(False)

    @property
    def seconds(self) -> float:
        """From the last request to its picture in view; 0 while there is none."""
        return self._seconds

    @property
    def files(self) -> tuple[str, str]:
        """The two pictures in view, "" where there is none."""
        return self._shown

    @property
    def has_live_frame(self) -> bool:
        """Whether the picture in view is a live frame."""
        return self._has_live_frame

    def clear(self, sentence: str) -> None:
        """Show a sentence instead of pictures."""
        self._shown = ("", "")
        self._has_live_frame = False
        self.view.clear(sentence)
        self._sample.set_text("")
        self._caption.clear()
        self._set_figures([])

    def show_result(self, result: Mapping[str, Any], seconds: float) -> None:
        """Show what the worker made.

        Args:
            result: of `calibration_preview`.
            seconds: since the person asked for it.
        """
        self._seconds = seconds
        self._has_live_frame = False
        original, quantized = QImage(result["original"]), QImage(result["quantized"])
        self._show_as(draws=not quantized.isNull())
        if self._draws:
            self.view.set_pair(original, quantized)
        elif original.isNull():
            self.view.clear(tr("This model draws no picture. The figures below say what is lost."))
        else:
            self.view.set_pair(original, original)
        self._shown = (str(result["original"]), str(result["quantized"]))
        self._sample.set_text(str(result["sample"]))
        self._set_figures(figures_of(result["loss"]))
        self.show_seconds(seconds)

    def show_seconds(self, seconds: float) -> None:
        """Say how long it took from the hand to the picture."""
        self._caption.setText(tr("took {seconds} s", seconds=f"{seconds:.2f}"))

    def show_live(self, is_on: bool) -> None:
        """Show what belongs to live frames, or to samples."""
        self._live.setChecked(is_on)
        self._pause.setVisible(is_on)
        self._close_up.setVisible(is_on)
        for button in self._steps:
            button.setVisible(not is_on)
        if is_on:
            self._sample.set_text("")
            self._caption.clear()
            self._set_figures([])
            self._show_as(draws=True)

    def show_frame(self, original: QImage, candidate: QImage, identity: int, full_size: tuple[int, int]) -> None:
        """Show both sides of a live frame."""
        self._shown, self._has_live_frame = ("", ""), True
        self.view.set_pair(original, candidate, identity, full_size)

    def set_close_up(self, is_close_up: bool) -> None:
        """Say whether live frames show the largest face alone."""
        self._close_up.setChecked(is_close_up)

    def show_source(self, title: str, *, is_paused: bool) -> None:
        """Say where live frames come from, and whether they stand still."""
        self._sample.set_text(title)
        if is_paused is not self._is_paused:
            self._is_paused = is_paused
            words = tr("Go on with the live frames") if is_paused else tr("Have the live frames stand still")
            self._pause.setIcon(icon("play" if is_paused else "pause"))
            self._pause.setAccessibleName(words)
            self._pause.setToolTip(words)

    def show_live_figures(
        self, lpips: float | None, psnr: float | None, identity_lost: float | None, rate: float
    ) -> None:
        """Say what is lost on live frames: means since the last change; frames a second."""
        loss = {"lpips": lpips, "psnr": psnr, "source_lost": identity_lost}
        meaning = tr("How many frames a second both models draw here; phones have other speeds.")
        self._set_figures([*figures_of(loss), ("rate", tr("Frames/s"), f"{rate:.1f}", meaning)])

    def _show_as(self, *, draws: bool) -> None:
        """Show two pictures that differ, or the one that goes into a model that draws none."""
        is_new = draws is not self._draws
        self._draws = draws
        self._heading.set_text(tr("Effect on the picture") if draws else tr("Effect on the results"))
        self._mode.setVisible(draws)
        self._no_picture.setVisible(not draws)
        name = "" if draws else tr("What goes in")
        self.view.set_names(name, name)
        if is_new:
            self.view.set_mode(Mode.SIDE_BY_SIDE if draws else Mode.ORIGINAL)

    def _modes(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self._heading = ElidedLabel(role="subtitle")
        row.addWidget(self._heading, 1)
        self._live = QToolButton()
        self._live.setObjectName("quantize-live")
        self._live.setText(tr("Live"))
        self._live.setCheckable(True)
        self._live.setAccessibleName(tr("Show live frames"))
        self._live.setToolTip(
            tr("Show the moving picture of the Compare page instead of a sample; what is changed here changes it, too")
        )
        self._live.clicked.connect(self.live_switched)
        row.addWidget(self._live)
        self._mode = QComboBox()
        self._mode.setObjectName("quantize-mode")
        self._mode.setAccessibleName(tr("How the two pictures are shown"))
        self._mode.setToolTip(tr("How the two pictures are shown; the wheel zooms both in step"))
        for mode in _MODES:
            self._mode.addItem(title_of(mode), mode.value)
            self._mode.setItemData(self._mode.count() - 1, help_of(mode), Qt.ItemDataRole.ToolTipRole)
        self._mode.activated.connect(lambda place: self.view.set_mode(_MODES[place]))
        self.view.mode_changed.connect(lambda name: self._mode.setCurrentIndex(self._mode.findData(name)))
        row.addWidget(self._mode)
        return row

    def _sample_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._sample = ElidedLabel(role="secondary")
        self._sample.setObjectName("quantize-sample")
        self._sample.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._caption = QLabel()
        self._caption.setProperty("role", "caption")
        self._caption.setObjectName("quantize-latency")
        self._caption.setToolTip(tr("Time from your hand to this picture"))
        self._pause = QToolButton()
        self._pause.setObjectName("quantize-pause")
        self._pause.clicked.connect(self.pause_asked.emit)
        row.addWidget(self._pause)
        self._close_up = QToolButton()
        self._close_up.setObjectName("quantize-close-up")
        self._close_up.setIcon(icon("face"))
        self._close_up.setCheckable(True)
        self._close_up.setAccessibleName(tr("Face close-up"))
        self._close_up.setToolTip(tr("Show the largest face alone: there it is seen what rounding does"))
        self._close_up.clicked.connect(self.close_up_asked)
        row.addWidget(self._close_up)
        self._steps: list[QToolButton] = []
        for by, text, name, words in (
            (-1, "◀", "quantize-previous", tr("Previous sample")),
            (1, "▶", "quantize-next", tr("Next sample")),
        ):
            button = QToolButton()
            button.setText(text)
            button.setObjectName(name)
            button.setAccessibleName(words)
            button.setToolTip(words)
            button.clicked.connect(lambda _checked=False, by=by: self.stepped.emit(by))
            self._steps.append(button)
            if by > 0:
                row.addWidget(self._sample, 1)
            row.addWidget(button)
        row.addWidget(self._caption)
        return row

    def _set_figures(self, figures: list[tuple[str, str, str, str]]) -> None:
        """Show identifier, title, value and meaning of each; those that are there are only written anew."""
        if [each[0] for each in figures] != list(self._values):
            while (item := self._figures.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
            self._values = {}
            for place, (identifier, title, _, meaning) in enumerate(figures):
                name, value = QLabel(title), QLabel()
                name.setProperty("role", "caption")
                value.setProperty("role", "figure")
                value.setObjectName(f"quantize-loss-{identifier}")
                value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                for each in (name, value):
                    each.setToolTip(meaning)
                self._figures.addWidget(name, 0, place)
                self._figures.addWidget(value, 1, place)
                self._values[identifier] = value
        for identifier, title, text, _ in figures:
            self._values[identifier].setText(text)
            self._values[identifier].setAccessibleName(f"{title} {text}")


def figures_of(loss: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return identifier, title, value and meaning of the figures that apply to a loss."""
    described = (
        ("lpips", tr("LPIPS"), ".4f", "", tr("How different the pictures look to people; 0 for equal ones.")),
        ("psnr", tr("PSNR"), ".1f", " dB", tr("How near the pixels are; above 40 dB differences are hard to see.")),
        ("identity_lost", tr("Face changed"), ".4f", "", tr("1 - cosine between the faces that both models draw.")),
        ("source_lost", tr("Identity lost"), ".4f", "", tr("By how much the cosine to the source's face fell.")),
        ("mean", tr("Mean difference"), ".5f", "", tr("As a fraction of the output's span.")),
        ("largest", tr("Largest difference"), ".4f", "", tr("As a fraction of the output's span.")),
        ("span_psnr", tr("PSNR"), ".1f", " dB", tr("The peak being the output's span over all pictures.")),
        ("cosine", tr("Cosine"), ".5f", "", tr("Between the two embeddings of one picture.")),
        (
            "displacement",
            tr("Points moved"),
            ".4f",
            "",
            tr("Mean way of a face's points, over the distance of the eyes."),
        ),
    )
    if loss.get("is_broken"):
        return [("broken", tr("Broken"), tr("values are not finite"), tr("The quantized model gives NaN or infinity."))]
    return [
        (name, title, format(loss[name], form) + unit, meaning)
        for name, title, form, unit, meaning in described
        if loss.get(name) is not None
    ]
