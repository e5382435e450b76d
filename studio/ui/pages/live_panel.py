"""The live comparison: two moving pictures of the same frames, what was lost drawn over them, and in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from converters.preview.messages import WorstFrame
from converters.preview.request import Overlay
from studio.preview.live import LiveState
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import previewing
from studio.ui.pages.live_memory import live_memory
from studio.ui.pages.live_models import LiveModelsBar
from studio.ui.pages.live_notice import LiveNotice
from studio.ui.pages.live_options import LiveOptionsDialog
from studio.ui.pages.live_side import GAP, LiveFigures, LiveSide, arrangement_for, scrolled
from studio.ui.pages.live_source import LiveSourceBar
from studio.ui.pages.live_transport import LiveTransport
from studio.ui.pages.live_words import map_title, stale_text, starting_text
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.comparison_controls import ComparisonControls
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_view import ComparisonView
from studio.ui.widgets.live_numbers import LiveNumbers
from studio.ui.widgets.phone_panel import PhonePanel
from studio.ui.widgets.strip_chart import loss_chart, rate_chart
from studio.ui.widgets.worst_tray import WorstTray
from studio.ui.workbench import Workbench

_CALM = 150
"""Milliseconds between two wishes for another size, while the window is pulled larger."""
_CHART = 250
"""Milliseconds between two paintings of the chart."""
_PHONE = 120
"""Least height of the phone's part, pixels; it scrolls."""
_USUAL_FRAME = QSizeF(16, 9)


