"""Conversions of the open project: what has to be made, what is being made, what came of it.

One object that lives as long as the document, so that a result is recorded whatever page is in view by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from converters.errors import CancelledError, DestinationError, StudioError, error_from_json
from converters.recipe import Recipe
from studio.document import Document
from studio.jobs.job import Job, JobRequest, JobState, Lane
from studio.jobs.service import JobService
from studio.made_files import FileState, conversion_folder, files_of_report, name_of, request_name
from studio.project import MadeFile
from studio.project_jobs import is_own, running_job
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

KIND = "convert"
_PAUSE = 120  # milliseconds after the last change of the recipe before the files are looked at again


@dataclass(frozen=True)
class Survey:
    """What was found when the files were looked at.

    Attributes:
        recipe, files: what was looked at.
        keys: content keys by the names of the recipe's requests.
        states: of the files, by path.
    """

    recipe: Recipe
    files: tuple[MadeFile, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[Path, FileState] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Why a file is not there.

    Attributes:
        error: what happened.
        job: in which job, for its log.
    """

    error: StudioError
    job: int


def conversions(bench: Workbench) -> Conversions:
    """Return the conversions of a workbench's document; the first caller makes the object."""
    found = bench.document.findChild(Conversions)
    return found if isinstance(found, Conversions) else Conversions(bench.document, bench.jobs)


