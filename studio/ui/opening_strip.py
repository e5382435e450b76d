"""The strip above the pages while something is opened: how far it is, what went wrong, what is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from converters.errors import OtherContentsError, SizesNeededError, StudioError, TrustNeededError
from studio.jobs.job import Job
from studio.missing import Missing, MissingKind
from studio.ui.job_words import stage_text
from studio.ui.opening import Opening
from studio.ui.opening_questions import SizesQuestion, TrustQuestion
from studio.ui.texts import tr
from studio.ui.widgets.banner import Action, Banner, Tone

DELAY = 250
"""Milliseconds before progress is shown; most models are open by then."""


class OpeningStrip(QWidget):
    """Says how an `Opening` is doing; takes no room while there is nothing to say."""

    def __init__(self, opening: Opening, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("opening-strip")
        self._opening = opening
        self._name = ""
        self.banner = Banner()
        self._progress = self._make_progress()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._progress)
        column.addWidget(self.banner)
        self._delay = QTimer(self, singleShot=True, interval=DELAY)
        self._delay.timeout.connect(self._progress.show)
        opening.started.connect(self._started)
        opening.progressed.connect(self._progressed)
        opening.ended.connect(self._ended)
        opening.opened.connect(self._say_missing)
        opening.refused.connect(self._refused)
        opening.missing.connect(self._say_missing)
        opening.replaced.connect(self._say_replaced)
        if opening.source:  # the window was made anew meanwhile
            self._started(opening.source)

    def _make_progress(self) -> QWidget:
        self._words = QLabel()
        self._words.setObjectName("opening-words")
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._bar = QProgressBar()
        self._bar.setObjectName("opening-bar")
        self._bar.setAccessibleName(tr("Progress of opening"))
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(8)
        self._bar.setMaximumWidth(240)
        cancel = QPushButton(tr("Cancel"))
        cancel.setObjectName("opening-cancel")
        cancel.setAccessibleName(tr("Stop opening"))
        cancel.setToolTip(tr("Stop opening; what was open stays open."))
        cancel.clicked.connect(lambda _checked=False: self._opening.cancel())
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(20, 8, 20, 8)
        row.setSpacing(12)
        row.addWidget(self._words, 1)
        row.addWidget(self._bar, 1)
        row.addWidget(cancel)
        whole.hide()
        return whole

    def _started(self, path: str) -> None:
        self._name = Path(path).name
        self.banner.dismiss()
        self._words.setText(tr("Opening {name}", name=self._name))
        self._bar.setRange(0, 0)
        self._delay.start()

    def _progressed(self, job: Job) -> None:
        self._words.setText(tr("Opening {name}: {stage}", name=self._name, stage=stage_text(job)))
        # a stage without a fraction may be any time from its end
        self._bar.setRange(0, 100 if job.fraction else 0)
        self._bar.setValue(round(100 * job.fraction))

    def _ended(self) -> None:
        self._delay.stop()
        self._progress.hide()

    def _refused(self, error: StudioError, path: str, again: Callable[[], object] | None) -> None:
        if isinstance(error, TrustNeededError):
            trust = TrustQuestion(error, self.window())
            trust.accepted.connect(partial(self._opening.open_trusted, path))
            trust.open()
            return
        if isinstance(error, SizesNeededError) and error.axes:
            sizes = SizesQuestion(error, {}, self.window())
            sizes.answered.connect(partial(self._opening.open_sized, path))
            sizes.open()
            return
        self.banner.say_error(error, self._ways_out(error, path, again))

    def _ways_out(self, error: StudioError, path: str, again: Callable[[], object] | None) -> list[Action]:
        missing = self._opening.document_missing
        find: list[Action] = [(tr("Find it..."), partial(self._find, missing[0]))] if missing else []
        if again is None:
            return find
        if isinstance(error, OtherContentsError):
            return [*find, (tr("Use this file"), partial(self._opening.open_changed, path))]
        if path.endswith(".py"):
            return [*find, (tr("Name its function..."), partial(self._ask_function, path))]
        return [*find, (tr("Try again"), again)]

    def _ask_function(self, path: str) -> None:
        question = QInputDialog(self.window())
        question.setObjectName("function-question")
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.setWindowTitle(tr("Which function builds the network?"))
        question.setLabelText(tr("Name of the function in {name}:", name=Path(path).name))
        question.textValueSelected.connect(lambda function: self._opening.open(f"{path}:{function.strip()}"))
        question.open()

    def _say_missing(self) -> None:
        missing = self._opening.document_missing
        if not missing:
            self.banner.dismiss()
            return
        first = missing[0]
        name = first.path.name
        words = {
            MissingKind.SOURCE: tr("The project's model {name} is not where it was.", name=name),
            MissingKind.FILE: tr("{name}, which was made with this project, is not where it was.", name=name),
            MissingKind.IMAGES: tr("The pictures in {name} are not where they were.", name=name),
        }
        sentence = words[first.kind]
        if first.is_changed:
            sentence = tr("{name}, which was made with this project, is another file now.", name=name)
        others = tr("Missing besides: {count}", count=len(missing) - 1) if len(missing) > 1 else ""
        text = "\n".join(part for part in (sentence, tr("It was {path}", path=str(first.path)), others) if part)
        self.banner.say(text, Tone.WARNING, [(tr("Find it..."), partial(self._find, first))])

    def _say_replaced(self, name: str) -> None:
        self.banner.say(
            tr(
                "{name} has changed. The files made of its former contents left the project; they stay on disk.",
                name=name,
            )
        )

    def _find(self, missing: Missing) -> None:
        dialog = QFileDialog(self.window(), tr("Where is {name}?", name=missing.path.name))
        dialog.setObjectName("find-missing")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_folder = missing.kind is MissingKind.IMAGES or missing.path.suffix == ".mlpackage"
        dialog.setFileMode(QFileDialog.FileMode.Directory if is_folder else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(partial(self._opening.found, missing))
        dialog.open()
