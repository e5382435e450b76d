"""Convert: which files to make, how far making them is, and what verification says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from converters.parameters import Value
from converters.precision import Precision
from studio.catalogue import Catalogue, TargetInfo, collect_in_background
from studio.comparing import comparing
from studio.converting import Conversions, conversions
from studio.jobs.job import Job, JobState
from studio.made_files import name_of, request_name
from studio.target_checks import TargetChecks, target_checks
from studio.target_options import options_of, precisions_of, with_option, with_precisions
from studio.ui.amounts import size_text
from studio.ui.pages.base import Page
from studio.ui.pages.convert_files import FilesPanel, target_info, title_of
from studio.ui.pages.convert_progress import ProgressCard
from studio.ui.pages.convert_settings import DestinationPanel, VerificationPanel
from studio.ui.pages.convert_target import TargetCard, TargetView
from studio.ui.pages.convert_words import expected_size, size_forecast
from studio.ui.pages.model_changes import applied_rewrites
from studio.ui.texts import tr
from studio.ui.widgets.banner import Tone
from studio.ui.workbench import Workbench

_LOOK_AGAIN = 15  # milliseconds between two looks whether the catalogue is there
_LEFT_WIDTH = 392


class ConvertPage(Page):
    """Targets at the left, files at the right."""

    identifier = "convert"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(
            bench,
            tr("Convert"),
            tr("Make files for phones. Every file is opened afresh and compared with the original before it counts."),
            parent,
        )
        self._convert = QPushButton(tr("Convert"))
        self._convert.setObjectName("convert-button")
        self._convert.setProperty("role", "primary")
        self._convert.setAccessibleName(tr("Convert"))
        self._convert.setShortcut("Ctrl+Return")
        self._convert.clicked.connect(self._start)
        self._convert.setEnabled(False)  # before the page is filled there is nothing to convert
        self.buttons.addWidget(self._convert)
        self._left = QVBoxLayout()
        self._left.setSpacing(8)
        self._right = QVBoxLayout()
        self._right.setSpacing(8)
        # whatever is moved to another parent is styled anew with all it holds, so every part is made where it belongs
        self._targets = QWidget(self)
        self._targets.setFixedWidth(_LEFT_WIDTH)
        self._targets.setLayout(self._left)
        columns = QHBoxLayout()
        columns.setSpacing(16)
        columns.addWidget(self._targets)
        columns.addLayout(self._right, 1)
        for column in (self._left, self._right):
            column.setContentsMargins(0, 0, 0, 0)
        self.body.addLayout(columns, 1)
        self._cards: dict[str, TargetCard] = {}
        self._catalogue: Catalogue | None = None
        self._wanted: tuple[str, ...] = ()
        # importing the targets takes longer than the window may stand still; and making all of the page in one round of
        # the event loop does so on a busy machine
        self._waiting = QTimer(self, interval=_LOOK_AGAIN)
        future = collect_in_background()
        self._waiting.timeout.connect(lambda: self._fill(future))
        self._waiting.start()

    def shown(self) -> None:
        """Look at the files again: somebody may have moved them meanwhile."""
        if self._catalogue is not None:
            self._conversions.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Show what changed while another page was in view."""
        super().showEvent(event)
        self._refresh()

    @property
    def _offer(self) -> Catalogue:
        assert self._catalogue is not None, "the page is filled only with the catalogue"
        return self._catalogue

    # --- making the page -----------------------------------------------------------------------------------------

    def _fill(self, future: Future[Catalogue]) -> None:
        if not future.done():
            return
        self._waiting.stop()
        self._catalogue = future.result()
        document = self.bench.document
        self._conversions: Conversions = conversions(self.bench)
        self._checks: TargetChecks = target_checks(self.bench, self._catalogue)
        for target in self._offer.targets:
            card = TargetCard(target, self._targets)
            card.precisions_wanted.connect(self._choose)
            card.option_wanted.connect(self._set_option)
            card.go_to.connect(self.go_to)
            self._cards[target.name] = card
            self._left.addWidget(card)
        self._verification = VerificationPanel(parent=self._targets)
        self._verification.changed.connect(self._judge)
        self._destination = DestinationPanel(self._targets)
        self._destination.folder_wanted.connect(lambda: self._open_folder(document.work_folder))
        self._destination.go_to.connect(self.go_to)
        self._left.addWidget(self._verification)
        self._left.addWidget(self._destination)
        self._left.addStretch(1)
        self._progress = ProgressCard(self)
        self._progress.cancel_wanted.connect(self._conversions.cancel)
        self._files = FilesPanel(document, self._conversions, self._catalogue, self)
        self._files.retry_wanted.connect(self._make)
        self._files.folder_wanted.connect(self._open_folder)
        self._files.compare_wanted.connect(self._compare)
        self._files.remove_wanted.connect(self._remove)
        self._right.addWidget(self._progress)
        self._right.addWidget(self._files)
        self._right.addStretch(1)
        document.recipe_changed.connect(self._refresh)
        document.inspection_changed.connect(self._refresh)
        document.state_changed.connect(self._show_folder)
        self._conversions.changed.connect(self._refresh)
        self._conversions.changed.connect(self._make_what_waited)
        self._conversions.progressed.connect(self._show_progress)
        self._conversions.ended.connect(self._say_end)
        self._conversions.refused.connect(self.banner.say_error)
        self._checks.changed.connect(self._refresh)
        self._checks.failed.connect(self.banner.say_error)
        self._refresh()

    # --- what a person does --------------------------------------------------------------------------------------

    def _choose(self, target: str, precisions: Sequence[Precision]) -> None:
        document = self.bench.document
        targets = with_precisions(self._offer, document.project.recipe, target, precisions)
        document.set_targets(targets, tr("Choose files"))

    def _set_option(self, target: str, name: str, value: Value) -> None:
        document = self.bench.document
        targets = with_option(self._offer, document.project.recipe, target, name, value)
        document.set_targets(targets, tr("Change an option of {target}", target=target_info(self._offer, target).title))

    def _judge(self, name: str, value: object) -> None:
        document = self.bench.document
        recipe = document.project.recipe
        judged = replace(recipe.verification, **{name: value})  # type: ignore[arg-type]
        text = tr("Change the verification")
        document.edit(text, replace(recipe, verification=judged), merge=f"verification.{name}")

    def _start(self) -> None:
        names = self._possible(self._conversions.to_make())
        if names:
            self._make(names)
            return
        again = self._possible([request.name for request in self.bench.document.project.recipe.targets])
        self.banner.say(
            tr("All of these files are made and verified already."),
            Tone.SUCCESS,
            [(tr("Make them again"), lambda: self._make(again))],
        )

    def _make(self, names: Sequence[str]) -> None:
        asked = {request.name for request in self.bench.document.project.recipe.targets}
        names = [name for name in names if name in asked]
        if not names or self._conversions.running is not None:
            return
        if not self._conversions.is_surveyed:
            self._wanted = tuple(names)  # the disk is looked at once more after each conversion: begun in a moment
            return
        self.banner.dismiss()
        self._conversions.start(names)

    def _make_what_waited(self) -> None:
        if self._wanted and self._conversions.is_surveyed:
            names, self._wanted = self._wanted, ()
            self._make(names)

    def _compare(self, path: Path) -> None:
        """Go on to compare one file with the model, and no other."""
        choice = comparing(self.bench)
        choice.choose_original(self.bench.document.project.recipe.source)
        choice.choose_candidates([str(path)])
        self.go_to.emit("compare")

    def _remove(self, paths: Sequence[Path]) -> None:
        self._conversions.remove([file for file in self.bench.document.project.files if file.path in paths])

    def _open_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self.banner.say(tr("{folder} is made with the first file.", folder=str(folder)))
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.banner.say(
                tr("No program shows folders here. The folder is {folder}.", folder=str(folder)), Tone.WARNING
            )

    def _say_end(self, job: Job) -> None:
        if job.state is JobState.CANCELLED:
            self.banner.say(tr("Cancelled. Nothing of this conversion was kept."))
        elif job.state is JobState.DONE and job.result is not None:
            verified = sum(artifact["verified"] for artifact in job.result["artifacts"])
            count = len(job.result["artifacts"])
            if verified == count:
                self.banner.say(tr("Made and verified: {count}.", count=count), Tone.SUCCESS)
            else:
                self.banner.say(
                    tr("Verified: {verified} of {count}. The others say why.", verified=verified, count=count),
                    Tone.ERROR,
                )

    # --- what is shown -------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self._catalogue is None or not self.isVisible():
            return  # pages out of view cost the others nothing
        document = self.bench.document
        inspection = document.inspection
        recipe = document.project.recipe
        self._verification.show_request(recipe.verification)
        self._destination.show_quantization(
            wants_int8=any(request.precision is Precision.INT8 for request in recipe.targets),
            has_step=recipe.is_quantized,
        )
        self._show_folder()
        answer = self._checks.answer
        needs = [answer.memory.get(request.target, 0) for request in recipe.targets]
        self._destination.show_memory(max(needs, default=0), answer.available)
        for target in self._offer.targets:
            self._cards[target.name].show_view(self._view(target, inspection))
        self._show_forecast(inspection)
        self._show_progress(self._conversions.running)
        self._files.refresh()

    def _show_folder(self) -> None:
        document = self.bench.document
        self._destination.show_folder(document.work_folder, is_saved=document.path is not None)

    def _view(self, target: TargetInfo, inspection: Mapping[str, Any] | None) -> TargetView:
        recipe = self.bench.document.project.recipe
        chosen = precisions_of(recipe, target.name)
        options = options_of(recipe, target.name)
        expected = {}
        for precision in chosen if inspection is not None else ():
            name = request_name(target.name, precision)
            file = self._conversions.current(name)
            if file is not None and file.verified:
                expected[precision] = tr("{size}, made and verified", size=size_text(file.size))
            else:
                assert inspection is not None
                size = expected_size(inspection["cost"], recipe, target.name, precision, options)
                expected[precision] = tr("about {size}", size=size_text(size))
        problems = {
            precision: found
            for precision in target.precisions
            if (found := self._checks.answer.problems.get(request_name(target.name, precision)))
        }
        return TargetView(chosen, options, expected, problems, self._findings(target.name, inspection))

    def _findings(self, target: str, inspection: Mapping[str, Any] | None) -> list[str]:
        """Return what the doctor says will not work in a target's files, without what the recipe mends."""
        if inspection is None:
            return []
        mended = applied_rewrites(self.bench.document)
        return [
            finding["sentence"]
            for finding in inspection["findings"]
            if finding["severity"] == "error" and target in finding["targets"] and finding["rewrite"] not in mended
        ]

    def _show_forecast(self, inspection: Mapping[str, Any] | None) -> None:
        recipe = self.bench.document.project.recipe
        to_make = self._possible(self._conversions.to_make())
        requests = [request for request in recipe.targets if request.name in to_make]
        is_running = self._conversions.running is not None
        asked = self._possible([request.name for request in recipe.targets])
        self._convert.setEnabled(bool(asked) and not is_running and self._conversions.is_surveyed)
        self._convert.setToolTip(
            tr("A conversion is running")
            if is_running
            else tr("Make and verify the chosen files (Ctrl+Return)")
            if asked
            else tr("Choose at least one kind of file first")
        )
        if inspection is None or not recipe.targets:
            self.set_forecast(
                tr("Choose what to make: MNN and TFLite for Android, Core ML for iPhones, ONNX for the desktop.")
            )
            return
        sizes = [
            expected_size(
                inspection["cost"], recipe, request.target, request.precision, options_of(recipe, request.target)
            )
            for request in requests
        ]
        count_made = len(recipe.targets) - len(self._conversions.to_make())
        self.set_forecast(size_forecast(sizes, inspection["source"]["size"], count_made, self._seconds(to_make)))

    def _seconds(self, names: Sequence[str]) -> float | None:
        """Return what making these files took before; None unless all of them were made before."""
        known = {name_of(file): file.report.get("seconds") for file in self.bench.document.project.files}
        seconds = [known.get(name) for name in names]
        return sum(each for each in seconds if each) if names and all(seconds) else None

    def _possible(self, names: Sequence[str]) -> list[str]:
        """Return those of the recipe's requests that nothing known speaks against."""
        return [
            request.name
            for request in self.bench.document.project.recipe.targets
            if request.name in names
            and not target_info(self._offer, request.target).unavailable
            and not self._checks.answer.problems.get(request.name)
        ]

    def _show_progress(self, job: Job | None) -> None:
        titles = {name: title_of(self._offer, name) for name in job.request.arguments["keys"]} if job else {}
        self._progress.show_job(job, titles)
