"""The drawer with all jobs: the newest first, each with what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from studio.jobs.job import Job, JobState
from studio.ui.texts import tr
from studio.ui.widgets.empty_state import EmptyState
from studio.ui.widgets.job_row import JobRow
from studio.ui.widgets.log_view import LogView
from studio.ui.workbench import Workbench

_MOST_ROWS = 40
_CLOCK = 1000  # milliseconds: the time that passed is shown in seconds


class JobsDrawer(QWidget):
    """Lists the jobs that are not quiet, and quiet ones that failed.

    Args:
        bench: its jobs are shown.
        parent: of the drawer.

    Attributes:
        count_changed: another number of jobs waits or runs.
    """

    count_changed = Signal(int)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = bench.jobs
        self._rows: dict[int, JobRow] = {}
        self._count = -1
        self.setObjectName("jobs-drawer")
        self.setAccessibleName(tr("Jobs"))
        self._summary = QLabel()
        self._summary.setObjectName("jobs-summary")
        self._summary.setProperty("role", "secondary")
        self._clear = QPushButton(tr("Clear finished"))
        self._clear.setObjectName("jobs-clear")
        self._clear.setProperty("role", "link")
        self._clear.setAccessibleName(self._clear.text())
        self._clear.setToolTip(tr("Remove all jobs that are over from this list"))
        self._clear.clicked.connect(self.clear_finished)
        self._empty = EmptyState(
            tr("No jobs yet"), tr("Whatever is converted, compared or exported is listed here, with its log.")
        )
        self._lay_out()
        self._clock = QTimer(self, interval=_CLOCK)
        self._clock.timeout.connect(self._show_times)
        self._jobs.added.connect(self._show_job)
        self._jobs.changed.connect(self._show_job)
        self._jobs.finished.connect(self._show_job)
        self._jobs.removed.connect(self._remove)
        for job in self._jobs.jobs():
            self._show_job(job.identity)
        self._bring_up_to_date()

    @property
    def count(self) -> int:
        """How many of the listed jobs wait or run."""
        return max(0, self._count)

    def clear_finished(self) -> None:
        """Drop all jobs that are over."""
        for identity in list(self._rows):
            self._jobs.forget(identity)

    def show_log(self, identity: int) -> None:
        """Open the log of a job beside the window."""
        view = LogView(self._jobs, identity, self)
        view.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        view.show()

    def _lay_out(self) -> None:
        heading = QLabel(tr("Jobs"))
        heading.setProperty("role", "subtitle")
        top = QHBoxLayout()
        top.setContentsMargins(16, 6, 12, 6)
        top.setSpacing(12)
        top.addWidget(heading)
        top.addWidget(self._summary)
        top.addStretch(1)
        top.addWidget(self._clear)
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("jobs-list")
        self._scroll.setAccessibleName(tr("List of jobs"))
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its buttons take it
        self._scroll.setWidget(inside)
        rule = QFrame()
        rule.setProperty("role", "rule")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(rule)
        column.addLayout(top)
        column.addWidget(self._empty, 1)
        column.addWidget(self._scroll, 1)

    def _show_job(self, identity: int) -> None:
        job = self._jobs.job(identity)
        row = self._rows.get(identity)
        if row is not None:
            row.show_job(job)
        elif _is_listed(job):
            self._add(job)
        else:
            return
        self._bring_up_to_date()

    def _add(self, job: Job) -> None:
        row = JobRow(job)
        row.cancel_wanted.connect(self._jobs.cancel)
        row.retry_wanted.connect(self._jobs.retry)
        row.log_wanted.connect(self.show_log)
        row.forget_wanted.connect(self._jobs.forget)
        newer = sum(identity > job.identity for identity in self._rows)  # a quiet one that failed comes late
        self._rows[job.identity] = row
        self._list.insertWidget(newer, row)
        if len(self._rows) > _MOST_ROWS:
            over = [each for each in sorted(self._rows) if self._jobs.job(each).state.is_over]
            for identity in over[: len(self._rows) - _MOST_ROWS]:
                self._remove(identity)

    def _remove(self, identity: int) -> None:
        row = self._rows.pop(identity, None)
        if row is not None:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
            self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        states = [self._jobs.job(identity).state for identity in self._rows]
        count = sum(not state.is_over for state in states)
        is_running = JobState.RUNNING in states
        if is_running != self._clock.isActive():
            self._clock.start() if is_running else self._clock.stop()
        self._empty.setVisible(not self._rows)
        self._scroll.setVisible(bool(self._rows))
        self._clear.setVisible(bool(self._rows))
        self._clear.setEnabled(count < len(self._rows))
        if count != self._count:
            self._count = count
            self._summary.setText(tr("{count} waiting or running", count=count) if count else "")
            self.count_changed.emit(count)

    def _show_times(self) -> None:
        for identity, row in self._rows.items():
            row.show_time(self._jobs.job(identity))


def _is_listed(job: Job) -> bool:
    return not job.request.is_quiet or job.state is JobState.FAILED
