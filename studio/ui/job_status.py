"""The line at the bottom of the window: which job runs, how far it is, and the button that opens the drawer."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QToolButton, QWidget

from studio.jobs.job import Job, JobState
from studio.jobs.service import JobService
from studio.ui.icons import icon
from studio.ui.job_words import stage_text, time_text
from studio.ui.texts import tr
from studio.ui.widgets.elided_label import ElidedLabel


class JobStatus(QWidget):
    """Says what the program is doing.

    Attributes:
        drawer_wanted: the person wants the jobs drawer shown or hidden.
    """

    drawer_wanted = Signal(bool)

    def __init__(self, jobs: JobService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._words = ElidedLabel(role="secondary", mode=Qt.TextElideMode.ElideRight)
        self._words.setObjectName("job-words")
        self._bar = QProgressBar()
        self._bar.setObjectName("job-bar")
        self._bar.setAccessibleName(tr("Progress of the running job"))
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(160, 6)
        self._button = QToolButton()
        self._button.setObjectName("jobs-button")
        self._button.setIcon(icon("jobs", checkable=True))
        self._button.setIconSize(QSize(16, 16))
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setCheckable(True)
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._button.setToolTip(tr("Show or hide all jobs (Ctrl+J)"))
        self._button.toggled.connect(self.drawer_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 12, 2)
        row.setSpacing(12)
        row.addWidget(self._words, 1)
        row.addWidget(self._bar)
        row.addWidget(self._button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for signal in (jobs.added, jobs.changed, jobs.finished, jobs.removed):
            signal.connect(self._refresh)
        self._refresh()

    def show_drawer_open(self, is_open: bool) -> None:
        """Show whether the drawer is open."""
        self._button.setChecked(is_open)

    def _refresh(self, _identity: int = 0) -> None:
        loud = [job for job in self._jobs.jobs() if not job.request.is_quiet]
        running = [job for job in loud if job.state is JobState.RUNNING]
        waiting = [job for job in loud if job.state is JobState.QUEUED]
        count = len(running) + len(waiting)
        self._button.setText(tr("Jobs ({count})", count=count) if count else tr("Jobs"))
        self._button.setAccessibleName(self._button.text())
        shown = running[-1] if running else None
        self._words.set_text(_sentence(shown) if shown else "")
        self._bar.setVisible(shown is not None)
        if shown is not None:
            fraction = shown.fraction
            self._bar.setRange(0, 1000 if fraction else 0)
            self._bar.setValue(round(fraction * 1000))


def _sentence(job: Job) -> str:
    parts = (job.request.title, stage_text(job), time_text(job))
    return "  ·  ".join(part for part in parts if part)