class Conversions(QObject):
    """Starts conversions, records what they made in the document, and knows which files are still current.

    Attributes:
        changed: anything a page shows: another survey, a conversion that began, ended or failed.
        progressed: with the Job of the conversion that runs.
        ended: with the Job of a conversion that is over, after what it made was recorded.
        refused: with a StudioError: something a person asked for could not be done.
    """

    changed = Signal()
    progressed = Signal(object)
    ended = Signal(object)
    refused = Signal(object)

    def __init__(self, document: Document, jobs: JobService) -> None:
        super().__init__(document)
        self._document = document
        self._jobs = jobs
        self._survey = Survey(Recipe(source=""))
        self._failures: dict[str, Failure] = {}
        self._identity = document.project.identity
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE)
        self._timer.timeout.connect(self._look)
        document.source_changed.connect(self._take_source)
        document.recipe_changed.connect(self.refresh)
        document.files_changed.connect(self._take_files)
        jobs.added.connect(self._take_added)
        jobs.changed.connect(self._take_progress)
        jobs.finished.connect(self._take_finished)
        self.refresh()

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def is_surveyed(self) -> bool:
        """Whether `survey` speaks of the recipe and the files as they are now."""
        project = self._document.project
        return self._survey.recipe == project.recipe and self._survey.files == project.files

    @property
    def running(self) -> Job | None:
        """The conversion that waits or runs, None when none does."""
        return running_job(self._document, self._jobs, KIND)

    @property
    def failures(self) -> Mapping[str, Failure]:
        """Why files are not there that were asked for last, by the request's name."""
        return dict(self._failures)

    def state(self, file: MadeFile) -> FileState:
        """Return what a file is worth, as far as was looked."""
        state = self._survey.states.get(file.path, FileState.CURRENT)
        has_looked = bool(self._survey.recipe.source)
        if state is FileState.CURRENT and has_looked and self._survey.keys.get(name_of(file)) != file.key:
            return FileState.OUTDATED  # made while the recipe was changed
        return state

    def current(self, name: str) -> MadeFile | None:
        """Return the file that was made for a request of the recipe as it is now, None when it has to be made."""
        for file in reversed(self._document.project.files):
            if name_of(file) == name and self.state(file) is FileState.CURRENT:
                return file
        return None

    def to_make(self) -> list[str]:
        """Return the names of the recipe's requests for which there is no current, verified file."""
        names = [request.name for request in self._document.project.recipe.targets]
        return [name for name in names if (file := self.current(name)) is None or not file.verified]

    def outdated(self) -> list[MadeFile]:
        """Return the files that are no longer what the recipe asks for."""
        gone = (FileState.OUTDATED, FileState.CHANGED)
        return [file for file in self._document.project.files if self.state(file) in gone]

    # --- what a person asks for ----------------------------------------------------------------------------------

    def start(self, names: Sequence[str]) -> int:
        """Begin to make files of the recipe, in a folder of their own; nothing is replaced.

        Args:
            names: of the recipe's requests; at least one.

        Returns:
            The job's identity.

        Raises:
            ValueError: none of them, or not surveyed; a bug of the caller.
        """
        recipe = self._document.project.recipe
        targets = tuple(request for request in recipe.targets if request.name in names)
        if not targets or not self.is_surveyed:
            raise ValueError("nothing to make, or nobody looked yet")
        keys = {request.name: self._survey.keys[request.name] for request in targets}
        destination = conversion_folder(self._document.work_folder, keys.values())
        for name in keys:
            self._failures.pop(name, None)
        arguments = {
            "recipe": replace(recipe, targets=targets).to_json(),
            "destination": str(destination),
            "trust": self._document.is_trusted,
            "force": False,
            "keep_going": True,
            "project": self._document.project.identity,
            "keys": keys,
        }
        return self._jobs.submit(
            JobRequest(
                KIND,
                tr("Converting {model}", model=self._document.title),
                arguments,
                lane=Lane.WORK,
                keeps_files=True,
            )
        )

    def cancel(self) -> None:
        """Stop the conversion that waits or runs; what it has made so far is removed with it."""
        running = self.running
        if running is not None:
            self._jobs.cancel(running.identity)

    def remove(self, files: Sequence[MadeFile]) -> None:
        """Remove files from the disk and from the project."""
        gone = [file for file in files if self.state(file) is FileState.MISSING]
        there = [str(file.path) for file in files if file not in gone]
        if not there:
            self._forget([file.path for file in gone])
            return
        identity = self._jobs.submit(
            JobRequest(
                "remove_files",
                tr("Removing outdated files"),
                {"paths": there, "work_folder": str(self._document.work_folder)},
                lane=Lane.INTERACTIVE,
                is_quiet=True,
            )
        )

        def forget(result: dict[str, Any]) -> None:
            stay = [path for path in there if path not in result["removed"]]
            self._forget([file.path for file in files])
            if stay:
                self.refused.emit(
                    DestinationError(
                        tr("Not in the project any more, but still on the disk: {paths}.", paths=", ".join(stay)),
                        tr("They do not lie in the project's folder of files."),
                    )
                )

        self._jobs.follow(identity, self, done=forget, failed=self._refuse)

    def refresh(self) -> None:
        """Look at the files again, in a moment."""
        if self._document.project.recipe.source:
            self._timer.start()

    # --- looking at files ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        project = self._document.project
        identity = self._jobs.submit(
            JobRequest(
                "survey",
                tr("Looking at the files made so far"),
                {
                    "recipe": project.recipe.to_json(),
                    "sha256": project.recipe.source_sha256,
                    "files": [replace(file, report={}).to_json(None) for file in project.files],
                    "work_folder": str(self._document.work_folder),
                },
                lane=Lane.INTERACTIVE,
                replaces="survey",
                is_quiet=True,
            )
        )

        def take(result: dict[str, Any]) -> None:
            found = zip(project.files, result["states"], strict=True)
            self._survey = Survey(
                project.recipe, project.files, result["keys"], {file.path: FileState(state) for file, state in found}
            )
            self.changed.emit()

        self._jobs.follow(identity, self, done=take, failed=self._refuse)

    def _refuse(self, error: StudioError) -> None:
        if not isinstance(error, CancelledError):
            self.refused.emit(error)

    def _forget(self, paths: Sequence[Path]) -> None:
        left = [file for file in self._document.project.files if file.path not in paths]
        self._document.set_files(left)

    def _take_source(self) -> None:
        if not self._document.owns(self._identity):
            self._failures.clear()
        self._identity = self._document.project.identity
        self.refresh()
        self.changed.emit()

    def _take_files(self) -> None:
        self.refresh()
        self.changed.emit()

    # --- what jobs tell ------------------------------------------------------------------------------------------

    def _is_own(self, job: Job) -> bool:
        return is_own(self._document, job, KIND)

    def _take_added(self, identity: int) -> None:
        if self._is_own(self._jobs.job(identity)):
            self.changed.emit()

    def _take_progress(self, identity: int) -> None:
        job = self._jobs.job(identity)
        if self._is_own(job) and not job.state.is_over:
            self.progressed.emit(job)

    def _take_finished(self, identity: int) -> None:
        job = self._jobs.job(identity)
        if not self._is_own(job):
            return
        keys = job.request.arguments["keys"]
        if job.state is JobState.DONE and job.result is not None:
            for artifact in job.result["artifacts"]:
                if artifact["error"] and not artifact["path"]:
                    name = request_name(artifact["target"], artifact["precision"])
                    self._failures[name] = Failure(error_from_json(artifact["error"]), identity)
            made = files_of_report(job.result, keys)
            self._survey = replace(self._survey, states={**self._survey.states, **self._older(made)})
            self._document.set_files([*self._document.project.files, *made])
        elif job.error is not None and not isinstance(job.error, CancelledError):
            for name in keys:
                self._failures[name] = Failure(job.error, identity)
        self.changed.emit()
        self.ended.emit(job)

    def _older(self, made: Sequence[MadeFile]) -> dict[Path, FileState]:
        """Return what is known of files at once when newer ones of the same key are there."""
        keys = {file.key for file in made}
        return {file.path: FileState.OUTDATED for file in self._document.project.files if file.key in keys}
