"""What is exported, where to and with what beside it: the choice that outlives the page, and the jobs made of it.

One object that lives as long as the document. Choices are of this run of the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, Signal

from converters.package.request import DEFAULT_PICTURES, PackagedFile, PackageRequest
from converters.precision import Precision
from converters.recipe import TargetRequest
from studio.converting import Conversions, conversions
from studio.document import Document
from studio.file_labels import labels_of
from studio.jobs.job import Job, JobRequest, JobState, Lane
from studio.jobs.service import JobService
from studio.made_files import FileState
from studio.project import MadeFile
from studio.project_jobs import is_own, running_job
from studio.settings import SettingsStore
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

KIND = "package"
PRESETS: Mapping[str, tuple[str, ...]] = {
    "ios": ("coreml",),
    "android": ("tflite", "mnn"),
    "all": ("coreml", "tflite", "mnn", "onnx"),
}
"""Targets by the name of a quick choice."""
MOST_PICTURES = 64
_WORKER = "inspector"
_PREVIEW = "export-preview"


@dataclass(frozen=True)
class Entry:
    """A made file that can be exported.

    Attributes:
        file: it.
        label: told apart from the others'.
        state: what it is worth by now.
    """

    file: MadeFile
    label: str
    state: FileState

    @property
    def is_there(self) -> bool:
        """Whether the file is as it was made."""
        return self.state in (FileState.CURRENT, FileState.OUTDATED)

    @property
    def is_usual(self) -> bool:
        """Whether it is chosen as long as nobody chose."""
        return self.file.verified and self.state is FileState.CURRENT


@dataclass(frozen=True)
class Choice:
    """What the person chose.

    Attributes:
        files: paths; None as long as nothing was chosen.
        folder: the folder that the package is made in, "" for the usual one.
        name: of the package, "" for the usual one.
        with_report, with_recipe, with_comparison: what goes beside the files.
        pictures: of the comparison.
    """

    files: tuple[Path, ...] | None = None
    folder: str = ""
    name: str = ""
    with_report: bool = True
    with_recipe: bool = True
    with_comparison: bool = False
    pictures: int = DEFAULT_PICTURES


def exporting(bench: Workbench) -> Exporting:
    """Return the choice of a workbench's document; the first caller makes the object."""
    found = bench.document.findChild(Exporting)
    return found if isinstance(found, Exporting) else Exporting(bench)


