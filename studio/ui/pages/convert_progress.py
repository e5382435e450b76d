"""How far a conversion is: all of it, and each file by itself."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from converters.progress import ProgressMessage
from studio.jobs.job import Job, JobState
from studio.ui.job_words import time_text
from studio.ui.texts import tr
from studio.ui.widgets.elided_label import ElidedLabel

_STEPS = 1000  # of a bar
_BAR_WIDTH = 96


class ProgressCard(QFrame):
    """Shows the conversion that runs; hidden while none does.

    Attributes:
        cancel_wanted: the person wants it to stop.
    """

    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("conversion")
        self.setProperty("role", "card")
        self.setAccessibleName(tr("The conversion that runs"))
        self._identity: int | None = None
        self._rows: dict[str, tuple[ElidedLabel, QProgressBar]] = {}
        self._title = ElidedLabel(role="subtitle")
        self._time = QLabel()
        self._time.setObjectName("conversion-time")
        self._time.setProperty("role", "caption")
        self._cancel = QPushButton(tr("Cancel"))
        self._cancel.setObjectName("conversion-cancel")
        self._cancel.setAccessibleName(tr("Cancel the conversion"))
        self._cancel.setToolTip(tr("Stop within seconds; nothing of this conversion is kept"))
        self._cancel.clicked.connect(self.cancel_wanted)
        self._bar = _bar(tr("Progress of the whole conversion"))
        self._bar.setObjectName("conversion-bar")
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._title, 1)
        top.addWidget(self._time)
        top.addWidget(self._cancel)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addLayout(self._grid)
        self.hide()

    def show_job(self, job: Job | None, titles: Mapping[str, str]) -> None:
        """Show a conversion, None for none.

        Args:
            job: as it is now.
            titles: of the files it makes, by the request's name.
        """
        self.setVisible(job is not None)
        if job is None:
            self._identity = None
            return
        if job.identity != self._identity:
            self._identity = job.identity
            self._make_rows(titles)
        self._title.set_text(job.request.title)
        self._time.setText(_time(job))
        self._cancel.setEnabled(not job.is_stopping)
        self._bar.setRange(0, _STEPS if job.message.whole is not None else 0)
        self._bar.setValue(round((job.message.whole or 0.0) * _STEPS))
        for name, (stage, bar) in self._rows.items():
            part = _part(job, name)
            stage.set_text(tr(part.stage) if part else tr("Waiting"))
            bar.setVisible(part is not None)
            bar.setValue(round(part.fraction * _STEPS) if part else 0)

    def stage(self, name: str) -> str:
        """Return what is said of one part: a request's name, or "source"."""
        return self._rows[name][0].full_text

    def _make_rows(self, titles: Mapping[str, str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = {}
        for place, (name, title) in enumerate({"source": tr("Model"), **titles}.items()):
            label = QLabel(title)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            stage = ElidedLabel(role="caption", mode=Qt.TextElideMode.ElideRight)
            stage.setObjectName(f"conversion-stage-{name}")
            bar = _bar(tr("Progress of {title}", title=title))
            bar.setFixedWidth(_BAR_WIDTH)
            self._grid.addWidget(label, place, 0)
            self._grid.addWidget(stage, place, 1)
            self._grid.addWidget(bar, place, 2)
            self._rows[name] = (stage, bar)


def _part(job: Job, name: str) -> ProgressMessage | None:
    """Return what a file's worker said last; before there is one, what the target's said while it got ready."""
    return job.parts.get(name) or job.parts.get(name.partition("-")[0])


def _time(job: Job) -> str:
    if job.state is JobState.QUEUED:
        return tr("Waiting for its turn")
    return tr("Stopping") if job.is_stopping else time_text(job)


def _bar(name: str) -> QProgressBar:
    bar = QProgressBar()
    bar.setAccessibleName(name)
    bar.setTextVisible(False)
    bar.setFixedHeight(6)
    bar.setRange(0, _STEPS)
    return bar
