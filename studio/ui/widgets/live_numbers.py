"""The numbers of a live comparison: how fast, how much is lost. They change; nothing around them moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QElapsedTimer, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from converters.preview.messages import FrameReport
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.figures import NONE, Figure, milliseconds_text, number_text
from studio.ui.widgets.flow_layout import FlowLayout
from studio.ui.widgets.fold import Fold
from studio.ui.widgets.live_words import KindFigure, figure_of_kind, title_of_stage

REFRESH_MILLISECONDS = 200
"""Between two changes of the figures: more often than this nobody reads them."""
_MODELS = ("original", "candidate")
_MEASURED_KINDS = ("swapper", "enhancer", "frame enhancer", "picture")
_WITH_PERSONS = ("swapper",)


class Numbers(Protocol):
    """What is read of `studio.preview.statistics.Statistics`."""

    @property
    def rate(self) -> float: ...
    @property
    def dropped(self) -> int: ...
    @property
    def delay(self) -> float | None: ...
    @property
    def seconds(self) -> Mapping[str, float]: ...
    @property
    def figures(self) -> Mapping[str, float]: ...
    @property
    def lpips_now(self) -> float | None: ...
    @property
    def lpips_mean(self) -> float | None: ...
    @property
    def lpips_p95(self) -> float | None: ...
    @property
    def lpips_worst(self) -> float | None: ...
    @property
    def psnr(self) -> float | None: ...
    @property
    def original_cosine(self) -> float | None: ...
    @property
    def candidate_cosine(self) -> float | None: ...
    @property
    def cosine_drop(self) -> float | None: ...


class LiveNumbers(QWidget):
    """A few figures, and all of them below a line to press.

    Args:
        is_expanded: whether all are in view.

    Attributes:
        expanded: whether a person wants to see all of them.
    """

    expanded = Signal(bool)

    def __init__(self, parent: QWidget | None = None, *, is_expanded: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName("live-numbers")
        self.setAccessibleName(tr("Numbers of the live comparison"))
        self._figures: dict[str, Figure] = {}
        self._kind_figures: dict[str, KindFigure] = {}
        self._kind = ""
        self._models: Mapping[str, Any] | None = None
        self._waiting: tuple[Numbers, FrameReport | None] | None = None
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._refresh)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._row = QWidget(self)
        self._flow = FlowLayout(10, self._row)
        column.addWidget(self._row)
        self._fill_row()
        self._more: QWidget | None = None
        self._stages: FlowLayout | None = None
        self.fold = Fold(tr("All numbers"), self._make_more, name="live-all-numbers", is_open=is_expanded, parent=self)
        self.fold.opened.connect(self._open)
        column.addWidget(self.fold)
        column.addStretch(1)  # spare height is below, not between the figures and the line to press
        self._show_kind()

    def figure(self, name: str) -> Figure | None:
        """Return a figure by its name ("rate", "lpips", "stage-crop", …); None where there is none yet."""
        return self._figures.get(name)

    def set_numbers(self, statistics: Numbers, models: Mapping[str, Any] | None, report: FrameReport | None) -> None:
        """Show what the frames so far amount to. May be called for every frame.

        Args:
            statistics: of the frames.
            models: plain data of the message `models`; None while none are open.
            report: of the newest frame; None for none.
        """
        self._waiting = (statistics, report)
        is_other = models is not self._models
        if is_other:
            self._models = models
            self._kind = "" if models is None else str(models["kind"])
            self._show_kind()
            self._name_sides([] if models is None else models["sides"])
        waited = self._since.elapsed() if self._since.isValid() else REFRESH_MILLISECONDS
        if is_other or waited >= REFRESH_MILLISECONDS:
            self._refresh()
        elif not self._timer.isActive():
            self._timer.start(int(REFRESH_MILLISECONDS - waited))

    # what there is

    def _fill_row(self) -> None:
        add, parent, flow = self._add, self._row, self._flow
        add("rate", tr("Frames/s"), "000.0", tr("Frames shown in a second, both sides of each"), parent, flow)
        add("original", tr("Original"), "0000.0 ms", "", parent, flow)
        add("candidate", tr("Candidate"), "0000.0 ms", "", parent, flow)
        add(
            "dropped",
            tr("Dropped"),
            "0000000",
            tr("Frames of the source that were left out: the newest is always the one that is treated"),
            parent,
            flow,
        )
        add(
            "lpips",
            "LPIPS",
            "0.0000",
            tr("Perceived difference between both pictures of the worst face in this frame; 0 for none"),
            parent,
            flow,
        )
        add(
            "drop",
            tr("Identity loss"),
            "-0.0000",
            tr("Likeness to the person that the candidate loses: the original's mean cosine less its own"),
            parent,
            flow,
        )
        self._name_sides([])

    def _make_more(self) -> QWidget:
        scrolled = _Scrolled(self)
        self._more = more = QWidget(scrolled)
        scrolled.setWidget(more)
        column = QVBoxLayout(more)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        add = self._add
        self._loss_title = _heading(tr("Loss since the models or the source changed"), more)
        loss, flow = _row_in(column, self._loss_title, more)
        add("lpips-mean", tr("LPIPS, mean"), "0.0000", tr("Mean of all frames' LPIPS"), loss, flow)
        add("lpips-p95", tr("LPIPS, 95 %"), "0.0000", tr("95 of 100 frames lose less than this"), loss, flow)
        add("lpips-worst", tr("LPIPS, worst"), "0.0000", tr("The largest LPIPS of any frame"), loss, flow)
        add(
            "psnr",
            tr("PSNR, mean"),
            "000.0 dB",
            tr("Ratio of signal to noise between both pictures; more is better"),
            loss,
            flow,
        )
        self._person_title = _heading(tr("Likeness to the person, cosine"), more)
        person, flow = _row_in(column, self._person_title, more)
        add(
            "original-cosine",
            tr("Original"),
            "-0.0000",
            tr("Mean cosine between the original's faces and the person; 1 for the same"),
            person,
            flow,
        )
        add(
            "candidate-cosine",
            tr("Candidate"),
            "-0.0000",
            tr("Mean cosine between the candidate's faces and the person; 1 for the same"),
            person,
            flow,
        )
        stages, self._stages = _row_in(column, _heading(tr("Time of each stage, median"), more), more)
        self._stage_row = stages
        add(
            "delay",
            tr("Delay"),
            "0000.0 ms",
            tr("From the capture of a frame until it is in view"),
            stages,
            self._stages,
        )
        self._losses, self._persons = loss, person
        self._show_kind()
        return scrolled

    def _add(self, name: str, caption: str, widest: str, tip: str, parent: QWidget, row: FlowLayout) -> None:
        figure = Figure(f"number-{name}", caption, widest, tip, parent)
        self._figures[name] = figure
        row.addWidget(figure)
        width = max(figure.least_width for figure in self._figures.values())
        for each in self._figures.values():
            each.setFixedWidth(width)  # all of one width stand below one another in any number of columns

    def _show_kind(self) -> None:
        """Show the figures that this kind of model has; none comes or goes while frames pass."""
        measured = not self._kind or self._kind in _MEASURED_KINDS
        has_person = not self._kind or self._kind in _WITH_PERSONS
        self._figures["lpips"].setVisible(measured)
        self._figures["drop"].setVisible(has_person)
        for name in self._kind_figures:
            self._figures[name].hide()
        if self._more is not None:
            for widget in (self._loss_title, self._losses):
                widget.setVisible(measured)
            for widget in (self._person_title, self._persons):
                widget.setVisible(has_person)
            for name, figure in self._figures.items():
                if name.startswith("stage-"):
                    figure.hide()

    def _name_sides(self, sides: Sequence[Mapping[str, Any]]) -> None:
        tips = [
            tr("Time that the original's model takes in a frame, median"),
            tr("Time that the candidate's model takes in a frame, median"),
        ]
        for place, side in enumerate(sides):
            tips[place] += "\n" + tr("{name} in {runtime}", name=side["label"], runtime=side["runtime"])
            if side["is_reference"]:
                tips[place] += "\n" + tr("The reference executor: its pictures are right, its speed says nothing.")
        for name, tip in zip(_MODELS, tips, strict=True):
            self._figures[name].setToolTip(plain_tip(tip))

    # what they are

    def _open(self, is_open: bool) -> None:
        self._refresh()
        self.expanded.emit(is_open)

    def _refresh(self) -> None:
        self._since.start()
        if self._waiting is None:
            return
        numbers, report = self._waiting
        seconds = numbers.seconds
        texts = {
            "rate": number_text(numbers.rate if report is not None else None, 1),
            "original": milliseconds_text(seconds.get("original")),
            "candidate": milliseconds_text(seconds.get("candidate")),
            "dropped": str(numbers.dropped) if report is not None else NONE,
            "lpips": number_text(numbers.lpips_now, 4),
            "drop": number_text(numbers.cosine_drop, 4),
        }
        for name, value in numbers.figures.items():
            texts.update(self._figure_of_kind(name, value))
        if self._more is not None and self.fold.is_open:
            texts.update(self._all_texts(numbers, seconds))
        for name, text in texts.items():
            self._figures[name].set_text(text)

    def _all_texts(self, numbers: Numbers, seconds: Mapping[str, float]) -> dict[str, str]:
        texts = {
            "lpips-mean": number_text(numbers.lpips_mean, 4),
            "lpips-p95": number_text(numbers.lpips_p95, 4),
            "lpips-worst": number_text(numbers.lpips_worst, 4),
            "psnr": NONE if numbers.psnr is None else number_text(numbers.psnr, 1) + " dB",
            "original-cosine": number_text(numbers.original_cosine, 4),
            "candidate-cosine": number_text(numbers.candidate_cosine, 4),
            "delay": milliseconds_text(numbers.delay),
        }
        for stage, taken in seconds.items():
            name = f"stage-{stage}"
            if stage in _MODELS:
                continue
            if name not in self._figures and self._stages is not None:
                self._add(
                    name,
                    title_of_stage(stage),
                    "0000.0 ms",
                    tr("Time of this stage in a frame, median"),
                    self._stage_row,
                    self._stages,
                )
            self._figures[name].show()
            texts[name] = milliseconds_text(taken)
        return texts

    def _figure_of_kind(self, name: str, value: float) -> dict[str, str]:
        described = self._kind_figures.get(name) or figure_of_kind(name)
        if described is None:
            return {}
        if name not in self._figures:
            self._kind_figures[name] = described
            self._add(name, described.caption, described.widest, described.tip, self._row, self._flow)
        self._figures[name].show()
        return {name: described.text(value)}


class _Scrolled(QScrollArea):
    """As high as all it holds where there is room, and scrolled where there is not."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-more-numbers")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the height of everything at this width."""
        held = self.widget()
        return QSize(240, held.heightForWidth(max(self.width(), 120)) if held is not None else 0)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return room for two rows of figures."""
        return QSize(120, 6 * self.fontMetrics().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Say how high everything is at the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()


def _heading(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setProperty("role", "caption")
    return label


def _row_in(column: QVBoxLayout, heading: QLabel, parent: QWidget) -> tuple[QWidget, FlowLayout]:
    row = QWidget(parent)
    flow = FlowLayout(10, row)
    column.addSpacing(4)
    column.addWidget(heading)
    column.addWidget(row)
    return row, flow