class Exporting(QObject):
    """What is exported, and where to.

    Attributes:
        changed: the choice, or what can be chosen.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench.document)
        self._document: Document = bench.document
        self._jobs: JobService = bench.jobs
        self._settings: SettingsStore = bench.settings
        self._conversions: Conversions = conversions(bench)
        self._choice = Choice()
        self._identity = bench.document.project.identity
        self._conversions.changed.connect(self.changed)
        bench.document.files_changed.connect(self.changed)
        bench.document.source_changed.connect(self._take_source)

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def choice(self) -> Choice:
        """What was chosen so far."""
        return self._choice

    @property
    def entries(self) -> list[Entry]:
        """All files made, the newest first."""
        files = self._document.project.files
        found = [
            Entry(file, label, self._state(file)) for file, label in zip(files, labels_of(list(files)), strict=True)
        ]
        return found[::-1]

    @property
    def chosen(self) -> list[Entry]:
        """The files that would be exported."""
        return [entry for entry in self.entries if entry.is_there and self._is_chosen(entry)]

    @property
    def destination(self) -> Path:
        """The folder that would be made."""
        return Path(self.folder) / self.name

    @property
    def folder(self) -> str:
        """The folder it would be made in."""
        beside = str(self._document.path.parent) if self._document.path else ""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        return self._choice.folder or self._settings.value.export_folder or beside or documents or str(Path.home())

    @property
    def name(self) -> str:
        """The name of the folder that would be made."""
        return self._choice.name or f"{Path(self._document.title).stem or 'model'}-export"

    @property
    def running(self) -> Job | None:
        """The export that waits or runs."""
        return running_job(self._document, self._jobs, KIND)

    @property
    def result(self) -> Mapping[str, Any] | None:
        """What the last export of this project wrote, None where there was none."""
        done = [job for job in self._jobs.jobs() if self._is_own(job) and job.state is JobState.DONE]
        return done[-1].result if done else None

    # --- what is chosen ------------------------------------------------------------------------------------------

    def choose_files(self, paths: Sequence[Path]) -> None:
        """Export exactly these."""
        self._change(files=tuple(paths))

    def choose_preset(self, name: str) -> None:
        """Export what is usual for one system; a name of `PRESETS`."""
        targets = PRESETS[name]
        usual = [entry for entry in self.entries if entry.is_usual and entry.file.target in targets]
        self.choose_files([entry.file.path for entry in usual])

    def choose(self, **values: Any) -> None:
        """Set fields of the choice by name."""
        self._change(**values)

    # --- what is done --------------------------------------------------------------------------------------------

    def start(self, *, force: bool = False) -> int:
        """Submit the export; return the job's identity.

        Args:
            force: replace an earlier export in the same place.
        """
        self._settings.change(export_folder=self.folder)
        arguments = {**self._request(force=force).to_json(), "project": self._document.project.identity}
        title = tr("Exporting {name}", name=self.name)
        return self._jobs.submit(JobRequest(KIND, title, arguments, Lane.WORK, keeps_files=not force))

    def look(self) -> int:
        """Submit a job that reads the chosen files and looks at the place; return its identity."""
        arguments = {"request": self._request(force=False).to_json()}
        return self._jobs.submit(
            JobRequest(
                "operation",
                tr("Preparing the export's preview"),
                {"worker": _WORKER, "operation": "package_preview", "arguments": arguments},
                Lane.INTERACTIVE,
                replaces=_PREVIEW,
                is_quiet=True,
            )
        )

    def _request(self, *, force: bool) -> PackageRequest:
        project, choice = self._document.project, self._choice
        chosen = self.chosen
        inspection = self._document.inspection or {}
        cost = inspection.get("cost") or {}
        targets = tuple(
            TargetRequest(
                entry.file.target, Precision(entry.file.precision), dict(entry.file.report.get("options") or {})
            )
            for entry in chosen
        )
        return PackageRequest(
            destination=self.destination,
            files=tuple(_packaged(entry) for entry in chosen),
            recipe=replace(project.recipe, targets=targets),
            model={
                "source": dict(inspection.get("source") or {}),
                "cost": {key: cost[key] for key in ("parameters", "macs") if key in cost},
            },
            with_report=choice.with_report,
            with_recipe=choice.with_recipe,
            pictures=choice.pictures if choice.with_comparison else 0,
            images=project.comparison_images,
            trust=self._document.is_trusted,
            # one that failed is never chosen but by hand
            allow_unverified=True,
            force=force,
        )

    # -------------------------------------------------------------------------------------------------------------

    def _state(self, file: MadeFile) -> FileState:
        state = self._conversions.state(file)
        if state in (FileState.CURRENT, FileState.OUTDATED) and not self._document.is_intact(file):
            return FileState.CHANGED
        return state

    def _is_chosen(self, entry: Entry) -> bool:
        if self._choice.files is None:
            return entry.is_usual
        return entry.file.path in self._choice.files

    def _is_own(self, job: Job) -> bool:
        return is_own(self._document, job, KIND)

    def _take_source(self) -> None:
        if not self._document.owns(self._identity):
            self._choice = Choice()
        self._identity = self._document.project.identity
        self.changed.emit()

    def _change(self, **values: Any) -> None:
        changed = replace(self._choice, **values)
        if changed != self._choice:
            self._choice = changed
            self.changed.emit()


def _packaged(entry: Entry) -> PackagedFile:
    file = entry.file
    return PackagedFile(
        path=file.path,
        target=file.target,
        precision=file.precision,
        sha256=file.sha256,
        verified=file.verified,
        outdated=entry.state is FileState.OUTDATED,
        report=file.report,
    )
