"""Compare: what compression did to the pictures, before anything is shipped; on stored pictures, or live."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from converters.errors import CancelledError, StudioError
from converters.preview.request import SourceChoice
from studio.comparing import comparing
from studio.comparison_results import KIND
from studio.jobs.job import Job, JobRequest, Lane
from studio.preview.previewing import previewing
from studio.ui.amounts import seconds_text
from studio.ui.job_words import stage_text, time_text
from studio.ui.pages.base import Page
from studio.ui.pages.compare_results import CompareResults
from studio.ui.pages.compare_setup import CompareSetup
from studio.ui.pages.live_dialogs import LiveDialogs
from studio.ui.pages.live_panel import LivePanel
from studio.ui.pages.quantize_request import CALIBRATION_FOLDER
from studio.ui.texts import tr
from studio.ui.widgets.banner import Tone
from studio.ui.widgets.empty_state import EmptyState
from studio.ui.workbench import Workbench

_WORKER = "inspector"
PICTURES, LIVE = range(2)


class ComparePage(Page):
    """Compares the model with the files made of it, or any two files: on stored pictures, or on moving ones.

    Attributes:
        live: the tab "Live"; None before it is first shown.
    """

    identifier: ClassVar[str] = "compare"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(
            bench,
            tr("Compare"),
            tr("See what compression did: the same pictures through both models, side by side."),
            parent,
        )
        self.live: LivePanel | None = None
        # beside the title and not below it: the height belongs to the pictures
        self._tabs = QTabBar(self)
        self._tabs.setObjectName("compare-tabs")
        self._tabs.setAccessibleName(tr("How to compare"))
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(False)
        self._tabs.setUsesScrollButtons(False)
        for place, (words, tip) in enumerate(
            (
                (tr("Pictures"), tr("On stored pictures, with every measure and a report")),
                (tr("Live"), tr("On a camera, a video or the built-in clip, while it moves")),
            )
        ):
            self._tabs.addTab(words)
            self._tabs.setTabToolTip(place, tip)
        self._tabs.currentChanged.connect(self._show_tab)
        self._choice = comparing(bench)
        self._followed = -1
        self._run = _button("compare-run", tr("Compare"), tr("Run all chosen models on the same pictures"), "primary")
        self._run.clicked.connect(self._run_or_cancel)
        self._save = _button("save-report", tr("Save report…"), tr("Write what was found as one HTML file"))
        self._save.clicked.connect(self._ask_for_report)
        self._live_run = _button("live-run", tr("Start"), tr("Start the live comparison"), "primary")
        self._live_run.clicked.connect(self._start_or_stop_live)
        self._live_run.hide()
        self.buttons.addWidget(self._tabs)
        self.buttons.addWidget(self._save)
        self.buttons.addWidget(self._run)
        self.buttons.addWidget(self._live_run)
        self._rooms = QStackedWidget(self)
        self._picture_room, self._live_room = QWidget(self._rooms), QWidget(self._rooms)
        for room in (self._picture_room, self._live_room):
            self._rooms.addWidget(room)
        QVBoxLayout(self._live_room).setContentsMargins(0, 0, 0, 0)
        # whatever is moved to another parent is styled anew with all it holds, so every part is made where it belongs
        self._stack = QStackedWidget(self._picture_room)
        self.setup = CompareSetup(self._choice, self._picture_room)
        self.setup.file_wanted.connect(self._ask_for_file)
        self.setup.folder_wanted.connect(self._ask_for_folder)
        self._bar = QProgressBar(self._picture_room)
        self._bar.setObjectName("compare-progress")
        self._bar.setAccessibleName(tr("Progress of the comparison"))
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.hide()
        self.results = CompareResults(self._stack)
        self.results.keep_wanted.connect(self._keep)
        self.results.notes_wanted.connect(lambda notes: self.banner.say("\n".join(notes)))
        self._no_files = EmptyState(
            tr("Nothing to compare yet"),
            tr("Make files of the model on the Convert page, or add a file that you have."),
            (tr("Go to Convert"), lambda: self.go_to.emit("convert")),
        )
        self._not_run = EmptyState(
            tr("Not compared yet"),
            tr("The models run on the same pictures, one after the other; then you see them side by side."),
            (tr("Compare now"), self._start),
        )
        self._busy = EmptyState(
            tr("Comparing"), tr("The models run one after the other. The result appears here when all are measured.")
        )
        for widget in (self._no_files, self._not_run, self._busy, self.results):
            self._stack.addWidget(widget)
        column = QVBoxLayout(self._picture_room)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.setup)
        column.addWidget(self._bar)
        column.addWidget(self._stack, 1)
        self.body.addWidget(self._rooms, 1)
        self._choice.changed.connect(self.refresh)
        bench.jobs.added.connect(self._take_added)
        self.refresh()
        if previewing(bench).is_on:
            self._tabs.setCurrentIndex(LIVE)  # what runs is what a page that is made anew shows

    def shown(self) -> None:
        """Bring the page up to date."""
        self.refresh()

    def show_live(self, source: SourceChoice | None = None) -> None:
        """Bring the tab "Live" into view and start it.

        Args:
            source: of the frames; None for the one that was chosen before.
        """
        self._tabs.setCurrentIndex(LIVE)
        assert self.live is not None
        if source is not None:
            self.live.previewing.choose_source(source)
        if not self.live.is_on:
            self.live.start_or_stop()

    def refresh(self) -> None:
        """Show what there is: a result, how far it is, or what to do."""
        running, result = self._choice.running, self._choice.result
        if running is not None:
            self._follow(running.identity)
        can_run = bool(self._choice.candidates)
        self._run.setText(tr("Compare") if running is None else tr("Cancel"))
        self._run.setAccessibleName(self._run.text())
        self._run.setEnabled(can_run or running is not None)
        self._save.setEnabled(result is not None and running is None)
        self._bar.setVisible(running is not None)
        if result is not None:
            self.results.show_result(result)
            self._stack.setCurrentWidget(self.results)
        elif running is not None:
            self._stack.setCurrentWidget(self._busy)
        else:
            self._stack.setCurrentWidget(self._not_run if can_run or self._choice.can_be_candidates else self._no_files)
        self._show_forecast(running)

    def save_report(self, path: Path) -> int | None:
        """Write the report of the result in view; return the job's identity, None where there is no result."""
        result = self._choice.result
        if result is None:
            return None
        arguments = {"pictures": str(result.folder), "comparison": result.data, "path": str(path), "force": True}
        title = tr("Writing {file}", file=path.name)
        return self._operate(
            "compare_page",
            arguments,
            title,
            lambda _data: self.banner.say(tr("The report was written to {file}.", file=str(path)), Tone.SUCCESS),
        )

    def _show_tab(self, place: int) -> None:
        is_live = place == LIVE
        if is_live and self.live is None:
            self.live = self._made_live()
        policies = QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        for number, room in enumerate((self._picture_room, self._live_room)):
            # only what is in view says how much room it needs
            policy = policies[number == place]
            room.setSizePolicy(policy, policy)
        self._rooms.setCurrentIndex(place)
        for widget in (self._save, self._run):
            widget.setVisible(not is_live)
        self._live_run.setVisible(is_live)
        self.banner.dismiss()
        self.refresh()

    def _made_live(self) -> LivePanel:
        live = LivePanel(self.bench, self._live_room)
        layout = self._live_room.layout()
        assert layout is not None
        layout.addWidget(live)
        live.state_changed.connect(self._show_live_state)
        live.said.connect(self._say_of_live)
        LiveDialogs(live, self.bench)
        self.live = live
        self._show_live_state()
        return live

    def _start_or_stop_live(self) -> None:
        if self.live is not None:
            self.banner.dismiss()
            self.live.start_or_stop()

    def _show_live_state(self) -> None:
        assert self.live is not None
        is_on = self.live.is_on
        self._live_run.setText(tr("Stop") if is_on else tr("Start"))
        self._live_run.setAccessibleName(self._live_run.text())
        self._live_run.setToolTip(tr("End the live comparison") if is_on else tr("Start the live comparison"))

    def _say_of_live(self, text: str, tone: str, error: StudioError | None) -> None:
        self.banner.say(text or str(error), Tone(tone))

    def _show_forecast(self, running: Job | None) -> None:
        if self._tabs.currentIndex() == LIVE:
            self.set_forecast("")
            return
        candidates = self._choice.candidates
        if running is not None:
            self._show_progress(running)
            return
        if not candidates:
            self.set_forecast(tr("Choose at least one candidate.") if self._choice.can_be_candidates else "")
            return
        original = self._choice.original
        words = tr(
            "{files} beside {original}, on up to {pictures} pictures: about {time}. No file is changed.",
            pictures=self._choice.pictures,
            files=candidates[0].label if len(candidates) == 1 else tr("{count} files", count=len(candidates)),
            original=tr("the model") if original is None or original.is_model else original.label,
            time=seconds_text(self._choice.seconds()),
        )
        if any(each.is_reference for each in candidates):
            slow = tr("Core ML packages run in the reference executor here, which takes seconds for each picture.")
            words = f"{words} {slow}"
        self.set_forecast(words)

    def _show_progress(self, job: Job) -> None:
        self._bar.setValue(round(job.message.fraction * 1000))
        if self._tabs.currentIndex() == LIVE:
            return
        stage, left = stage_text(job), time_text(job)
        self.set_forecast(tr("{stage}; {time}", stage=stage, time=left) if left else stage)

    # --- jobs ----------------------------------------------------------------------------------------------------

    def _run_or_cancel(self) -> None:
        running = self._choice.running
        if running is not None:
            self.bench.jobs.cancel(running.identity)
        else:
            self._start()

    def _start(self) -> None:
        if self._choice.candidates and self._choice.running is None:
            self.banner.dismiss()
            self._choice.start()
            self.refresh()

    def _take_added(self, identity: int) -> None:
        """Follow a comparison wherever it was started, from the list of jobs for one."""
        if self.bench.jobs.job(identity).request.kind == KIND:
            self.refresh()

    def _follow(self, identity: int) -> None:
        if identity != self._followed:
            self._followed = identity
            self.bench.jobs.follow(
                identity, self, done=lambda _data: self.refresh(), failed=self._failed, changed=self._show_progress
            )

    def _failed(self, error: StudioError) -> None:
        self.refresh()
        if not isinstance(error, CancelledError):
            self.banner.say_error(error, [(tr("Try again"), self._start)])

    def _keep(self, pictures: list[tuple[Path, str]]) -> None:
        folder = self.bench.document.work_folder / CALIBRATION_FOLDER
        arguments = {"files": [{"path": str(path), "name": name} for path, name in pictures], "folder": str(folder)}

        def kept(data: dict[str, Any]) -> None:
            count = len(data["added"])
            words = (
                tr("{count} pictures were added to the calibration folder {folder}.", count=count, folder=str(folder))
                if count
                else tr("These pictures are in the calibration folder already.")
            )
            self.banner.say(words, Tone.SUCCESS, [(tr("Go to Quantize"), lambda: self.go_to.emit("quantize"))])

        self._operate("keep_pictures", arguments, tr("Adding pictures to calibration"), kept)

    def _operate(self, operation: str, arguments: dict[str, Any], title: str, done: Any) -> int:
        request = JobRequest(
            "operation",
            title,
            {"worker": _WORKER, "operation": operation, "arguments": arguments},
            Lane.MODEL,
        )
        identity = self.bench.jobs.submit(request)
        self.bench.jobs.follow(identity, self, done=done, failed=self._operation_failed)
        return identity

    def _operation_failed(self, error: StudioError) -> None:
        if not isinstance(error, CancelledError):
            self.banner.say_error(error)

    # --- dialogs -------------------------------------------------------------------------------------------------

    def _ask_for_file(self) -> None:
        kinds = tr("Models")
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            tr("Add a file to compare"),
            self.bench.settings.value.last_folder,
            f"{kinds} (*.onnx *.pth *.pt *.safetensors *.mnn *.tflite *.mlpackage *.zip);;* (*)",
        )
        if chosen:
            # a package is a folder: dialogs that look into it give a file inside
            inside = next((each for each in Path(chosen).parents if each.suffix == ".mlpackage"), None)
            self._choice.add(str(inside or chosen))

    def _ask_for_folder(self) -> None:
        start = self._choice.images or self.bench.settings.value.last_folder
        chosen = QFileDialog.getExistingDirectory(self, tr("Folder of pictures to compare on"), start)
        if chosen:
            self._choice.choose_images(chosen)

    def _ask_for_report(self) -> None:
        folder = self.bench.document.path.parent if self.bench.document.path else Path.home()
        kinds = tr("Web page")
        chosen, _ = QFileDialog.getSaveFileName(
            self, tr("Save the report"), str(folder / "comparison.html"), f"{kinds} (*.html)"
        )
        if chosen:
            path = Path(chosen)
            self.save_report(path if path.suffix else path.with_suffix(".html"))


def _button(name: str, text: str, tooltip: str, role: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setToolTip(tooltip)
    button.setCursor(Qt.CursorShape.ArrowCursor)
    if role:
        button.setProperty("role", role)
    return button
