"""The row below the moving pictures: play, step, seek, loop, speed; a close-up, a snapshot, a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QStyle, QToolButton, QWidget

from converters.preview.messages import FrameReport, SourceReport, SourceState
from studio.ui.icons import icon
from studio.ui.pages.live_words import clock_text
from studio.ui.texts import tr

if TYPE_CHECKING:
    from studio.preview.previewing import Previewing

_TICKS = 1000
"""Of the slider, for a second of a clip."""
_SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_CALM = 80
"""Milliseconds between two seeks while the slider is dragged."""


class SeekSlider(QSlider):
    """A slider that goes to where it is pressed."""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the handle to the pointer, then hold it."""
        if event.button() is Qt.MouseButton.LeftButton:
            place = round(event.position().x())
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), place, self.width()))
            self.sliderMoved.emit(self.value())
        super().mousePressEvent(event)


class LiveTransport(QWidget):
    """Leads the source, as far as it can be led: a camera cannot be sought in.

    Args:
        previewing: what it leads.

    Attributes:
        snapshot_wanted: a picture of both sides is to be written.
        record_wanted: a video of both sides is to be written, or no longer.
        close_up_wanted: the largest face alone is to be shown, or the whole frame.
    """

    snapshot_wanted = Signal()
    record_wanted = Signal()
    close_up_wanted = Signal(bool)

    def __init__(self, previewing: Previewing, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-transport")
        self._previewing = previewing
        self._is_picture_list = False
        self._back = self._button("live-step-back", "step_back", tr("One frame back (,)"))
        self._play = self._button("live-play", "pause", tr("Pause (space)"))
        self._forward = self._button("live-step-forward", "step_forward", tr("One frame on (.)"))
        self._loop = self._button("live-loop", "loop", tr("Begin again at the end"), checkable=True)
        self._face = self._button("live-close-up", "face", tr("Show the largest face alone (F)"), checkable=True)
        self._snapshot = self._button("live-snapshot", "picture", tr("Save a picture of both sides and numbers (S)"))
        self._record = self._button("live-record", "record", tr("Record both sides as a video (R)"), checkable=True)
        self._back.clicked.connect(lambda: previewing.step(-1))
        self._forward.clicked.connect(lambda: previewing.step(1))
        self._play.clicked.connect(self.play_or_pause)
        self._loop.setChecked(True)
        self._loop.clicked.connect(previewing.set_loop)
        self._face.clicked.connect(self.close_up_wanted)
        self._snapshot.clicked.connect(self.snapshot_wanted)
        self._record.clicked.connect(self._ask_to_record)
        self._slider = SeekSlider(Qt.Orientation.Horizontal, self)
        self._slider.setObjectName("live-seek")
        self._slider.setAccessibleName(tr("Place in the clip"))
        self._slider.setToolTip(tr("Drag to another place; the arrow keys go on or back by a second"))
        self._slider.setSingleStep(_TICKS)
        self._slider.setPageStep(5 * _TICKS)
        self._slider.valueChanged.connect(self._seek_soon)
        self._soon = QTimer(self, singleShot=True, interval=_CALM)
        self._soon.timeout.connect(lambda: previewing.seek(self._slider.value() / _TICKS))
        self._time = QLabel(self)
        self._time.setObjectName("live-time")
        self._time.setProperty("role", "secondary")
        self._time.setTextFormat(Qt.TextFormat.PlainText)
        self._speed = QComboBox(self)
        self._speed.setObjectName("live-speed")
        self._speed.setAccessibleName(tr("Speed"))
        self._speed.setToolTip(tr("How fast the clip plays, compared with its own time"))
        for factor in _SPEEDS:
            self._speed.addItem(f"{factor:g}×", factor)
        self._speed.setCurrentIndex(_SPEEDS.index(1.0))
        self._speed.activated.connect(lambda row: previewing.set_speed(float(self._speed.itemData(row))))
        self._recorded = QLabel(self)
        self._recorded.setObjectName("live-recorded")
        self._recorded.setProperty("role", "error")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for widget in (self._back, self._play, self._forward):
            row.addWidget(widget)
        row.addSpacing(6)
        row.addWidget(self._slider, 1)
        row.addSpacing(6)
        row.addWidget(self._time)
        row.addStretch(0)
        row.addSpacing(6)
        for part in (self._loop, self._speed, self._face, self._snapshot, self._recorded, self._record):
            row.addWidget(part)
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done with the source, and how it is."""
        report = self._previewing.source_report
        runs = self._previewing.live.frame is not None and report is not None
        for control in (
            self._back,
            self._play,
            self._forward,
            self._snapshot,
            self._record,
            self._face,
            self._slider,
            self._loop,
            self._speed,
        ):
            control.setEnabled(runs)
        can_seek = report is None or not report.is_live
        for part in (self._back, self._forward, self._slider, self._loop, self._speed):
            part.setVisible(can_seek)
        if report is not None:
            self._show_report(report)
        elif not self._previewing.is_on:
            with QSignalBlocker(self._slider):
                self._slider.setValue(0)
            self._set_time("")
        self._face.setChecked(self._previewing.look.close_up)
        recording = self._previewing.recording
        self._record.setChecked(recording is not None)
        self._record.setToolTip(
            tr("Record both sides as a video (R)") if recording is None else tr("End the recording (R)")
        )
        self._recorded.setVisible(recording is not None)
        if recording is not None:
            self._recorded.setText(clock_text(float(recording["seconds"])))

    def show_place(self, report: FrameReport) -> None:
        """Show where in its source a frame is; cheap, for every frame."""
        source = self._previewing.source_report
        if source is None or source.is_live:
            return
        if not self._slider.isSliderDown() and not self._soon.isActive():
            with QSignalBlocker(self._slider):
                self._slider.setValue(round(report.position * _TICKS))
        self._set_time(self._place_text(source, report.position, report.index, report.name))

    def play_or_pause(self) -> None:
        """Go on, or stand still."""
        report = self._previewing.source_report
        if report is None:
            return
        if report.state in (SourceState.PAUSED, SourceState.ENDED):
            self._previewing.play()
        else:
            self._previewing.pause()

    def _show_report(self, report: SourceReport) -> None:
        stands = report.state in (SourceState.PAUSED, SourceState.ENDED)
        self._play.setIcon(icon("play" if stands else "pause"))
        words = tr("Play (space)") if stands else tr("Pause (space)")
        self._play.setToolTip(words)
        self._play.setAccessibleName(words)
        self._loop.setChecked(report.is_looping)
        with QSignalBlocker(self._speed):
            nearest = min(range(len(_SPEEDS)), key=lambda row: abs(_SPEEDS[row] - report.speed))
            self._speed.setCurrentIndex(nearest)
        if report.is_live:
            width, height = report.size
            self._set_time(tr("Live · {width} × {height}", width=width, height=height))
        else:
            with QSignalBlocker(self._slider):
                self._slider.setRange(0, round((report.duration or 0.0) * _TICKS))
            self._slider.setVisible(report.duration is not None and report.duration > 0)
            if not self._time.text():
                self._set_time(self._place_text(report, report.seconds, report.index, ""))

    def _place_text(self, source: SourceReport, seconds: float, index: int, name: str) -> str:
        if name and source.count:
            return tr("{place} of {count}", place=index + 1, count=source.count)
        if source.duration is None:
            return clock_text(seconds)
        return f"{clock_text(seconds)} / {clock_text(source.duration)}"

    def _set_time(self, text: str) -> None:
        if text != self._time.text():
            self._time.setText(text)

    def _seek_soon(self) -> None:
        """Seek where a person took the slider, not for each pixel on the way."""
        if not self._soon.isActive():
            self._soon.start()

    def _ask_to_record(self) -> None:
        # the button shows what is, not what is wanted
        self._record.setChecked(self._previewing.recording is not None)
        self.record_wanted.emit()

    def _button(self, name: str, picture: str, tip: str, *, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setIcon(icon(picture, checkable=checkable))
        button.setIconSize(QSize(18, 18))
        button.setCheckable(checkable)
        button.setAccessibleName(tip)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button
