"""Export: the chosen files in one folder, with all that an app's makers need to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QProgressBar, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from converters.errors import CancelledError, StudioError
from converters.package.place import Place
from studio.exporting import KIND, exporting
from studio.jobs.job import Job
from studio.ui.amounts import seconds_text, size_text
from studio.ui.pages.base import Page
from studio.ui.pages.export_files import ExportFiles
from studio.ui.pages.export_licence import LicenceCard
from studio.ui.pages.export_options import ExportOptions
from studio.ui.pages.export_texts import ExportTexts
from studio.ui.texts import tr
from studio.ui.widgets.banner import Tone
from studio.ui.widgets.empty_state import EmptyState
from studio.ui.workbench import Workbench

_PAUSE = 250  # milliseconds after the last change before the files are read for the preview


class ExportPage(Page):
    """Writes chosen files, how to feed them, what is known of them and whose they are into one folder."""

    identifier: ClassVar[str] = "export"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(
            bench,
            tr("Export"),
            tr("One folder for the people who build the app: the files, how to feed them, and whose they are."),
            parent,
        )
        self._choice = exporting(bench)
        self._followed = -1
        self._place: Place | None = None
        self._free = 0
        self._run = QPushButton()
        self._run.setObjectName("export-run")
        self._run.setProperty("role", "primary")
        self._run.setToolTip(tr("Write the folder"))
        self._run.clicked.connect(self._run_or_cancel)
        self.buttons.addWidget(self._run)
        # whatever is moved to another parent is styled anew with all it holds, so every part is made where it belongs
        self._stack = QStackedWidget(self)
        work = QWidget(self._stack)
        split = QSplitter(Qt.Orientation.Horizontal, work)
        split.setHandleWidth(12)
        left = QWidget(split)
        self.files = ExportFiles(left)
        self.files.chosen.connect(self._choice.choose_files)
        self.files.preset.connect(self._choice.choose_preset)
        self.options = ExportOptions(self._choice, left)
        self.options.folder_wanted.connect(self._ask_for_folder)
        self.texts = ExportTexts(split)
        self.texts.folder_wanted.connect(self.open_folder)
        self.licence = LicenceCard(work)
        self._bar = QProgressBar(work)
        self._bar.setObjectName("export-progress")
        self._bar.setAccessibleName(tr("Progress of the export"))
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.hide()
        self._nothing = EmptyState(
            tr("Nothing to export yet"),
            tr("Make files of the model on the Convert page; then they can be gathered here."),
            (tr("Go to Convert"), lambda: self.go_to.emit("convert")),
        )
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.files, 1)
        column.addWidget(self.options)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(self.texts)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setSizes([1000, 1000])
        rows = QVBoxLayout(work)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(12)
        rows.addWidget(self.licence)
        rows.addWidget(self._bar)
        rows.addWidget(split, 1)
        self._stack.addWidget(self._nothing)
        self._stack.addWidget(work)
        self.body.addWidget(self._stack, 1)
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE)
        self._timer.timeout.connect(self._look)
        self._choice.changed.connect(self.refresh)
        bench.document.inspection_changed.connect(self.refresh)
        bench.jobs.added.connect(self._take_added)
        self.texts.show_result(self._choice.result)
        self.refresh()

    def shown(self) -> None:
        """Bring the page up to date; what lies on the disk may have changed."""
        self.refresh()
        self._timer.start()

    def refresh(self) -> None:
        """Show what there is, and look at the files and the place again in a moment."""
        entries = self._choice.entries
        self._stack.setCurrentIndex(1 if entries else 0)
        running = self._choice.running
        if running is not None:
            self._follow(running.identity)
        self.files.show_entries(entries, [entry.file.path for entry in self._choice.chosen])
        self.options.refresh()
        self.licence.show_family((self.bench.document.inspection or {}).get("family") or {})
        self._bar.setVisible(running is not None)
        self._show_state(running)
        if self.isVisible():
            self._timer.start()

    def open_folder(self) -> None:
        """Show the last export in the system's file manager."""
        result = self._choice.result
        if result is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(result["folder"]))

    # --- what is said --------------------------------------------------------------------------------------------

    def _show_state(self, running: Job | None) -> None:
        chosen = self._choice.chosen
        size = sum(entry.file.size for entry in chosen)
        self.options.show_place(self._place, self._free, size)
        self._run.setText(tr("Export") if running is None else tr("Cancel"))
        self._run.setAccessibleName(self._run.text())
        names = [entry.file.name for entry in chosen]
        twice = next((name for name in names if names.count(name) > 1), "")
        can_run = bool(chosen) and not twice and self._place is not Place.TAKEN
        self._run.setEnabled(can_run or running is not None)
        if running is not None:
            self._show_progress(running)
            return
        if not chosen:
            self.set_forecast(tr("Choose at least one file.") if self._choice.entries else "")
            return
        if twice:
            self.set_forecast(tr("Two of the chosen files are called {name}; choose one of them.", name=twice))
            return
        count = tr("1 file") if len(chosen) == 1 else tr("{count} files", count=len(chosen))
        words = [tr("{files} of {size} go to {folder}.", files=count, size=size_text(size), folder=self._choice.name)]
        failed = [entry.label for entry in chosen if not entry.file.verified]
        if failed:
            words.append(tr("{files} did not pass verification and will be marked so.", files=", ".join(failed)))
        if self._choice.choice.with_comparison:
            words.append(tr("The comparison runs every file on the pictures first, which takes minutes for Core ML."))
        self.set_forecast(" ".join(words))

    def _show_progress(self, job: Job) -> None:
        self._bar.setValue(round(job.fraction * 1000))
        stage = job.message.stage or tr("Waiting for other jobs")
        if job.remaining is None:
            self.set_forecast(stage)
        else:
            self.set_forecast(tr("{stage}; about {time} left", stage=stage, time=seconds_text(job.remaining)))

    # --- the preview ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if not self._choice.entries:
            return
        self.bench.jobs.follow(self._choice.look(), self, done=self._take_look, failed=self._look_failed)

    def _take_look(self, data: dict[str, Any]) -> None:
        self._place, self._free = Place(data["place"]), int(data["free"])
        self.texts.show_readme(data["readme"])
        self._show_state(self._choice.running)

    def _look_failed(self, error: StudioError) -> None:
        if not isinstance(error, CancelledError):
            self._place = None
            self.texts.readme.say(str(error))
            self._show_state(self._choice.running)

    # --- the export ----------------------------------------------------------------------------------------------

    def _run_or_cancel(self) -> None:
        running = self._choice.running
        if running is not None:
            self.bench.jobs.cancel(running.identity)
        elif self._place is Place.EXPORT:
            self._ask_to_replace()
        else:
            self._start()

    def _ask_to_replace(self) -> None:
        self.banner.say(
            tr("{folder} holds an earlier export.", folder=str(self._choice.destination)),
            Tone.WARNING,
            [(tr("Replace it"), lambda: self._start(force=True))],
        )

    def _start(self, *, force: bool = False) -> None:
        if self._choice.running is None and self._choice.chosen:
            self.banner.dismiss()
            self._choice.start(force=force)
            self.refresh()

    def _take_added(self, identity: int) -> None:
        """Follow an export wherever it was started, from the list of jobs for one."""
        if self.bench.jobs.job(identity).request.kind == KIND:
            self.refresh()

    def _follow(self, identity: int) -> None:
        if identity != self._followed:
            self._followed = identity
            self.bench.jobs.follow(identity, self, done=self._done, failed=self._failed, changed=self._show_progress)

    def _done(self, result: dict[str, Any]) -> None:
        self.refresh()
        self.texts.show_result(result, bring_up=True)
        words = tr("{count} files were written to {folder}.", count=len(result["files"]), folder=result["folder"])
        self.banner.say(words, Tone.SUCCESS, [(tr("Open folder"), self.open_folder)])

    def _failed(self, error: StudioError) -> None:
        self.refresh()
        if not isinstance(error, CancelledError):
            self.banner.say_error(error, [(tr("Try again"), self._run_or_cancel)])

    def _ask_for_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Folder that the new one is made in"), self._choice.folder)
        if chosen:
            self._choice.choose(folder=str(Path(chosen)))