class LivePanel(QWidget):
    """Everything of the tab "Live". Keeps nothing that the preview does not keep.

    Args:
        bench: what pages work with.

    Attributes:
        said: a sentence for the page's banner: text, name of its tone, a StudioError or None.
        file_wanted, video_wanted, folder_wanted, person_wanted, snapshot_wanted, record_wanted: a dialog is to ask
            for a place.
        state_changed: it runs or no longer does.
    """

    said = Signal(str, str, object)
    file_wanted = Signal()
    video_wanted = Signal()
    folder_wanted = Signal()
    person_wanted = Signal(bool)
    snapshot_wanted = Signal()
    record_wanted = Signal()
    state_changed = Signal()

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-panel")
        self.setAccessibleName(tr("Live"))
        self.previewing = previewing(bench)
        self._memory = live_memory(self.previewing)
        self._options: LiveOptionsDialog | None = None
        # whatever is moved to another parent is styled anew with all it holds, so every part is made where it belongs
        self.source = LiveSourceBar(self.previewing, self)
        self.models = LiveModelsBar(self.previewing, self)
        self.stack = QStackedWidget(self)
        self.notice = LiveNotice(self.stack)
        self.view = ComparisonView(self.stack)
        self.controls = ComparisonControls(self.view, self)
        self.transport = LiveTransport(self.previewing, self)
        self.side = LiveSide(self)
        self._figures = LiveFigures(self.side)
        self._scrolled = QScrollArea(self._figures), QScrollArea(self.side)
        self.numbers = LiveNumbers(self._scrolled[0].viewport(), is_expanded=self._memory.shows_all_numbers)
        self._charts = QWidget(self._figures)
        self.chart = loss_chart(self._charts)
        self.rate_chart = rate_chart(self._charts)
        self.tray = WorstTray(self.side)
        self.phone = PhonePanel(self.previewing, self._scrolled[1].viewport())
        self._arranged_for: object = None
        self._lay_out()
        self.side.arrange(self.side.arrangement)
        self._soon = QTimer(self, singleShot=True, interval=_CALM)
        self._soon.timeout.connect(self._tell_size)
        self._charting = QTimer(self, interval=_CHART)
        self._charting.timeout.connect(self._draw_chart)
        of = colours()
        self.view.set_accents(of.original, of.candidate)
        self.view.set_mode(self._memory.mode)
        maps = [(each.value, map_title(each)) for each in Overlay if each]
        self.controls.set_overlays(maps, (self._memory.overlay or self.previewing.look.overlay).value)
        self.controls.set_strength(self._memory.opacity, self._memory.threshold)
        self.side.bring(self._memory.section)
        self._connect()
        self.refresh()

    # what the page may ask -------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether a preview runs, or is about to."""
        return self.previewing.is_on

    def start_or_stop(self) -> None:
        """Start the preview, or end it."""
        if self.is_on:
            self.previewing.stop()
        else:
            self._start()

    def refresh(self) -> None:
        """Show the choice, the source and the state as they are."""
        self.source.refresh()
        self.models.refresh()
        self._name_panes()
        self.transport.refresh()
        self._show_state()
        worst = self.previewing.worst
        self.tray.set_frames(worst)
        count = len(worst)
        self._show_phone()
        models = self.previewing.models
        draws = models is None or bool(models["draws"])
        self.controls.set_has_maps(draws)
        self.tray.set_gathers(draws)
        self.chart.setVisible(draws)
        self.side.set_title(self.tray, tr("Worst frames ({count})", count=count) if count else tr("Worst frames"))
        self.state_changed.emit()

    # parts -----------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.source, 2)
        top.addWidget(self.models, 9)
        self.stack.addWidget(self.notice)
        self.stack.addWidget(self.view)
        scrolled(self.numbers, self._scrolled[0])
        scrolled(self.phone, self._scrolled[1])
        self._scrolled[1].setMinimumHeight(_PHONE)
        column = QVBoxLayout(self._charts)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for chart in (self.chart, self.rate_chart):
            chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
            column.addWidget(chart)
        self._figures.add(self._scrolled[0], 3)
        self._figures.add(self._charts, 2)
        self.side.add(self._figures, tr("Numbers"), tr("How fast it is, and what was lost"), 3)
        self.side.add(self.tray, tr("Worst frames"), tr("The frames that lost most, for calibration"), 2)
        self.side.add(self._scrolled[1], tr("Phone"), tr("How fast it would be on a phone, simulated"), 2)
        left = QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(self.controls)
        left.addWidget(self.stack, 1)
        left.addWidget(self.transport)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(GAP)
        self._middle.addLayout(left, 1)
        self._middle.addWidget(self.side)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(top)
        whole.addLayout(self._middle, 1)

    def _connect(self) -> None:
        self.source.video_wanted.connect(self.video_wanted)
        self.source.folder_wanted.connect(self.folder_wanted)
        self.models.file_wanted.connect(self.file_wanted)
        self.models.person_wanted.connect(self.person_wanted)
        self.models.options_wanted.connect(self._show_options)
        self.transport.snapshot_wanted.connect(self.snapshot_wanted)
        self.transport.record_wanted.connect(self.record_or_stop)
        self.transport.close_up_wanted.connect(self._choose_close_up)
        self.controls.overlay_changed.connect(self._choose_overlay)
        self.controls.strength_changed.connect(self._keep_strength)
        self.view.wanted_size_changed.connect(self._soon.start)
        self.view.mode_changed.connect(self._take_mode)
        self.numbers.expanded.connect(self._take_expanded)
        self.side.section_chosen.connect(self._keep_section)
        self.tray.keep_wanted.connect(self.previewing.keep_worst)
        self.tray.seek_wanted.connect(self._seek)
        self.tray.forget_wanted.connect(self.previewing.forget_worst)
        self.previewing.changed.connect(self.refresh)
        self.previewing.framed.connect(self._show_frame)
        self.previewing.told.connect(self.said)

    # the state -------------------------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        live = self.previewing.live
        if live.state is LiveState.FAILED:
            self.notice.say_failure(self.previewing, live.error, self._start)
            self.numbers.set_numbers(self.previewing.statistics, None, None)
            self.stack.setCurrentWidget(self.notice)
        elif live.state is LiveState.OFF:
            words = tr("Both models work on the same frames, side by side, as fast as this computer can.")
            self.notice.say(tr("The live comparison is off"), words, [(tr("Start"), self._start)])
            self.stack.setCurrentWidget(self.notice)
        elif live.frame is None:
            words = tr("The first start takes some seconds; afterwards models change while the video goes on.")
            stop: Callable[[], object] = self.previewing.stop
            self.notice.say(starting_text(live.stage), words, [(tr("Cancel"), stop)], is_busy=True)
            self.stack.setCurrentWidget(self.notice)
        else:
            sentence = stale_text(live.state, live.stage, self.previewing.source_report)
            self.view.set_stale(bool(sentence), sentence)
            if self.view.frame_id < 0:
                self._show_frame(live.frame)
            self.stack.setCurrentWidget(self.view)

    def _start(self) -> None:
        self._tell_size()
        self.previewing.start()
        self.view.setFocus()

    def _show_phone(self) -> None:
        """Say on the pictures that their pace is a phone's; give its figures the width that they take."""
        self.view.set_note(tr("Simulated, from published figures") if self.previewing.phone else "")
        area = self._scrolled[1]
        width = self.phone.minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width()
        if width != area.minimumWidth():
            area.setMinimumWidth(width)
            self.side.measure()

    # frames ----------------------------------------------------------------------------------------------------------

    def _show_frame(self, frame: LiveFrame) -> None:
        report = frame.report
        is_another_shape = frame.original.size() != self.view.pictures[0].size()
        self.view.set_pair(frame.original, frame.candidate, frame.identity, frame.full_size)
        overlay = Overlay.NONE if frame.heat is None or report.map is None else Overlay(report.map.overlay)
        heat, highest = (frame.heat, report.map.highest) if overlay and report.map is not None else (None, 1.0)
        # a frame from before the mode changed carries the other map: it is not the one that is asked for now
        is_difference = self.view.mode is Mode.DIFFERENCE
        box = None if report.map is None else report.map.box
        self.view.set_heat(None if is_difference else heat, highest, map_title(overlay), box)
        fits = is_difference and overlay is Overlay.DIFFERENCE
        self.view.set_difference(heat if fits else None, highest, map_title(overlay))
        if is_another_shape:
            self._arrange()
        if self.stack.currentWidget() is not self.view:
            self._show_state()
        self.transport.show_place(report)
        self.numbers.set_numbers(self.previewing.statistics, self.previewing.models, report)

    def _draw_chart(self) -> None:
        statistics = self.previewing.statistics
        self.chart.set_series(*statistics.losses)
        self.rate_chart.set_series(*statistics.rates)

    def _name_panes(self) -> None:
        original, candidate = self.previewing.original, self.previewing.candidate
        self.view.set_names(
            "" if original is None else original.label,
            "" if candidate is None else candidate.label,
        )

    # what a person asks ----------------------------------------------------------------------------------------------

    def record_or_stop(self) -> None:
        """Ask for a place and record, or end the recording."""
        if self.previewing.recording is None:
            self.record_wanted.emit()
        else:
            self.previewing.stop_recording()

    def _seek(self, frame: WorstFrame) -> None:
        self.previewing.pause()
        self.previewing.seek(frame.position)

    def _take_expanded(self, is_expanded: bool) -> None:
        self._memory.shows_all_numbers = is_expanded
        self._arrange()

    def _keep_section(self, place: int) -> None:
        self._memory.section = place

    def _keep_strength(self, opacity: float, threshold: float) -> None:
        self._memory.opacity, self._memory.threshold = opacity, threshold

    def _take_mode(self) -> None:
        self._memory.mode = self.view.mode
        self._choose_overlay(self.controls.overlay)
        self._arrange()

    def _choose_overlay(self, kind: str) -> None:
        # without a map of its own the difference mode shows the pixels' differences
        self._memory.overlay = Overlay(kind)
        overlay = Overlay.DIFFERENCE if self.view.mode is Mode.DIFFERENCE else Overlay(kind)
        self.previewing.choose_look(replace(self.previewing.look, overlay=overlay))

    def _choose_close_up(self, is_on: bool) -> None:
        self.previewing.choose_look(replace(self.previewing.look, close_up=is_on))

    def _tell_size(self) -> None:
        width, height = self.view.wanted_size()
        self.previewing.choose_look(replace(self.previewing.look, width=width, height=height))

    def _show_options(self) -> None:
        if self._options is not None:
            self._options.close()
        self._options = LiveOptionsDialog(self.previewing, self)
        self._options.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._options.destroyed.connect(self._forget_options)
        self._options.show()

    def _forget_options(self) -> None:
        self._options = None

    # Qt's side -------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys that no control in focus wants: space , . S R F."""
        runs = self.previewing.live.frame is not None and self.is_on
        acts: dict[int, Callable[[], object]] = {
            Qt.Key.Key_Space: self.transport.play_or_pause,
            Qt.Key.Key_Comma: lambda: self.previewing.step(-1),
            Qt.Key.Key_Period: lambda: self.previewing.step(1),
            Qt.Key.Key_S: self.snapshot_wanted.emit,
            Qt.Key.Key_R: self.record_or_stop,
            Qt.Key.Key_F: lambda: self._choose_close_up(not self.previewing.look.close_up),
        }
        act = acts.get(event.key())
        if act is None or not runs or event.modifiers() not in (_NONE, _PAD):
            super().keyPressEvent(event)
        else:
            act()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the preview alive: somebody looks."""
        super().showEvent(event)
        self.previewing.watch(self)
        self._charting.start()
        self._soon.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Nobody looks here any more."""
        super().hideEvent(event)
        self._charting.stop()
        self.previewing.unwatch(self)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for no more than the least: all the room there is goes to the pictures anyway."""
        return self.minimumSizeHint()

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Be as high as there is room, so that the page never scrolls for a sentence that wraps."""
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Give the pictures most of the room."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the numbers below the pictures or beside them, whichever leaves the pictures larger."""
        taken = self.controls.sizeHint().height() + self.transport.sizeHint().height() + 12
        room = QSize(self.width(), self.height() - self.models.sizeHint().height() - 8 - taken)
        frame = self.view.pictures[0].size()
        picture = QSizeF(frame) if not frame.isEmpty() else _USUAL_FRAME
        is_open = self.numbers.fold.is_open
        # another window, shape or mode is arranged anew; a sentence of the banner is not
        what = (self.window().size(), picture, self.view.mode, is_open)
        was_below = self.side.arrangement.is_below if self._arranged_for == what else None
        is_pair = self.view.mode is Mode.SIDE_BY_SIDE
        wanted = arrangement_for(room, picture, is_pair=is_pair, is_open=is_open, was_below=was_below)
        if self._arranged_for != what or wanted != self.side.arrangement:
            direction = QBoxLayout.Direction
            self._middle.setDirection(direction.TopToBottom if wanted.is_below else direction.LeftToRight)
            self.side.arrange(wanted, is_open=is_open)
        self._arranged_for = what


_NONE, _PAD = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier
