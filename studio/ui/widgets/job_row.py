"""One job of the drawer: what it is, how far it is, how long it takes, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from studio.jobs.job import Job, JobState
from studio.ui.icons import icon, picture
from studio.ui.job_words import failure_text, stage_text, time_text
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.plain_label import plain_label

_STEPS = 1000  # of the bar
_ICON = 16
_BAR_WIDTH, _TIME_WIDTH = 160, 132


class JobRow(QFrame):
    """Shows one job; the drawer gives it every new state of it.

    Args:
        job: as it is now.
        parent: of the row.

    Attributes:
        cancel_wanted, retry_wanted, log_wanted, forget_wanted: the person pressed that button; with the identity.
    """

    cancel_wanted = Signal(int)
    retry_wanted = Signal(int)
    log_wanted = Signal(int)
    forget_wanted = Signal(int)

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.identity = job.identity
        self._state: JobState | None = None
        self.setObjectName(f"job-{job.identity}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self._picture = QLabel()
        self._picture.setFixedSize(_ICON, _ICON)
        self._title = ElidedLabel(job.request.title)
        self._title.setObjectName(f"job-title-{job.identity}")
        self._stage = ElidedLabel(role="caption", mode=Qt.TextElideMode.ElideRight)
        self._stage.setObjectName(f"job-stage-{job.identity}")
        self._failure = plain_label(role="error")
        self._failure.setObjectName(f"job-failure-{job.identity}")
        self._bar = QProgressBar()
        self._bar.setObjectName(f"job-bar-{job.identity}")
        self._bar.setAccessibleName(tr("Progress of {title}", title=job.request.title))
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(_BAR_WIDTH, 6)
        self._time = QLabel()
        self._time.setObjectName(f"job-time-{job.identity}")
        self._time.setProperty("role", "caption")
        self._time.setFixedWidth(_TIME_WIDTH)
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._cancel = self._button("cancel", tr("Cancel"), self.cancel_wanted)
        self._retry = self._button("retry", tr("Run again with the same settings"), self.retry_wanted)
        self._log = self._button("log", tr("Show what the workers printed"), self.log_wanted)
        self._forget = self._button("remove", tr("Remove from this list"), self.forget_wanted)
        self._lay_out()
        self.show_job(job)

    def show_job(self, job: Job) -> None:
        """Show the job as it is now."""
        self._stage.set_text("" if job.state is JobState.FAILED else stage_text(job))
        self._bar.setValue(round(_STEPS * job.fraction))
        self.show_time(job)
        self._cancel.setEnabled(not job.is_stopping)
        if job.state is not self._state:
            self._state = job.state
            self._show_state(job)
        self.setAccessibleName(tr("{title}: {stage}", title=job.request.title, stage=stage_text(job)))

    def show_time(self, job: Job) -> None:
        """Show the time anew, which goes on while nothing else does."""
        self._time.setText(time_text(job))

    def _show_state(self, job: Job) -> None:
        of = colours()
        name, colour = {
            JobState.QUEUED: ("jobs", of.disabled),
            JobState.RUNNING: ("jobs", of.accent),
            JobState.DONE: ("success", of.success),
            JobState.FAILED: ("error", of.error),
            JobState.CANCELLED: ("cancel", of.secondary),
        }[job.state]
        self._picture.setPixmap(picture(name, _ICON, colour, self.devicePixelRatioF()))
        is_failed = job.state is JobState.FAILED
        self._failure.setText(failure_text(job))
        self._failure.setVisible(is_failed)
        self._stage.setVisible(not is_failed)
        self._bar.setVisible(job.state is JobState.RUNNING)
        had_focus = any(button.hasFocus() for button in (self._cancel, self._retry))
        self._cancel.setVisible(not job.state.is_over)
        self._retry.setVisible(job.can_retry and not job.request.is_quiet)
        self._forget.setVisible(job.state.is_over)
        if had_focus:  # the keyboard stays in this row
            (self._log if job.state.is_over else self._cancel).setFocus()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        for widget in (self._title, self._stage, self._failure):
            words.addWidget(widget)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(12)
        row.addWidget(self._picture)
        row.addLayout(words, 1)
        row.addWidget(self._bar)
        row.addWidget(self._time)
        # three places, so that the columns of all rows stand below one another
        places = QWidget()
        buttons = QHBoxLayout(places)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(2)
        buttons.addStretch(1)
        for button in (self._retry, self._log, self._cancel, self._forget):
            buttons.addWidget(button)
        places.setFixedWidth(3 * self._log.sizeHint().width() + 2 * buttons.spacing())
        row.addWidget(places)

    def _button(self, name: str, words: str, wanted: SignalInstance) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"job-{name}-{self.identity}")
        button.setIcon(icon(name))
        button.setIconSize(QSize(_ICON, _ICON))
        button.setToolTip(words)
        button.setAccessibleName(f"{words}: {self._title.full_text}")
        button.clicked.connect(lambda _checked=False: wanted.emit(self.identity))
        return button
