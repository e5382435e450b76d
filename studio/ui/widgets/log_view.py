"""What the workers of a job printed, to read and to copy."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from studio.jobs.job import JobState
from studio.jobs.service import JobService
from studio.ui.job_words import failure_text
from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label

_REFRESH = 1000  # milliseconds between two looks at a running job's log


class LogView(QDialog):
    """The log of one job; follows it while it runs.

    Args:
        jobs: the service.
        identity: of a job that it knows.
        parent: of the dialog.
    """

    def __init__(self, jobs: JobService, identity: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._identity = identity
        title = jobs.job(identity).request.title
        self.setObjectName("log-view")
        self.setWindowTitle(tr("Log: {title}", title=title))
        self.setAccessibleName(self.windowTitle())
        self.resize(860, 480)
        self._words = plain_label(role="error")
        self._words.setObjectName("log-failure")
        self._text = QPlainTextEdit()
        self._text.setObjectName("log-text")
        self._text.setAccessibleName(tr("What was printed"))
        self._text.setToolTip(tr("What the workers of this job and the libraries in them printed, the last lines last"))
        self._text.setReadOnly(True)
        self._text.setUndoRedoEnabled(False)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.setPlaceholderText(tr("Nothing was printed."))
        copy = QPushButton(tr("Copy all"))
        copy.setObjectName("log-copy")
        copy.setAccessibleName(copy.text())
        copy.setToolTip(tr("Put the whole text on the clipboard, to send it with a report"))
        copy.clicked.connect(self.copy)
        close = QPushButton(tr("Close"))
        close.setObjectName("log-close")
        close.setAccessibleName(close.text())
        close.setToolTip(tr("Close this window (Esc)"))
        close.setDefault(True)
        close.clicked.connect(self.close)
        self._copied = QLabel()
        self._copied.setProperty("role", "secondary")
        buttons = QHBoxLayout()
        buttons.addWidget(self._copied)
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._words)
        column.addWidget(self._text, 1)
        column.addLayout(buttons)
        self._timer = QTimer(self, interval=_REFRESH)
        self._timer.timeout.connect(self._refresh)
        jobs.finished.connect(self._take_end)
        jobs.removed.connect(self._take_end)
        self._refresh()
        if not jobs.job(identity).state.is_over:
            self._timer.start()

    def copy(self) -> None:
        """Put the sentence and the log on the clipboard."""
        parts = [self._words.text(), self._text.toPlainText()]
        QGuiApplication.clipboard().setText("\n\n".join(part for part in parts if part))
        self._copied.setText(tr("Copied."))

    def _take_end(self, identity: int) -> None:
        if identity == self._identity:
            self._timer.stop()
            self._refresh()

    def _refresh(self) -> None:
        job = next((job for job in self._jobs.jobs() if job.identity == self._identity), None)
        if job is None:  # dropped from the list: what is in view stays
            return
        self._words.setText(failure_text(job))
        self._words.setVisible(job.state is JobState.FAILED)
        text = self._jobs.log(self._identity)
        if text == self._text.toPlainText():
            return
        bar = self._text.verticalScrollBar()
        was_at_end, place = bar.value() >= bar.maximum() - 1, bar.value()
        self._text.setPlainText(text)
        if was_at_end:
            self._text.moveCursor(QTextCursor.MoveOperation.End)
            self._text.moveCursor(QTextCursor.MoveOperation.StartOfLine)
        else:
            bar.setValue(place)
